//! What is counted while pages are open, in a form that Prometheus reads, and that it goes back to zero.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use loadtest_sim::left_out;
use protocol::presence::Status;

use crate::estate::{Plan, id};
use crate::page::BOTH;
use crate::support::client::fetch;

/// What `promtool check metrics` has to say; `None` where it is missing.
fn promtool(scrape: &str) -> Option<String> {
    let mut tool = Command::new(left_out::need("promtool")?);
    tool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = tool.spawn().unwrap();
    running.stdin.take().unwrap().write_all(scrape.as_bytes()).unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scrape_tells_what_goes_on_and_later_that_nothing_does() {
    let estate =
        Plan::trust().limits(|limits| limits.session_grace = Duration::from_millis(50)).start().await;
    estate.online([1]);
    let mut pages = Vec::new();
    for (user, transport) in [(2, BOTH[0]), (3, BOTH[1])] {
        let mut page = estate.page_over(transport, user).await;
        page.is_up().await;
        page.watch(&[id(1), id(4)]).await;
        page.sees(&id(1), "active").await;
        page.sees(&id(4), "offline").await;
        pages.push(page);
    }
    estate.sets(1, Status::Away, "");
    for page in &mut pages {
        page.sees(&id(1), "away").await;
    }
    let metric = |series: &str| estate.gateway.metric(&format!("livename_{series}"));
    for (series, value) in [
        ("sessions", 2.0),
        ("subscribers{transport=\"sse\"}", 1.0),
        ("subscribers{transport=\"websocket\"}", 1.0),
        ("upstream_logins_up{community=\"acme\",login_kind=\"observer\"}", 1.0),
        ("upstream_logins_up{community=\"acme\",login_kind=\"user\"}", 2.0),
        ("upstream_logins_total{community=\"acme\",result=\"ok\"}", 3.0),
        ("persons{state=\"known\"}", 2.0),
        ("updates_applied_total", 3.0),
        ("updates_delivered_total", 6.0),
        // What was known when the second page asked has not been on its way.
        ("propagation_seconds_count", 4.0),
    ] {
        assert_eq!(metric(series), value, "{series}");
    }
    let watches = metric("watches");
    assert!((2.0..=4.0).contains(&watches), "a person and worker each: {watches}");
    assert!(metric("propagation_seconds_sum") < 4.0 * 5.0);
    let scrape = fetch(estate.gateway.admin(), "/metrics").await.body;
    assert_eq!(promtool(&scrape).unwrap_or_default(), "");

    drop(pages);
    for series in [
        "sessions",
        "subscribers{transport=\"sse\"}",
        "subscribers{transport=\"websocket\"}",
        "upstream_logins_up{community=\"acme\",login_kind=\"user\"}",
        "watches",
        "persons{state=\"known\"}",
        "persons{state=\"unknown\"}",
    ] {
        estate.metric_is(&format!("livename_{series}"), 0.0).await;
    }
    assert_eq!(metric("subscribers_ended_total{reason=\"gone\"}"), 2.0);
    let scrape = fetch(estate.gateway.admin(), "/metrics").await.body;
    assert_eq!(promtool(&scrape).unwrap_or_default(), "");
}
