//! Tools that others use to attack or judge servers: `slowhttptest`, `h2load`, `testssl`. They take a minute or two, so
//! they run only with `LIVENAME_LONG=1` (`cargo xtask prove`), and only where they are installed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use gateway::config::AuthPolicy;
use loadtest_sim::left_out;
use support::client::fetch;
use support::tls::Certificate;
use support::{Gateway, Setup};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::process::Command;

/// Connections of the slow ones.
const SLOW: usize = 200;

fn is_wanted(program: &str) -> bool {
    std::env::var_os("LIVENAME_LONG").is_some() && left_out::need(program).is_some()
}

async fn gateway() -> Gateway {
    let setup = Setup { workers: 1, ..Setup::default() }.https(&Certificate::new("tools"));
    setup
        .limits(|limits| {
            limits.head_timeout = Duration::from_secs(3);
            limits.idle_timeout = Duration::from_secs(4);
        })
        .route("/upload", AuthPolicy::Off, &upstream().await)
        .route("/large", AuthPolicy::Off, "large")
        .start()
        .await
}

/// Takes everything and says nothing.
async fn upstream() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let route = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
            });
        }
    });
    route
}

/// Of version 5.7 of the list, those for the kind of key that the gateway's certificate has here, by the names of
/// testssl.
const INTERMEDIATE: [&str; 6] = [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
];

async fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().await.unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[tokio::test]
async fn slow_connections_are_gone_in_time_and_others_are_served() {
    if !is_wanted("slowhttptest") {
        return;
    }
    let gateway = gateway().await;
    let count = SLOW.to_string();
    for (kind, more) in [
        ("-H", &["-i", "1"][..]),
        // `body_timeout` is 30 s.
        ("-B", &["-i", "5", "-s", "100000"]),
        // It counts a connection as open until it has read what its own side holds.
        ("-X", &["-w", "512", "-y", "1024", "-n", "1", "-z", "256"]),
    ] {
        let path = match kind {
            "-B" => "upload",
            "-X" => "large",
            _ => "",
        };
        let url = format!("http://{}/{path}", gateway.http());
        let common = [kind, "-c", &count, "-r", &count, "-l", "60", "-p", "3", "-u", &url];
        let report = tokio::spawn({
            let arguments: Vec<String> = common.iter().chain(more).map(ToString::to_string).collect();
            async move {
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                said("slowhttptest", &arguments).await
            }
        });
        while !report.is_finished() {
            assert_eq!(fetch(gateway.http(), "/").await.status, 200, "a normal browser is served");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let report = report.await.unwrap();
        assert!(report.contains("No open connections left"), "{kind}: {report}");
    }
}

#[tokio::test]
async fn many_requests_over_http2_are_all_answered() {
    if !is_wanted("h2load") {
        return;
    }
    let gateway = gateway().await;
    let url = format!("https://localhost:{}/", gateway.https().port());
    let report = said("h2load", &["-n", "5000", "-c", "10", "-m", "10", &url]).await;
    assert!(report.contains("5000 succeeded, 0 failed, 0 errored, 0 timeout"), "{report}");
}

#[tokio::test]
async fn the_default_tls_settings_are_those_of_mozillas_intermediate_list() {
    if !is_wanted("testssl") {
        return;
    }
    let gateway = gateway().await;
    let address = format!("localhost:{}", gateway.https().port());
    let report =
        said("testssl", &["--quiet", "--color", "0", "-p", "-s", "-f", "-U", "--fast", &address]).await;
    for line in ["TLS 1.2    offered (OK)", "TLS 1.3    offered (OK)", "TLS 1.1    not offered"] {
        assert!(report.contains(line), "{line}: {report}");
    }
    assert!(!report.contains("VULNERABLE") && !report.contains("NOT ok"), "{report}");

    let report = said("testssl", &["--quiet", "--color", "0", "-E", &address]).await;
    // ` xc02c   ECDHE-ECDSA-AES256-GCM-SHA384     ECDH 253   AESGCM      256`
    let rows = report.lines().filter_map(|line| line.strip_prefix(" x")?.split_whitespace().nth(1));
    let offered: BTreeSet<&str> = rows.collect();
    assert_eq!(offered, BTreeSet::from(INTERMEDIATE), "{report}");
}
