//! The demo's estate, started inside the test on free ports.

#![allow(dead_code, unreachable_pub, reason = "every test program uses another part of it")]

use std::net::SocketAddr;
use std::time::Duration;

use gateway::cli::DemoArguments;
use gateway::demo::Demo;
use loadtest_sim::Simulator;
use loadtest_sim::peer::{Peer, PeerProof};
use protocol::presence::PersonId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// No test waits longer than this for anything. Browsers on a busy machine are slow.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Estate {
    demo: Demo,
}

impl Estate {
    pub async fn start(people: u32) -> Self {
        Self::configured(people, "").await
    }

    /// With more lines in the gateway's configuration.
    pub async fn configured(people: u32, more: &str) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let arguments = DemoArguments {
            http: free,
            https: free,
            admin: free,
            community: free,
            people,
            seed: 7,
            // Who comes and goes is the test's own business.
            speed: 0.0,
            ready_file: None,
            more: more.to_owned(),
        };
        Self { demo: Demo::start(&arguments).await.unwrap() }
    }

    pub fn simulator(&self) -> &Simulator {
        self.demo.simulator()
    }

    pub fn demo(&self) -> &Demo {
        &self.demo
    }

    pub fn person(&self, index: usize) -> PersonId {
        self.simulator().directory().people()[index].id.clone()
    }

    /// A real Sametime client that logs in to the same community.
    pub fn peer(&self, index: usize) -> Peer {
        let directory = self.simulator().directory();
        let name = &directory.people()[index].short_name;
        let community = self.simulator().addr();
        let mut peer = Peer::log_in(community, 0x1700, name, PeerProof::Password(name)).unwrap();
        peer.wait_for("started", PATIENCE, |_| true).unwrap();
        peer
    }

    /// Event channels of pages that the gateway serves now.
    pub async fn channels(&self) -> usize {
        let mut stream = tokio::net::TcpStream::connect(self.demo.ready().admin.unwrap()).await.unwrap();
        stream.write_all(b"GET /metrics HTTP/1.0\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut scrape = String::new();
        stream.read_to_string(&mut scrape).await.unwrap();
        let channels = scrape.lines().filter(|line| line.starts_with("livename_subscribers{"));
        channels.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
    }

    pub async fn has_channels(&self, count: usize) {
        let end = tokio::time::Instant::now() + PATIENCE;
        while self.channels().await != count {
            assert!(tokio::time::Instant::now() < end, "{} channels, not {count}", self.channels().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn http(&self) -> String {
        format!("http://{}", self.demo.ready().http.unwrap())
    }

    pub fn https(&self) -> String {
        format!("https://{}", self.demo.ready().https.unwrap())
    }
}

/// Waits until the condition holds.
pub async fn until(condition: impl Fn() -> bool) {
    let end = tokio::time::Instant::now() + PATIENCE;
    while !condition() {
        assert!(tokio::time::Instant::now() < end, "the condition never holds");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
