//! `livename setup` with a directory that can be reached: the stand-in of the library's own tests, through the
//! program, with its files and exit codes.

use std::io::{Read, Write};
use std::process::Stdio;

use serde_json::json;
use tokio::runtime::Runtime;

use super::estate::{Folder, fill, toml};
use super::standin::{Fault, PASSWORD, Standin, web};
use super::{livename, output};

const PERSONS: &str = "[awareness]\nfor = \"mail-servers\"";

/// A stand-in with an estate, and `setup.toml` in a folder.
struct Site {
    _runtime: Runtime,
    standin: Standin,
    folder: Folder,
}

impl Site {
    fn new() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let standin = runtime.block_on(Standin::start());
        fill(&standin, false);
        let site = Self { _runtime: runtime, standin, folder: Folder::new() };
        site.write(&toml(&site.standin, "not-clustered", PERSONS));
        site
    }

    fn write(&self, setup: &str) {
        std::fs::write(self.file("setup.toml"), setup).unwrap();
    }

    fn file(&self, name: &str) -> String {
        self.folder.0.join(name).to_str().unwrap().to_owned()
    }

    /// What an administrator does in the Notes client.
    fn list_all_servers(&self) {
        let mut state = self.standin.lock();
        let sso = state.find("WebSSOConfig", "LTPA_TokenName", "LtpaToken").unwrap();
        state.set(&sso, "LTPA_ServerNames", json!(["CN=Mail1/O=Renovation", "CN=Sametime/O=Renovation"]));
    }

    fn has_designs(&self) {
        let mut state = self.standin.lock();
        state.designs.insert("Local".into(), json!({"fields": [{"name": "Interval", "type": "number"}]}));
        let servers = json!({"name": "LTPA_ServerNames", "type": "names", "allowmultivalues": true});
        state.designs.insert("WebSSOConfig".into(), json!({ "fields": [servers] }));
    }

    /// Names the items that no source does, as `discover` would, and the servers in the SSO document.
    fn is_settled(&self) {
        let items = "[item.sso]\nservers = { item = \"LTPA_ServerNames\", type = \"names-list\" }\n\
                     [item.connection]\ninterval = { item = \"Interval\", type = \"number\" }\n";
        std::fs::write(self.file("items.toml"), items).unwrap();
        self.write(&format!(
            "{}[items]\nfile = \"items.toml\"\n",
            toml(&self.standin, "not-clustered", PERSONS)
        ));
        self.list_all_servers();
    }

    /// Exit code and everything that was said.
    fn setup(&self, command: &str, more: &[&str]) -> (Option<i32>, String) {
        let file = self.file("setup.toml");
        let mut arguments = vec!["setup", command, "--config", &file];
        arguments.extend(more);
        let (code, said, problem) = output(&arguments);
        assert!(!said.contains(PASSWORD) && !problem.contains(PASSWORD), "{said}{problem}");
        (code, said + &problem)
    }
}

#[test]
fn an_administrator_walks_the_whole_way_and_back() {
    let site = Site::new();
    site.has_designs();
    site.list_all_servers();
    let before = site.standin.snapshot();

    // Some items stay unknown; what was found is written down.
    let (code, said) = site.setup("discover", &["--out", &site.file("items.toml")]);
    assert!(code == Some(3) && said.contains("still unknown"), "{said}");
    assert!(std::fs::read_to_string(site.file("items.toml")).unwrap().contains("LTPA_ServerNames"));
    site.standin.lock().designs.clear();
    let probe = "[items]\nfile = \"items.toml\"\n[probe]\nuser = \"Ann Archer/Renovation\"\npassword_file = \"user\"\nother = \"Łukasz Żółć/Renovation\"\n\
         other_password_file = \"user\"\nlogin = \"http://mail1.renovation.example:8081\"\n";
    let host = "host = \"sametime.renovation.example\"\n";
    let with_web = format!("{host}web = \"http://sametime.renovation.example:8081\"\n");
    let setup = toml(&site.standin, "not-clustered", PERSONS).replace(host, &with_web);
    site.write(&format!("{setup}{probe}"));
    std::fs::write(site.file("user"), web::PASSWORD).unwrap();

    let (code, said) = site.setup("plan", &[]);
    assert_eq!(code, Some(2), "{said}");
    let (code, said) = site.setup("apply", &[]);
    assert!(code == Some(0) && said.contains("--yes writes it"), "{said}");
    assert_eq!(site.standin.snapshot(), before);
    let (code, said) = verify(&site, &[]);
    assert!(code == Some(3) && said.contains("C13  FAIL"), "{said}");

    let (code, said) = site.setup("apply", &["--yes"]);
    assert!(code == Some(0) && said.contains("6 written and read back"), "{said}");
    let (code, said) = site.setup("plan", &[]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = site.setup("apply", &["--yes"]);
    assert!(code == Some(0) && said.contains("0 written and read back"), "{said}");

    std::fs::write(site.file("notes.ini"), "[Notes]\n").unwrap();
    let (code, said) = verify(&site, &["--notes-ini", &site.file("notes.ini")]);
    assert_eq!(code, Some(0), "{said}");
    for id in ["C1", "C2", "C6", "C7", "C8", "C9", "C10", "C13", "C14", "C15", "C16", "C17", "C20", "C21"] {
        assert!(said.contains(&format!("{id:<4} pass")), "{id}\n{said}");
    }
    // Nobody has looked at the community or at a second replica.
    assert!(said.contains("C18  unknown") && said.contains("C3   unknown"), "{said}");
    assert_eq!(verify(&site, &["--strict"]).0, Some(3));

    let (code, said) = site.setup("undo", &[]);
    assert!(code == Some(0) && said.contains("6 writes stand"), "{said}");
    let (code, said) = site.setup("undo", &["--yes"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(site.standin.snapshot(), before);
}

fn verify(site: &Site, more: &[&str]) -> (Option<i32>, String) {
    let address = site.standin.address;
    let at = |host: &str, port: u16| format!("{host}.renovation.example:{port}:{address}");
    let places = [at("mail1", 8081), at("sametime", 8081), at("sametime", 1533), at("mail1", 80)];
    let mut arguments: Vec<&str> = places.iter().flat_map(|place| ["--resolve", place]).collect();
    arguments.extend(more);
    site.setup("verify", &arguments)
}

#[test]
fn a_run_that_was_stopped_is_resumed_by_running_it_again() {
    let site = Site::new();
    site.is_settled();
    let before = site.standin.snapshot();
    site.standin.fault(Fault::Lockout(4));
    let (code, said) = site.setup("apply", &["--yes"]);
    assert!(
        code == Some(1) && said.contains("3 written") && said.contains("run it again to resume"),
        "{said}"
    );
    // The account is still locked: nothing can be read, and nothing is half done.
    let (code, said) = site.setup("plan", &[]);
    assert!(code == Some(1) && said.contains("refused"), "{said}");
    site.standin.lock().faults.clear();
    site.standin.fault(Fault::CutAfter(2));
    let (code, said) = site.setup("apply", &["--yes"]);
    assert!(code == Some(0) && said.contains("3 written and read back"), "{said}");
    let (code, said) = site.setup("undo", &["--yes"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(site.standin.snapshot(), before);
}

#[test]
fn what_is_left_for_a_person_and_what_cannot_be_read_have_codes_of_their_own() {
    let site = Site::new();
    site.is_settled();
    // Somebody with another Sametime server is left to a person.
    site.standin.lock().put(super::estate::person("Cy Other", Some("CN=Other/O=Renovation")));
    let (code, said) = site.setup("apply", &["--yes"]);
    assert!(code == Some(3) && said.contains("by hand"), "{said}");
    let (code, said) = site.setup("plan", &[]);
    assert_eq!(code, Some(3), "{said}");
    site.standin.lock().enabled = false;
    let (code, said) = site.setup("verify", &[]);
    assert!(code == Some(1) && said.contains("nsfExclusions"), "{said}");
    std::fs::write(site.file("password"), "wrong\n").unwrap();
    let (code, said) = site.setup("plan", &[]);
    assert!(code == Some(1) && said.contains("refused"), "{said}");
}

#[test]
fn a_password_comes_from_a_descriptor_and_is_asked_for_on_a_terminal_only() {
    let site = Site::new();
    let setup = toml(&site.standin, "not-clustered", PERSONS);
    site.write(&setup.replace("password_file = \"password\"", "password_fd = 3"));
    let plan = |redirection: &str| {
        let line = format!(
            "exec '{}' setup plan --config '{}' {redirection}",
            env!("CARGO_BIN_EXE_livename"),
            site.file("setup.toml")
        );
        let done =
            std::process::Command::new("sh").args(["-c", &line]).stdin(Stdio::null()).output().unwrap();
        (done.status.code(), String::from_utf8(done.stderr).unwrap())
    };
    let (code, problem) = plan(&format!("3< '{}'", site.file("password")));
    assert_eq!((code, problem.as_str()), (Some(2), ""));
    let (code, problem) = plan("");
    assert!(code == Some(64) && problem.contains("/dev/fd/3"), "{problem}");
}

/// `script` gives the program a terminal, whose echo has to be on again afterwards.
#[test]
fn the_terminal_has_its_echo_back_however_the_question_for_a_password_ends() {
    let site = Site::new();
    let setup = toml(&site.standin, "not-clustered", PERSONS);
    site.write(&setup.replace("password_file = \"password\"\n", ""));
    let line = format!(
        "trap : INT QUIT; '{}' setup plan --config '{}' >/dev/null; echo code $?; stty -a",
        env!("CARGO_BIN_EXE_livename"),
        site.file("setup.toml")
    );
    for (typed, expected) in [
        (format!("{PASSWORD}\n"), "code 2"),
        ("half\x03".to_owned(), "code 64"),
        ("\x1c".to_owned(), "code 64"),
    ] {
        let mut script = std::process::Command::new("script")
            .args(["-q", "-e", "-c", &line, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut screen = std::io::BufReader::new(script.stdout.take().unwrap());
        let mut keys = script.stdin.take().unwrap();
        let mut typed = Some(typed);
        let mut byte = [0];
        while screen.read(&mut byte).unwrap() > 0 {
            said.push(char::from(byte[0]));
            if said.ends_with("Password for CN=Setup/O=Renovation at 127.0.0.1: ") {
                keys.write_all(typed.take().unwrap().as_bytes()).unwrap();
            }
        }
        drop(script.wait());
        assert!(said.contains(expected), "{said}");
        let modes: Vec<&str> = said.split_whitespace().collect();
        assert!(modes.contains(&"echo") && modes.contains(&"isig"), "{said}");
        assert!(!said.contains(PASSWORD) && !said.contains("half"), "{said}");
    }
}

#[test]
fn who_looks_from_outside_needs_no_account_of_the_directory() {
    let site = Site::new();
    std::fs::remove_file(site.file("password")).unwrap();
    assert_eq!(verify(&site, &[]).0, Some(64));
    let (code, said) = verify(&site, &["--outside"]);
    assert!(code == Some(0) && said.contains("no Server document was read"), "{said}");
}

#[test]
fn an_offline_export_asks_nobody() {
    let site = Site::new();
    let (code, said) = site.setup("export", &["--offline", "--out", &site.file("files")]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(site.standin.lock().logins, 0);
    let offline = std::fs::read_to_string(site.file("files/by-hand.md")).unwrap();
    let (code, said) = site.setup("export", &["--out", &site.file("live")]);
    assert_eq!(code, Some(0), "{said}");
    assert!(site.standin.lock().logins > 0);
    // Who has read the directory knows what is right already.
    assert_ne!(offline, std::fs::read_to_string(site.file("live/by-hand.md")).unwrap());
}

#[test]
fn init_suggests_what_the_gateway_knows() {
    let folder = super::Folder::new("setup-init-gateway");
    let gateway = folder.config(
        "127.0.0.1:0",
        "[sso]\ndomain = \".renovation.example\"\n[[community]]\nname = \"acme\"\n\
         servers = [\"sametime.renovation.example:1533\"]\nown_presence = \"login\"\nprivacy = \"own\"\n",
    );
    let file = folder.0.join("setup.toml");
    let mut child = livename(&["setup", "init", "--config", file.to_str().unwrap()])
        .args(["--gateway", gateway.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut answers, mut questions) = (child.stdin.take().unwrap(), child.stderr.take().unwrap());
    let (mut asked, mut byte) = (String::new(), [0]);
    while questions.read(&mut byte).unwrap() > 0 {
        asked.push(char::from(byte[0]));
        let question = asked.lines().last().unwrap_or_default();
        if let Some(answer) = question.strip_suffix(": ").and_then(answer) {
            answers.write_all(format!("{answer}\n").as_bytes()).unwrap();
            asked.push('\n');
        }
    }
    assert!(child.wait().unwrap().success(), "{asked}");
    let setup = std::fs::read_to_string(file).unwrap();
    for line in [
        "topology = \"not-clustered\"",
        "domain = \".renovation.example\"",
        "host   = \"sametime.renovation.example\"",
        "url    = \"https://mail1.renovation.example:8880\"",
    ] {
        assert!(setup.contains(line), "{line}\n{setup}");
    }
}

/// An empty answer takes what is suggested. `None`: the question goes on.
fn answer(question: &str) -> Option<&'static str> {
    if question.ends_with(']') {
        return Some(if question.starts_with("Host name of the gateway") {
            "im.renovation.example"
        } else {
            ""
        });
    }
    let answers = [
        ("iNotes server", "Mail1/Renovation"),
        ("Sametime server", "Sametime/Renovation"),
        ("its DNS host name", "mail1.renovation.example"),
        ("its Domino domain", "Renovation"),
        ("Account", "Setup/Renovation"),
    ];
    answers.iter().find(|(start, _)| question.starts_with(start)).map(|(_, answer)| *answer)
}
