//! What happens when this machine runs out of descriptors: nobody else is blamed for it. A program of its own, since
//! all of it runs out together.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(dead_code, unused_imports, reason = "every test program uses another part of the support")]

#[path = "support/mod.rs"]
mod edge;
#[path = "bridge/support/mod.rs"]
mod support;

use std::fs::File;
use std::time::Duration;

use gateway::config::{Check, Health, PoolBounds, Upstream};
use rustix::process::{Resource, Rlimit, setrlimit};
use support::{Backend, Browser, Setting, until};

/// Opens files until there are no descriptors left.
fn everything() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

#[tokio::test]
async fn running_out_of_descriptors_is_not_the_upstreams_fault() {
    setrlimit(Resource::Nofile, Rlimit { current: Some(128), maximum: Some(128) }).unwrap();
    let check = Check {
        path: "/check".to_owned(),
        interval: Duration::from_millis(300),
        timeout: Duration::from_secs(5),
        successes: 1,
    };
    for (host, check) in [("127.0.0.1", None), ("localhost", None), ("127.0.0.1", Some(check))] {
        let backend = Backend::mirror().await;
        let is_checked = check.is_some();
        let health = Health { failures: 2, check, ..Health::default() };
        // Each request needs a connection of its own.
        let bounds = PoolBounds { idle: 0, ..PoolBounds::default() };
        let upstream = Upstream { host: host.to_owned(), ..backend.upstream() };
        let front = Setting { health, bounds, ..Setting::upstreams(vec![upstream]) }.start().await;
        let mut browser = Browser::at(&front).await;
        assert_eq!(browser.get("/").await.status, 200);

        // Neither a request nor a check is under way, whose descriptors would be free again in a moment.
        let asked = usize::from(is_checked);
        until(|| backend.heads().len() > asked && backend.open() == 0 && front.tasks.len() == 1).await;
        let files = everything();
        for _ in 0..5 {
            let answer = browser.get("/").await;
            assert_eq!((answer.status, answer.body.as_str()), (503, "exhausted retry=true"), "{host}");
        }
        if is_checked {
            let address = backend.address;
            let bad = format!(
                "livename_bridge_upstream_checks_total{{result=\"failed\",upstream=\"http://{address}\"}}"
            );
            until(|| front.metrics.gather().contains(&bad) && front.metric(&bad) >= 2.0).await;
        }
        assert_eq!(front.servers.status()[0].state, "up", "{host}");
        drop(files);
        assert_eq!(browser.get("/").await.status, 200, "{host}");
        front.end.cancel();
    }
}
