//! The program as an operator meets it: arguments in, exit codes, output and a ready file out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[cfg(feature = "demo")]
#[path = "command_line/demo.rs"]
mod demo;
#[path = "command_line/setup.rs"]
mod setup;
#[path = "command_line/setup_community.rs"]
mod setup_community;
#[path = "command_line/setup_live.rs"]
mod setup_live;
// The Domino of the library's own tests, and an estate for it.
#[allow(dead_code, clippy::panic, clippy::indexing_slicing, clippy::expect_used, reason = "shared")]
#[path = "../setup/tests/live/estate.rs"]
mod estate;
#[allow(dead_code, clippy::panic, clippy::indexing_slicing, clippy::expect_used, reason = "shared")]
#[path = "../setup/tests/live/standin/mod.rs"]
mod standin;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// A folder of its own, gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("livename-command-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn config(&self, http: &str, more: &str) -> PathBuf {
        let path = self.0.join("livename.toml");
        let text = format!(
            "[listen]\nhttp = [\"{http}\"]\nadmin = \"127.0.0.1:0\"\nworkers = 1\n[[route]]\npath = \"/\"\n\
             upstreams = [\"http://127.0.0.1:9\"]\nauth = \"off\"\n{more}\n"
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    fn start(&self, config: &std::path::Path) -> Program {
        let ready = self.0.join("ready.json");
        let child =
            livename(&["run", "--config", config.to_str().unwrap(), "--ready-file", ready.to_str().unwrap()])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
        let mut program = Program { child, addresses: serde_json::Value::Null };
        wait("the ready file", || {
            assert!(program.child.try_wait().unwrap().is_none(), "the program has ended");
            ready.exists()
        });
        program.addresses = serde_json::from_str(&std::fs::read_to_string(&ready).unwrap()).unwrap();
        program
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A running gateway; killed if a test fails.
struct Program {
    child: Child,
    addresses: serde_json::Value,
}

impl Program {
    fn address(&self, kind: &str) -> &str {
        self.addresses[kind].as_str().unwrap()
    }

    fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn metric(&self, line: &str) -> bool {
        let mut stream = TcpStream::connect(self.address("admin")).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text.lines().any(|found| found == line)
    }

    fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        wait("the end of the program", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn livename(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_livename"));
    command.args(arguments).env_remove("LIVENAME_LOG");
    command
}

fn output(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = livename(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn wait(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "still waiting for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_wrong_configuration_ends_with_64_and_every_mistake() {
    let folder = Folder::new("wrong");
    let path = folder.config("127.0.0.1:0", "[limits]\nconections = 5\ndrain = 30");
    let path = path.to_str().unwrap();
    let expected = format!(
        "{path}:10: limits.conections: unknown key; did you mean \"connections\"?\n\
         {path}:11: limits.drain: expected a duration such as \"250ms\", \"5s\", \"5min\" or \"1h\", found a number\n"
    );
    for command in ["check-config", "print-config", "run"] {
        assert_eq!(
            output(&[command, "--config", path]),
            (Some(64), String::new(), expected.clone()),
            "{command}"
        );
    }
    assert_eq!(output(&["run", "--cofnig", path]).0, Some(64));
}

#[test]
fn a_taken_port_ends_with_64_and_leaves_no_ready_file() {
    let folder = Folder::new("taken");
    let taken = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [address, other] = taken.each_ref().map(|port| port.local_addr().unwrap().to_string());
    let config = folder.config(&address, "");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("127.0.0.1:0", &other)).unwrap();
    let ready = folder.0.join("ready.json");
    std::fs::write(&ready, "from an earlier start").unwrap();
    let (code, _, problem) =
        output(&["run", "--config", config.to_str().unwrap(), "--ready-file", ready.to_str().unwrap()]);
    assert_eq!(code, Some(64));
    // Both at once, each with its place.
    for (line, key, port) in [(2, "listen.http", &address), (3, "listen.admin", &other)] {
        let place = format!("{}:{line}: {key}: cannot listen on {port}: ", config.display());
        assert!(problem.lines().any(|line| line.starts_with(&place)), "{place}\n{problem}");
    }
    assert!(!ready.exists());
}

#[test]
fn checking_and_printing_start_nothing() {
    let folder = Folder::new("check");
    let community =
        "[[community]]\nname = \"acme\"\nservers = [\"st1\"]\nown_presence = \"login\"\nprivacy = \"own\"";
    let config = folder.config("127.0.0.1:0", community);
    let config = config.to_str().unwrap();
    let (code, said, _) = output(&["check-config", "--config", config]);
    assert_eq!(code, Some(0));
    assert!(said.contains("community \"acme\": users of pages are logged in upstream"), "{said}");
    let (code, printed, _) = output(&["print-config", "--config", config]);
    assert_eq!(code, Some(0));
    assert!(printed.contains("connections = 100000  # default\n"), "{printed}");
    assert_eq!(output(&["version"]).1, concat!("livename ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_reload_by_command_tells_how_it_went_and_the_old_configuration_stays() {
    let folder = Folder::new("reload");
    let config = folder.config("127.0.0.1:0", "");
    let program = folder.start(&config);
    let admin = program.address("admin");
    assert_eq!(output(&["reload", "--admin", admin]).0, Some(0));

    folder.config("127.0.0.1:0", "[limits]\ndrain = 30");
    let (code, said, problem) = output(&["reload", "--admin", admin]);
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert!(problem.contains("livename.toml:10: limits.drain: expected a duration"), "{problem}");
    assert!(program.metric("livename_config_last_reload_successful 0"));

    let (code, _, problem) = output(&["reload", "--config", folder.0.join("gone.toml").to_str().unwrap()]);
    assert_eq!(code, Some(64), "{problem}");
}

#[test]
fn hangup_reloads_and_terminate_drains() {
    let folder = Folder::new("signals");
    let config = folder.config("127.0.0.1:0", "");
    let mut program = folder.start(&config);
    program.signal("HUP");
    wait("the reload", || program.metric("livename_config_reloads_total{result=\"ok\"} 1"));
    program.signal("TERM");
    assert_eq!(program.ended().code(), Some(0));
}

/// The first signal waits for the open connection, the second does not.
#[test]
fn the_second_signal_ends_at_once() {
    let folder = Folder::new("twice");
    let config = folder.config("127.0.0.1:0", "[limits]\ndrain = \"1h\"\nhead_timeout = \"10min\"");
    let mut program = folder.start(&config);
    // Half a request keeps its connection busy.
    let mut busy = TcpStream::connect(program.address("http")).unwrap();
    busy.write_all(b"GET / HTTP/1.1\r\nhost: a").unwrap();
    wait("the connection", || program.metric("livename_connections{listener=\"http\"} 1"));
    program.signal("INT");
    wait("the drain", || TcpStream::connect(program.address("http")).is_err());
    program.signal("INT");
    assert_eq!(program.ended().code(), Some(0));
}

#[test]
fn an_estate_is_assessed_by_exit_code_and_json() {
    let folder = Folder::new("assess");
    let sametime = folder.0.join("sametime.ini");
    let assess = |text: &str, more: &[&str]| {
        std::fs::write(&sametime, text).unwrap();
        let mut arguments = vec!["setup", "assess", "--sametime-ini", sametime.to_str().unwrap(), "--json"];
        arguments.extend(more);
        livename(&arguments).output().unwrap()
    };
    let closed = "[Connectivity]\nVPMX_TRUSTED_CLIENT_IPS=10.0.0.1\n";
    let refused = assess(closed, &["--gateway-address", "10.1.0.5"]);
    assert_eq!(refused.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!(report["go"], false);
    assert_eq!(report["findings"][0]["changes"][0]["then"], "VPMX_TRUSTED_CLIENT_IPS=10.0.0.1,10.1.0.5");
    assert_eq!(assess(closed, &["--gateway-address", "10.0.0.1"]).status.code(), Some(0));
    assert_eq!(assess("A\0", &[]).status.code(), Some(64));
    assert_eq!(livename(&["setup", "assess"]).output().unwrap().status.code(), Some(64));
}

#[test]
fn an_export_never_replaces_a_changed_file_unasked() {
    let folder = Folder::new("export");
    let config = folder.0.join("setup.toml");
    let server = |role: &str, name: &str| {
        let host = name.to_lowercase();
        format!(
            "[[server]]\nrole = \"{role}\"\nname = \"{name}/Renovation\"\ndomain = \"Renovation\"\n\
             host = \"{host}.renovation.example\"\n"
        )
    };
    let text = format!(
        "topology = \"same-domain\"\n{}{}[[directory]]\ndomain = \"Renovation\"\npath = \"files\"\n\
         [sso]\ndomain = \".renovation.example\"\n[awareness]\nfor = \"mail-servers\"\n",
        server("inotes", "Mail1"),
        server("sametime", "Sametime")
    );
    std::fs::write(&config, text).unwrap();
    let out = folder.0.join("files");
    let export = |more: &[&str]| {
        let mut arguments = vec!["setup", "export", "--config", config.to_str().unwrap()];
        arguments.extend(["--out", out.to_str().unwrap()]);
        arguments.extend(more);
        output(&arguments)
    };
    let (code, said, problem) = export(&[]);
    assert_eq!(code, Some(0), "{problem}");
    assert!(said.contains("Nothing has been changed on any server"), "{said}");
    std::fs::write(out.join("by-hand.md"), "my notes").unwrap();
    let (code, _, problem) = export(&[]);
    assert_eq!((code, problem.contains("by-hand.md: there already")), (Some(1), true), "{problem}");
    assert_eq!(std::fs::read_to_string(out.join("by-hand.md")).unwrap(), "my notes");
    assert_eq!(export(&["--replace"]).0, Some(0));
}

#[test]
fn routes_are_drafted_from_a_mail_servers_settings() {
    let folder = Folder::new("draft");
    let notes = folder.0.join("notes.ini");
    let settings = "[Notes]\niNotes_WA_SametimeServer=st1.acme.example\niNotes_WA_SametimeProtocol=https\n\
                    iNotes_WA_SametimeNameFormat=1\n";
    std::fs::write(&notes, settings).unwrap();

    let (code, routes, remarks) = output(&["config", "from-notes-ini", notes.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{remarks}");
    assert!(routes.contains("upstreams = [\"https://st1.acme.example\"]"), "{routes}");
    assert!(remarks.contains("Line 4, iNotes_WA_SametimeNameFormat"), "{remarks}");
    let config = folder.0.join("drafted.toml");
    std::fs::write(&config, format!("[listen]\nhttp = [\"127.0.0.1:0\"]\n{routes}")).unwrap();
    let (code, _, errors) = output(&["check-config", "--config", config.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{errors}");

    let (code, _, errors) = output(&["config", "from-notes-ini", "nowhere.ini"]);
    assert_eq!(code, Some(64), "{errors}");
    assert!(errors.contains("nowhere.ini"), "{errors}");
}
