//! The pilot and its bypass through the program as it is installed: who is served by the gateway, who by the
//! Sametime Proxy that was there before, and what a restart remembers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use base64::Engine;
use loadtest_sim::model::Directory;
use loadtest_sim::{Simulator, TokenCheck};
use support::client::{Answer, fetch, get_with, read_to_end, send};
use support::{soon, tokens, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ANN: &str = "CN=Ann Example/O=Acme";
const BOB: &str = "CN=Bob Example/O=Acme";
const PROXY: &str = "from the Sametime Proxy";

/// A folder with the configuration and everything that it names; gone when dropped.
struct Estate {
    folder: PathBuf,
    /// Answers everything with [`PROXY`].
    proxy: SocketAddr,
    community: Simulator,
}

impl Estate {
    async fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("livename-pilot-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let secret = base64::engine::general_purpose::STANDARD.encode(b"twenty secret bytes.");
        std::fs::write(folder.join("secret"), secret).unwrap();
        std::fs::write(folder.join("people"), format!("# the first\n{ANN}\n")).unwrap();
        let people = format!(
            "id,short_name,display_name,mail,password\n{ANN},ann,Ann,ann@acme.example,a\n{BOB},bob,Bob,bob@acme.example,b\n"
        );
        let directory = Directory::from_csv("people", &people).unwrap();
        let tokens = TokenCheck::domino(tokens::secret());
        let community = Simulator::builder().directory(directory).tokens(tokens).start().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap_or(0) > 0 {}
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{PROXY}",
                    PROXY.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let estate = Self { folder, proxy, community };
        estate.configure("groups = [\"people\"]");
        estate
    }

    fn configure(&self, pilot: &str) {
        let (community, proxy) = (self.community.addr(), self.proxy);
        let text = format!(
            r#"
[listen]
http = ["127.0.0.1:0"]
admin = "127.0.0.1:0"
workers = 2
[sso]
domain = ".acme.example"
[[sso.cookie]]
name = "LtpaToken"
format = "domino"
[[sso.key]]
id = "k"
format = "domino"
secret_file = "secret"
[[community]]
name = "acme"
servers = ["{community}"]
own_presence = "login"
privacy = "own"
[[route]]
path = "/"
serve = "awareness"
community = "acme"
pass_to = ["http://{proxy}"]
[pilot]
state_file = "bypass.json"
{pilot}
"#
        );
        std::fs::write(self.folder.join("livename.toml"), text).unwrap();
    }

    async fn start(&self) -> Program {
        let ready = self.folder.join("ready.json");
        // That of an earlier start says nothing.
        drop(std::fs::remove_file(&ready));
        let (config, file) = (self.folder.join("livename.toml"), ready.to_str().unwrap().to_owned());
        let mut run = livename(&["run", "--config", config.to_str().unwrap(), "--ready-file", &file]);
        let child = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut program = Program { child, http: self.proxy, admin: self.proxy };
        until("the ready file", || ready.exists()).await;
        let addresses: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&ready).unwrap()).unwrap();
        program.http = addresses["http"].as_str().unwrap().parse().unwrap();
        program.admin = addresses["admin"].as_str().unwrap().parse().unwrap();
        program
    }
}

impl Drop for Estate {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

struct Program {
    child: Child,
    http: SocketAddr,
    admin: SocketAddr,
}

impl Program {
    async fn ask(&self, user: &str, path: &str) -> Answer {
        let cookie = if user.is_empty() { String::new() } else { tokens::cookie(user) };
        send(self.http, get_with(path, &[("cookie", &cookie)])).await
    }

    async fn is_passed_on(&self, user: &str) -> bool {
        self.ask(user, "/stwebapi/user/status").await.body == PROXY
    }

    /// Exit code and what was said, on either stream.
    fn command(&self, command: &[&str]) -> (Option<i32>, String) {
        let admin = self.admin.to_string();
        let Output { status, stdout, stderr } =
            livename(&[command, &["--admin", &admin]].concat()).output().unwrap();
        (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
    }

    async fn metric(&self, line: &str) -> bool {
        fetch(self.admin, "/metrics").await.body.lines().any(|found| found == line)
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

#[tokio::test]
async fn people_of_the_pilot_are_served_here_and_all_others_as_before() {
    let estate = Estate::new("list").await;
    let program = estate.start().await;
    assert!(!program.is_passed_on(ANN).await && program.is_passed_on(BOB).await);
    // Nobody is known: the Sametime Proxy has its own ways to find out.
    assert!(program.is_passed_on("").await);
    // Our own interface to pages means nothing there.
    assert_eq!(program.ask(ANN, "/livename/v1/events.js").await.status, 200);
    assert_eq!(program.ask(BOB, "/livename/v1/events.js").await.status, 404);
    assert_eq!(program.ask("", "/livename/v1/events").await.status, 401);
    for (decision, count) in [("chosen", 2), ("not_chosen", 2), ("anonymous", 2), ("bypass", 0)] {
        let line = format!("livename_pilot_requests_total{{decision=\"{decision}\"}} {count}");
        assert!(program.metric(&line).await, "{line}");
    }

    // Meetings, calls and whatever else is not answered here is the Sametime Proxy's, for the pilot as well.
    for path in ["/stwebapi/chat?userId=x", "/stwebapi/nway/invitation", "/stwebapi/user/location"] {
        assert_eq!(program.ask(ANN, path).await.body, PROXY, "{path}");
    }
    // A reload reads the group again.
    std::fs::write(estate.folder.join("people"), "*/O=ACME\n").unwrap();
    assert_eq!(program.command(&["reload"]).0, Some(0));
    assert!(!program.is_passed_on(BOB).await && program.is_passed_on("CN=Eve/O=Other").await);
    let status = fetch(program.admin, "/status.json").await.body;
    assert!(status.contains("0 names, 1 patterns, 0 % of all users"), "{status}");
}

/// What `deploy/pilot-group.sh` makes of an answer of the directory; whether it was content.
fn refresh_group(file: &std::path::Path, ldif: &str) -> bool {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/pilot-group.sh");
    let mut shell = Command::new("sh");
    let mut shell = shell.arg(script).arg(file).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(&mut shell.stdin.take().unwrap(), ldif.as_bytes()).unwrap();
    shell.wait().unwrap().success()
}

#[tokio::test]
async fn a_group_of_the_directory_becomes_the_pilot_at_the_next_reload() {
    let estate = Estate::new("directory").await;
    let program = estate.start().await;
    let file = estate.folder.join("people");
    let encoded = base64::engine::general_purpose::STANDARD.encode("cn=Eve Example,o=Acme");
    let ldif = format!("dn: CN=Presence Pilot\nmember: cn=Bob Example,o=Acme\nmember:: {encoded}\n\n");
    assert!(refresh_group(&file, &ldif));
    assert_eq!(program.command(&["reload"]).0, Some(0));
    assert!(program.is_passed_on(ANN).await && !program.is_passed_on(BOB).await);
    assert!(!program.is_passed_on("CN=Eve Example/O=Acme").await);

    // A search that failed says nothing about the group.
    assert!(!refresh_group(&file, ""));
    assert_eq!(program.command(&["reload"]).0, Some(0));
    assert!(!program.is_passed_on(BOB).await);

    assert!(refresh_group(&file, "dn: CN=Presence Pilot\n\n"));
    assert_eq!(program.command(&["reload"]).0, Some(0));
    assert!(program.is_passed_on(BOB).await, "a group without members is nobody");
}

#[tokio::test]
async fn a_bypass_holds_at_once_for_everybody_and_survives_restarts() {
    let estate = Estate::new("bypass").await;
    let mut program = estate.start().await;
    assert_eq!(program.command(&["bypass", "status"]), (Some(0), "bypass is off\n".to_owned()));

    let mut channel = TcpStream::connect(program.http).await.unwrap();
    let request = format!(
        "GET /livename/v1/events HTTP/1.1\r\nhost: im.example\r\naccept: text/event-stream\r\nconnection: close\r\ncookie: {}\r\n\r\n",
        tokens::cookie(ANN)
    );
    channel.write_all(request.as_bytes()).await.unwrap();
    let mut begin = [0; 15];
    soon("an event channel", channel.read_exact(&mut begin)).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200 OK");

    let (code, said) = program.command(&["bypass", "on"]);
    assert!(code == Some(0) && said.starts_with("bypass is on, since "), "{said}");
    assert!(program.is_passed_on(ANN).await && program.is_passed_on("").await);
    assert!(program.metric("livename_bypass 1").await);
    let rest = read_to_end(&mut channel).await;
    assert!(rest.contains("draining"), "the open channel is told to come back: {rest}");
    assert_eq!(program.ask(ANN, "/livename/v1/events.js").await.status, 404);

    // Not even a kill makes it forget.
    program.child.kill().unwrap();
    program.child.wait().unwrap();
    let program = estate.start().await;
    assert!(program.is_passed_on(ANN).await && program.metric("livename_bypass 1").await);
    let status = fetch(program.admin, "/status.json").await.body;
    assert!(status.contains("\"bypass\": true"), "{status}");

    let (code, said) = program.command(&["bypass", "off"]);
    assert!(code == Some(0) && said.starts_with("bypass is off, since "), "{said}");
    assert!(!program.is_passed_on(ANN).await && program.is_passed_on(BOB).await);
    assert!(program.metric("livename_bypass 0").await);
}

#[tokio::test]
async fn a_bypass_that_cannot_be_kept_is_in_force_and_says_so() {
    let estate = Estate::new("unkept").await;
    estate.configure("");
    let program = estate.start().await;
    assert!(!program.is_passed_on(BOB).await, "without a list everybody is in the pilot");
    // A folder of the name that the new file would have.
    std::fs::create_dir(estate.folder.join("bypass.json.new")).unwrap();
    let (code, said) = program.command(&["bypass", "on"]);
    assert!(code == Some(1) && said.contains("would not survive a restart"), "{said}");
    assert!(program.is_passed_on(BOB).await);
}
