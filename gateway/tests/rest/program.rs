//! The real program as a process of its own, in front of a simulated community: with descriptors and memory of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use base64::Engine;
use loadtest_sim::Simulator;
use serde_json::Value;

use crate::estate::{OBSERVER, builder};
use crate::support::client::fetch;
use crate::support::{tokens, until};

/// See the module. It ends with the value.
pub struct Program {
    pub community: Simulator,
    process: Child,
    folder: PathBuf,
    http: SocketAddr,
    admin: SocketAddr,
}

impl Program {
    /// Everybody may come in as a guest, and watches go through an observer.
    pub async fn start(people: usize) -> Self {
        let community = builder(people).start().await.unwrap();
        let folder = std::env::temp_dir().join(format!("livename-program-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("observer"), "observer").unwrap();
        let configuration = format!(
            r#"
[listen]
http = ["127.0.0.1:0"]
admin = "127.0.0.1:0"
[limits]
connections_per_address = 100000
session_grace = "600s"
idle_timeout = "600s"
[sso]
domain = ".acme.example"
[[sso.cookie]]
name = "LtpaToken"
format = "domino"
[[sso.key]]
id = "test"
format = "domino"
secret_file = "domino.secret"
[[community]]
name = "acme"
servers = ["{server}"]
own_presence = "login"
privacy = "trust"
[[community.observer]]
name = "{OBSERVER}"
password_file = "observer"
[[route]]
path = "/im"
serve = "awareness"
community = "acme"
auth = "optional"
logins = ["anonymous"]
"#,
            server = community.addr()
        );
        std::fs::write(folder.join("livename.toml"), configuration).unwrap();
        let secret = base64::engine::general_purpose::STANDARD.encode(tokens::SECRET);
        std::fs::write(folder.join("domino.secret"), secret).unwrap();
        let ready = folder.join("ready.json");
        let process = Command::new(env!("CARGO_BIN_EXE_livename"))
            .args(["run", "--config"])
            .arg(folder.join("livename.toml"))
            .arg("--ready-file")
            .arg(&ready)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let nowhere = crate::support::loopback();
        let mut program = Self { community, process, folder, http: nowhere, admin: nowhere };
        until("the program listens", || ready.exists()).await;
        let addresses: Value = serde_json::from_str(&std::fs::read_to_string(&ready).unwrap()).unwrap();
        let address = |name: &str| addresses[name].as_str().unwrap().parse().unwrap();
        (program.http, program.admin) = (address("http"), address("admin"));
        program
    }

    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Bytes of memory that it has really taken.
    pub fn resident(&self) -> usize {
        let path = format!("/proc/{}/statm", self.process.id());
        let text = std::fs::read_to_string(path).unwrap();
        text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    }

    /// A series of its metrics.
    pub async fn metric(&self, series: &str) -> f64 {
        let scrape = fetch(self.admin, "/metrics").await.body;
        let value = scrape.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
