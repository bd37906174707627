//! `livename setup verify` against a simulated community, before there is a gateway.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use loadtest_sim::{Simulator, TokenCheck};
use protocol::ltpa::SystemSeconds;
use protocol::ltpa::domino::{DominoSecret, mint};
use protocol::presence::{PersonId, Status};
use protocol::vp::service::Service;
use tokio::runtime::Runtime;

use super::setup::SETUP;
use super::{Folder, livename};

const SECRET: [u8; 20] = [7; 20];
/// Nobody listens there, and the system gives it to nobody.
const CLOSED: &str = "127.0.0.1:9";

/// A simulated community, two of its people in `setup.toml`, and a gateway's configuration beside it.
struct Site {
    folder: Folder,
    simulator: Simulator,
    people: [PersonId; 2],
    _runtime: Runtime,
}

impl Site {
    fn new(test: &str, tokens: [u8; 20]) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let tokens = TokenCheck::domino(DominoSecret::from_bytes(&tokens).unwrap());
        let simulator = runtime.block_on(Simulator::builder().people(5).tokens(tokens).start()).unwrap();
        let directory = simulator.directory();
        let people = [0, 1].map(|index| directory.people()[index].id.clone());
        let folder = Folder::new(test);
        let site = Self { folder, simulator, people, _runtime: runtime };
        let probe = format!(
            "[probe]\nuser = \"{}\"\npassword_file = \"one\"\nother = \"{}\"\nother_password_file = \"two\"\n\
             login = \"http://login.renovation.example:8081\"\n",
            site.people[0].as_str(),
            site.people[1].as_str()
        );
        std::fs::write(site.file("setup.toml"), format!("{SETUP}{probe}")).unwrap();
        for (index, name) in ["one", "two"].into_iter().enumerate() {
            std::fs::write(site.file(name), directory.people()[index].password.expose()).unwrap();
        }
        std::fs::write(site.file("domino.key"), STANDARD.encode(SECRET)).unwrap();
        site.folder.config(
            "127.0.0.1:0",
            "[sso]\ndomain = \".renovation.example\"\n[[sso.cookie]]\nname = \"LtpaToken\"\nformat = \"domino\"\n\
             [[sso.key]]\nid = \"d1\"\nformat = \"domino\"\nsecret_file = \"domino.key\"\n\
             [[community]]\nname = \"acme\"\nservers = [\"127.0.0.1:9\"]\nown_presence = \"login\"\nprivacy = \"own\"\n\
             [community.tuning]\nlogin_timeout = \"1s\"\n",
        );
        site
    }

    fn file(&self, name: &str) -> String {
        self.folder.0.join(name).to_str().unwrap().to_owned()
    }

    /// Exit code, and the lines of C18 and C19.
    fn verify(&self, community: SocketAddr, more: &[&str]) -> (Option<i32>, String, String) {
        let mut command = livename(&["setup", "verify", "--outside", "--config", &self.file("setup.toml")]);
        command.args(["--community", &community.to_string(), "--gateway", &self.file("livename.toml")]);
        let open = self.simulator.addr().to_string();
        for (host, port, address) in [
            ("sametime", 1533, open.as_str()),
            ("im", 80, &open),
            ("im", 443, &open),
            ("login", 8081, CLOSED),
            ("mail1", 8081, CLOSED),
            ("sametime", 8081, CLOSED),
        ] {
            command.args(["--resolve", &format!("{host}.renovation.example:{port}:{address}")]);
        }
        let done = command.args(more).output().unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        assert!(done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
        let line = |id: &str| said.lines().find(|line| line.starts_with(id)).unwrap_or(&said).to_owned();
        (done.status.code(), line("C18"), line("C19"))
    }

    fn minted(&self, community: SocketAddr) -> (Option<i32>, String, String) {
        self.verify(community, &["--mint-with", &self.file("livename.toml")])
    }
}

#[test]
fn two_users_meet_in_the_community_and_leave_no_trace() {
    let site = Site::new("community", SECRET);
    let [_, two] = &site.people;
    assert!(site.simulator.login_virtual(two) && site.simulator.set_status(two, Status::Dnd, "busy"));
    let (code, c18, c19) = site.minted(site.simulator.addr());
    assert_eq!(code, Some(0), "{c18}\n{c19}");
    assert!(c18.starts_with("C18  pass") && c18.contains("with their tokens"), "{c18}");
    assert!(c19.starts_with("C19  pass") && c19.contains("no page or gateway was asked"), "{c19}");
    let left = site.simulator.truth(two);
    assert_eq!((left.status, &*left.text), (Status::Dnd, "busy"));
    super::wait("both to be logged out", || site.simulator.stats().connections == 0);
}

#[test]
fn a_community_without_chats_still_shows_who_is_there() {
    let site = Site::new("community-chats", SECRET);
    let [_, two] = &site.people;
    assert!(site.simulator.login_virtual(two) && site.simulator.set_status(two, Status::Meeting, ""));
    site.simulator.set_service(Service::IM.id, false);
    let (code, c18, c19) = site.minted(site.simulator.addr());
    assert_eq!(code, Some(3));
    assert!(
        c18.starts_with("C18  FAIL") && c18.contains("a message to") && c18.contains("was refused"),
        "{c18}"
    );
    assert!(c19.starts_with("C19  pass"), "{c19}");
    assert_eq!(site.simulator.truth(two).status, Status::Meeting);
}

#[test]
fn tokens_come_from_files_and_else_passwords_do() {
    let site = Site::new("community-tokens", SECRET);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    for (file, person) in ["token1", "token2"].iter().zip(&site.people) {
        let secret = DominoSecret::from_bytes(&SECRET).unwrap();
        let name = protocol::ltpa::lmbcs::encode(person.as_str());
        let token = mint(&name, SystemSeconds(now - 60), SystemSeconds(now + 600), &secret).unwrap();
        std::fs::write(site.file(file), token.as_str()).unwrap();
    }
    let at = site.simulator.addr();
    let (code, c18, _) =
        site.verify(at, &["--token", &site.file("token1"), "--other-token", &site.file("token2")]);
    assert!(code == Some(0) && c18.starts_with("C18  pass"), "{c18}");
    // The mail server is down: that is said (C14), and is no reason not to look at Sametime.
    let (code, c18, c19) = site.verify(at, &[]);
    assert!(code == Some(3) && c18.starts_with("C18  pass") && c18.contains("with their passwords"), "{c18}");
    assert!(c19.starts_with("C19  pass"), "{c19}");
    let (code, c18, _) =
        site.verify(at, &["--token", &site.file("token1"), "--other-token", &site.file("token1")]);
    assert!(code == Some(3) && c18.contains("both accounts are the same person"), "{c18}");
}

#[test]
fn what_the_community_refuses_is_said_in_plain_words() {
    let site = Site::new("community-refused", [8; 20]);
    let (code, c18, c19) = site.minted(site.simulator.addr());
    assert_eq!(code, Some(3));
    assert!(c18.starts_with("C18  FAIL") && c18.contains("does not take this token"), "{c18}");
    assert!(c19.starts_with("C19  unknown"), "{c19}");
    // Tokens that prove nothing reach no page either.
    assert!(!c18.contains("LtpaToken="), "{c18}");

    let site = Site::new("community-type", SECRET);
    site.simulator.change_settings(|settings| settings.allowed_types = BTreeSet::from([0x1002]));
    let (code, c18, _) = site.minted(site.simulator.addr());
    assert_eq!(code, Some(3));
    assert!(c18.contains("add the login type 14b4 to VPS_ALLOWED_LOGIN_TYPES"), "{c18}");
}

#[test]
fn a_wrong_port_and_a_silent_server_are_told_apart() {
    let site = Site::new("community-silent", SECRET);
    let c18 = |at: SocketAddr| {
        let (code, c18, _) = site.minted(at);
        assert!(code == Some(3) && c18.starts_with("C18  FAIL"), "{c18}");
        c18
    };
    assert!(c18(CLOSED.parse().unwrap()).contains("cannot be reached"));
    // The system takes connections for it, and nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(c18(silent.local_addr().unwrap()).contains("said nothing"));
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = web.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in web.incoming() {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            assert!(stream.read(&mut [0; 512]).unwrap() > 0);
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n").unwrap();
        }
    });
    let said = c18(address);
    assert!(said.contains("is no community server"), "{said}");
}
