//! The demo's estate, started inside the test on free ports.

#![allow(dead_code, unreachable_pub, reason = "every test program uses another part of it")]

use std::net::SocketAddr;
use std::time::Duration;

use gateway::cli::DemoArguments;
use gateway::demo::Demo;
use loadtest_sim::Simulator;
use protocol::presence::PersonId;

/// No test waits longer than this for anything. Browsers on a busy machine are slow.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Estate {
    demo: Demo,
}

impl Estate {
    pub async fn start(people: u32) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let arguments = DemoArguments {
            http: free,
            https: free,
            admin: free,
            community: free,
            people,
            seed: 7,
            ready_file: None,
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

    pub fn http(&self) -> String {
        format!("http://{}", self.demo.ready().http.unwrap())
    }

    pub fn https(&self) -> String {
        format!("https://{}", self.demo.ready().https.unwrap())
    }
}
