use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpListener;

use super::*;
use crate::bridge::health::Upstreams;
use crate::config::PoolBounds;
use crate::net::fake_names;
use crate::telemetry::Metrics;

const NAME: &str = "st1.example";

/// An upstream by name, and what a request needs to go there.
struct Estate {
    pool: Arc<Pool>,
    member: Member,
    wish: Wish,
    end: CancellationToken,
}

impl Estate {
    fn at(port: u16, lifetime: Duration) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let pool = PoolBounds { lifetime, ..PoolBounds::default() };
        let upstream = Upstream { pool, ..Upstream::at(false, NAME, port, Arc::new(client)) };
        let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
        let upstreams = Upstreams::new(Arc::new(Metrics::new()), tasks.clone(), end.clone());
        let pool = Pool::new(tasks, end.clone());
        let member = Member {
            origin: pool.origin(&upstream),
            standing: upstreams.standing(&upstream),
            alias: String::new(),
            upstream,
        };
        let limit = Duration::from_secs(5);
        let client = IpAddr::from([127, 0, 0, 1]);
        Self { pool, member, wish: Wish { limit, reuse: Reuse::Allowed, http1: true, client }, end }
    }

    /// Uses a connection, and says whether it had been used before.
    async fn use_one(&self) -> bool {
        let lease = self.pool.lease(&self.member, &self.wish).await.unwrap();
        let reused = lease.reused;
        lease.finish();
        reused
    }
}

#[tokio::test]
async fn a_name_that_moves_is_followed_when_connections_have_grown_old() {
    let old = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = old.local_addr().unwrap().port();
    // The same port at another address: the name alone makes the difference.
    let new = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
    let lifetime = Duration::from_millis(100);
    let estate = Estate::at(port, lifetime);
    fake_names::set(NAME, "127.0.0.1");
    assert!(!estate.use_one().await);
    let first = old.accept().await.unwrap();
    fake_names::set(NAME, "127.0.0.2");
    sleep(lifetime).await;
    assert!(!estate.use_one().await, "too old to be used");
    let (_, from) = new.accept().await.unwrap();
    assert!(from.ip().is_loopback());
    drop(first);
    estate.end.cancel();
}
