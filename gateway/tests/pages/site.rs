//! A mail page on a host of its own, and the real program beside it: `mail1.` and `im.` under one DNS suffix,
//! which the browser takes for this machine.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use base64::Engine;
use loadtest_sim::model::Directory;
use loadtest_sim::peer::{Peer, PeerProof};
use loadtest_sim::{Simulator, TokenCheck};
use protocol::presence::PersonId;
use protocol::secret::Secret;
use protocol::vp::reason::Reason;
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, sleep};

use crate::browser::Browser;
use crate::estate::PATIENCE;
use crate::mail_host::MailHost;
use crate::ports;
use crate::tokens;

pub(crate) const RULES: &str = "--host-resolver-rules=MAP *.renovation.test 127.0.0.1";

/// See the module.
pub(crate) struct Site {
    pub(crate) community: Simulator,
    pub(crate) mail: MailHost,
    folder: PathBuf,
    http: u16,
    https: u16,
    program: Option<Child>,
}

impl Site {
    /// `people` as CSV lines: id, short name, display name, mail address, password.
    pub(crate) async fn start(people: &str) -> Self {
        let directory = "id,short_name,display_name,mail,password\n".to_owned() + people;
        let directory = Directory::from_csv("people", &directory).unwrap();
        let tokens = TokenCheck::new(of_pages).or(TokenCheck::domino(tokens::secret()));
        let community = Simulator::builder().directory(directory).tokens(tokens).start().await.unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["*.renovation.test".to_owned()]).unwrap();
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let tls = loadtest_sim::tls::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        let mail = MailHost::start(Arc::clone(&tls)).await;
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("livename-site-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("im.pem"), chain).unwrap();
        std::fs::write(folder.join("im.key"), key).unwrap();
        let secret = base64::engine::general_purpose::STANDARD.encode(tokens::SECRET);
        std::fs::write(folder.join("domino.secret"), secret).unwrap();
        let (http, https) = (ports::reserved().port(), ports::reserved().port());
        let server = community.addr();
        let configuration = format!(
            r#"
[listen]
http = ["127.0.0.1:{http}"]
https = ["127.0.0.1:{https}"]
admin = "127.0.0.1:0"
[[tls.certificate]]
chain = "im.pem"
key = "im.key"
[sso]
domain = ".renovation.test"
[[sso.cookie]]
name = "LtpaToken"
format = "domino"
[[sso.key]]
id = "test"
format = "domino"
secret_file = "domino.secret"
[[community]]
name = "renovation"
servers = ["{server}"]
own_presence = "login"
privacy = "own"
login_type = "0x14b4"
[[route]]
path = "/"
serve = "awareness"
community = "renovation"
[[route]]
path = "/stwebapi"
serve = "awareness"
community = "renovation"
auth = "optional"
logins = ["token", "password", "anonymous"]
chat = "here"
"#
        );
        std::fs::write(folder.join("livename.toml"), configuration).unwrap();
        let mut site = Self { community, mail, folder, http, https, program: None };
        site.run().await;
        site
    }

    /// Starts the program; it listens where it did before.
    pub(crate) async fn run(&mut self) {
        let program = Command::new(env!("CARGO_BIN_EXE_livename"))
            .args(["run", "--config"])
            .arg(self.folder.join("livename.toml"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.program = Some(program);
        let end = Instant::now() + PATIENCE;
        let address = SocketAddr::from(([127, 0, 0, 1], self.https));
        while TcpStream::connect(address).await.is_err() {
            assert!(Instant::now() < end, "the program does not listen");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends the program as a power cut would.
    pub(crate) fn crash(&mut self) {
        if let Some(mut program) = self.program.take() {
            program.kill().unwrap();
            program.wait().unwrap();
        }
    }

    pub(crate) fn gateway(&self, scheme: &str) -> String {
        let port = if scheme == "https" { self.https } else { self.http };
        format!("{scheme}://im.renovation.test:{port}")
    }

    /// The mail page: its scheme, the gateway's, the family, and more of the query.
    pub(crate) fn page(&self, page: &str, gateway: &str, family: &str, more: &str) -> String {
        let gateway = self.gateway(gateway);
        format!("{}/{family}?gateway={gateway}&{more}", self.mail.origin(page))
    }

    /// The same on a mail server of another name, whose tabs do not know of these.
    pub(crate) fn page_of(&self, host: &str, scheme: &str, family: &str) -> String {
        self.page(scheme, scheme, family, "").replacen("//mail1.", &format!("//{host}."), 1)
    }

    /// A real Sametime client of a person.
    pub(crate) fn peer(&self, number: usize) -> Peer {
        let name = format!("p{number}");
        let mut peer =
            Peer::log_in(self.community.addr(), 0x1700, &name, PeerProof::Password(&name)).unwrap();
        peer.wait_for("started", PATIENCE, |_| true).unwrap();
        peer
    }

    pub(crate) async fn browser(&self) -> Browser {
        Browser::start_with(&[RULES]).await
    }

    /// Lets the mail server set the cookie of a person.
    pub(crate) async fn log_in(
        &self,
        browser: &mut Browser,
        page: &str,
        user: &str,
        seconds: i64,
        flags: &str,
    ) {
        let token = tokens::short_cookie(user, seconds);
        self.mail.next_cookie(&format!("{token}; Path=/; Domain=.renovation.test{flags}"));
        browser.open(&format!("{}/login", self.mail.origin(page))).await;
    }

    pub(crate) fn online(&self, people: impl IntoIterator<Item = String>) {
        for person in people {
            assert!(self.community.login_virtual(&PersonId::from(person.as_str())), "{person}");
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.crash();
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// Tokens that are no cookie, such as those of Sametime's "secrets and tokens": `st:` and a short name.
fn of_pages(token: &Secret) -> Result<String, Reason> {
    let text = str::from_utf8(token.expose()).map_err(|_| Reason::TOKEN_INVALID)?;
    text.strip_prefix("st:").map(str::to_owned).ok_or(Reason::TOKEN_INVALID)
}

/// So many people of Renovation.
pub(crate) fn people(count: usize) -> String {
    let line = |number| {
        format!("{id},p{number},Person {number},p{number}@renovation.test,p{number}\n", id = id(number))
    };
    (0..count).map(line).collect()
}

/// People of Renovation with these names.
pub(crate) fn named(names: &[&str]) -> String {
    let line = |(number, name): (usize, &&str)| {
        format!(
            "{},p{number},\"{}\",p{number}@renovation.test,p{number}\n",
            id(number),
            name.replace('"', "\"\"")
        )
    };
    names.iter().enumerate().map(line).collect()
}

pub(crate) fn id(number: usize) -> String {
    format!("CN=Person {number}/O=Renovation")
}
