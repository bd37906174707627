//! An estate as administrators have it: a community and a gateway that run already, nobody who tells the truth but
//! test users. The community is the simulated one; the load test does not know.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Folder, Program, has_gateway, wait};

const SECRET: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODk=";
/// The first of them are the test users, the last is the observer.
const PEOPLE: usize = 20;
const TESTERS: usize = 6;

pub(crate) struct Real {
    pub(crate) folder: Folder,
    community: Service,
    gateway: Service,
    pub(crate) control: String,
    pub(crate) url: String,
}

/// Ended with the test.
struct Service(Child);

/// What browsers log in with, and test users without passwords.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Tokens {
    Domino,
    /// `LtpaToken2`, at a gateway that is there over both schemes.
    WebSphere,
}

impl Real {
    fn start(tokens: Tokens) -> Self {
        Self::start_with(tokens, &["--online", "0"])
    }

    /// With more arguments of the community.
    pub(crate) fn start_with(tokens: Tokens, more: &[&str]) -> Self {
        let folder = Folder::new();
        let people = (1..=PEOPLE).map(|n| format!("CN=P{n}/O=R,p{n},P {n},p{n}@r.example,secret{n}\n"));
        folder.write(
            "people.csv",
            &format!("id,short_name,display_name,mail,password\n{}", people.collect::<String>()),
        );
        folder.write("domino.secret", SECRET);
        folder.write("ltpa.keys", include_str!("../../src/estate/websphere.keys"));
        folder.write("ltpa.password", "load test\n");
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        folder.write("gateway.pem", &made.cert.pem());
        folder.write("gateway.key", &made.signing_key.serialize_pem());
        let own = Path::new(env!("CARGO_BIN_EXE_livename-load"));
        let (community, said) = Service::start(
            &folder,
            own,
            &[&["community", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"], more].concat(),
            &[
                "--directory",
                "people.csv",
                "--domino-secret-file",
                "domino.secret",
                "--websphere-key-file",
                "ltpa.keys",
                "--websphere-password-file",
                "ltpa.password",
                "--ready-file",
                "community.json",
            ],
        );
        let (server, control) = (text(&said, "listen"), text(&said, "control"));
        folder.write("livename.toml", &configuration(&server, tokens));
        let (gateway, said) = Service::start(
            &folder,
            &own.with_file_name("livename"),
            &["run", "--config", "livename.toml"],
            &["--ready-file", "gateway.json"],
        );
        // With passwords and without, as administrators have them.
        let testers = (1..=TESTERS)
            .map(|n| if n % 2 == 0 { format!("CN=P{n}/O=R\n") } else { format!("CN=P{n}/O=R;secret{n}\n") });
        folder.write("testers.txt", &testers.collect::<String>());
        let watched = (TESTERS + 1..PEOPLE).map(|n| format!("CN=P{n}/O=R\n"));
        folder.write("watched.txt", &watched.collect::<String>());
        let (http, https, admin) = (text(&said, "http"), text(&said, "https"), text(&said, "admin"));
        let url = format!("http://{http}");
        let target = match tokens {
            Tokens::Domino => format!("url = \"{url}\"\ndomino_secret_file = \"domino.secret\""),
            Tokens::WebSphere => format!(
                "url = \"https://{https}\"\nplain_url = \"http://{http}\"\nca = \"gateway.pem\"\n\
                 websphere_key_file = \"ltpa.keys\"\nwebsphere_password_file = \"ltpa.password\""
            ),
        };
        let target = format!(
            "[target]\npeople_file = \"watched.txt\"\n{target}\nmetrics = \"http://{admin}/metrics\"\n\
             [actors]\nserver = \"{server}\"\nfile = \"testers.txt\"\nwatch = 3\n\
             [population]\nwatches = 15\nchanges_per_second = 15\n"
        );
        folder.write("target.toml", &target);
        Self { folder, community, gateway, control, url }
    }

    fn run(&self, phases: &str) -> Program {
        self.folder.run(&format!("{}{phases}", self.folder.read("target.toml")))
    }

    /// Clients of the community: the observer, and test users.
    pub(crate) fn logins(&self) -> u64 {
        self.stats()["logins"].as_u64().unwrap() - self.stats()["virtual_logins"].as_u64().unwrap()
    }

    /// What the community says of itself.
    pub(crate) fn stats(&self) -> Value {
        let mut stream = TcpStream::connect(&self.control).unwrap();
        write!(stream, "GET /v1/stats HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap()
    }
}

impl Service {
    /// The last of `ready` is the ready file.
    fn start(folder: &Folder, program: &Path, arguments: &[&str], ready: &[&str]) -> (Self, Value) {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .args(ready)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let service = Self(command.spawn().unwrap());
        let file = folder.path().join(ready.last().unwrap());
        let said = wait("the ready file", || serde_json::from_str(&fs::read_to_string(&file).ok()?).ok());
        (service, said)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap().to_owned()
}

fn configuration(server: &str, tokens: Tokens) -> String {
    let cookie = match tokens {
        Tokens::Domino => "name = \"LtpaToken\"\nformat = \"domino\"",
        Tokens::WebSphere => "name = \"LtpaToken2\"\nformat = \"ltpa2\"",
    };
    let awareness = |path| {
        format!(
            "[[route]]\npath = \"{path}\"\nserve = \"awareness\"\ncommunity = \"r\"\nauth = \"required\"\n"
        )
    };
    format!(
        "[listen]\nhttp = [\"127.0.0.1:0\"]\nhttps = [\"127.0.0.1:0\"]\nadmin = \"127.0.0.1:0\"\n\
         [[tls.certificate]]\nchain = \"gateway.pem\"\nkey = \"gateway.key\"\n[[sso.cookie]]\n{cookie}\n\
         [[sso.key]]\nid = \"load\"\nformat = \"domino\"\nsecret_file = \"domino.secret\"\n\
         [[sso.key]]\nid = \"keys\"\nformat = \"websphere\"\nkey_file = \"ltpa.keys\"\n\
         password_file = \"ltpa.password\"\n\
         [[community]]\nname = \"r\"\nservers = [\"{server}\"]\nown_presence = \"off\"\nprivacy = \"trust\"\n\
         [[community.observer]]\nname = \"CN=P{PEOPLE}/O=R\"\nmint = true\n{}{}",
        awareness("/livename"),
        awareness("/stwebapi")
    )
}

#[test]
fn test_users_measure_a_real_estate_and_leave_nothing_behind() {
    if !has_gateway() {
        return;
    }
    let real = Real::start(Tokens::Domino);
    wait("the observer", || (real.logins() == 1).then_some(()));
    let program = real.run(
        "[transports]\nwebsocket = 1\nsse = 1\npoll = 1\n\
         [[phase]]\nkind = \"ramp\"\nduration = \"1s\"\nbrowsers = 12\n\
         [[phase]]\nkind = \"hold\"\nduration = \"4s\"\n",
    );
    wait("the test users", || (real.logins() == 1 + TESTERS as u64).then_some(()));
    let ended = program.end();
    assert_eq!(ended.code, Some(0), "{}{}", ended.err, ended.out);
    let results = ended.results.unwrap();
    assert_eq!(results.converged, Some(true), "{}", ended.out);
    let hold = &results.phases[1];
    assert!(hold.direct.count() > 20, "seen without Livename: {}", hold.direct.count());
    assert!(ended.out.contains("Baseline, from change to test users"), "{}", ended.out);
    assert!(hold.counts.delivered > 100 && hold.counts.out_of_order == 0, "{:?}", hold.counts);
    assert!(hold.used.gateway > 0.0, "CPU as its metrics tell");
    assert!(results.timeline.iter().all(|tick| tick.memory[0] > 1 << 20), "memory, too");
    assert!(results.memory.gateway.is_some() && !ended.out.contains("metrics"), "{}", ended.out);
    let changes = hold.changes.unwrap();
    assert!((50..70).contains(&changes.due) && changes.missed == 0, "{changes:?}");
    assert_eq!(real.logins(), 1, "everybody has logged out");
}

#[test]
fn browsers_and_test_users_log_in_with_the_keys_of_websphere() {
    if !has_gateway() {
        return;
    }
    let real = Real::start(Tokens::WebSphere);
    let ended = real
        .run(
            "[transports]\nwebsocket = 1\nsse = 1\npoll = 1\nhttps = 50\nhttp2 = 50\n\
             [[phase]]\nkind = \"ramp\"\nduration = \"1s\"\nbrowsers = 12\n\
             [[phase]]\nkind = \"hold\"\nduration = \"2s\"\n",
        )
        .end();
    assert_eq!(ended.code, Some(0), "{}{}", ended.err, ended.out);
    let results = ended.results.unwrap();
    assert_eq!((results.converged, results.failures().len()), (Some(true), 0), "{}", ended.out);
    let counts = results.counts();
    assert!(counts.opened == 12 && (1..12).contains(&counts.secure), "{counts:?}");
    // Half of the test users have no password.
    assert!(results.phases[1].changes.is_some_and(|changes| changes.missed == 0), "{}", ended.out);
}

#[test]
fn users_without_a_login_cannot_change_their_status_and_it_shows() {
    if !has_gateway() {
        return;
    }
    let real = Real::start(Tokens::Domino);
    let target = real.folder.read("target.toml");
    let url = target.lines().find(|line| line.starts_with("url = ")).unwrap();
    let ended = real
        .folder
        .run(&format!(
            "[target]\n{url}\ncontrol = \"{}\"\ndomino_secret_file = \"domino.secret\"\n\
             [population]\nwatches = 15\nchanges_per_second = 0\n\
             [transports]\nwebsocket = 1\nsse = 1\npoll = 1\n\
             [[phase]]\nkind = \"ramp\"\nduration = \"1s\"\nbrowsers = 12\n\
             [[phase]]\nkind = \"hold\"\nduration = \"2s\"\nown_changes_per_second = 20\n",
            real.control
        ))
        .end();
    assert_eq!(ended.code, Some(1), "{}{}", ended.err, ended.out);
    assert!(ended.out.contains("Missed: 100.00 % of all changes on pages failed"), "{}", ended.out);
    let results = ended.results.unwrap();
    let own = &results.phases[1].own;
    assert_eq!((own.due, own.made, own.failures.get("not logged in")), (40, 0, Some(&40)), "{own:?}");
    assert_eq!(results.converged, Some(true), "nobody's state is in doubt: {}", ended.out);
    assert!(results.failures().is_empty(), "pages are not to blame: {:?}", results.failures());
}

#[test]
fn failures_where_people_work_end_the_test() {
    if !has_gateway() {
        return;
    }
    let mut real = Real::start(Tokens::Domino);
    let program = real.run(
        "[[phase]]\nkind = \"ramp\"\nduration = \"1s\"\nbrowsers = 12\n\
         [[phase]]\nkind = \"hold\"\nduration = \"10min\"\n",
    );
    wait("the test users", || (real.logins() == 1 + TESTERS as u64).then_some(()));
    std::thread::sleep(Duration::from_secs(2));
    real.gateway.0.kill().unwrap();
    let ended = program.end();
    assert_eq!(ended.code, Some(1), "{}{}", ended.err, ended.out);
    assert!(ended.out.contains("Ended early: safety: "), "{}", ended.out);
    let doubt = "/metrics failed (unreachable): until the next one";
    assert!(ended.out.contains(doubt), "{}", ended.out);
    wait("everybody to be gone", || (real.logins() == 0).then_some(()));
    drop(real.community);
}

#[test]
fn a_plan_over_the_ceiling_is_refused() {
    let folder = Folder::new();
    folder.write("people.txt", "CN=P1/O=R\n");
    let ended = folder
        .run(
            "[target]\nurl = \"http://im.example\"\npeople_file = \"people.txt\"\n[safety]\npages_per_second = 20\n\
             [[phase]]\nkind = \"ramp\"\nduration = \"10s\"\nbrowsers = 150\n\
             [[phase]]\nname = \"back\"\nkind = \"storm\"\nduration = \"5s\"\nwithin = \"2s\"\nreconnect_percent = 50\n",
        )
        .end();
    assert_eq!(ended.code, Some(64));
    let wanted = "phase \"back\" opens 38 pages a second where people work; 20 are allowed";
    assert!(ended.err.contains(wanted) && ended.err.lines().count() == 1, "{}", ended.err);
}
