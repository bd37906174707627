use std::io::Write;
use std::process::{Command, Stdio};

use super::Metrics;

#[test]
fn what_happened_can_be_read() {
    let metrics = everything();
    let text = metrics.gather();
    for line in [
        "livename_connections{listener=\"https\"} 0",
        "livename_connections_accepted_total{listener=\"https\"} 1",
        "livename_connections_refused_total{reason=\"per_address\"} 1",
        "livename_requests_total{route=\"/stwebapi\",status_class=\"4xx\"} 1",
        "livename_request_duration_seconds_count{route=\"/stwebapi\"} 1",
        "livename_token_checks_total{format=\"domino\",outcome=\"bad_mac\"} 1",
        "livename_config_reloads_total{result=\"failed\"} 1",
        "livename_config_reloads_total{result=\"ok\"} 0",
        "livename_config_last_reload_successful 0",
        "livename_subscribers{transport=\"websocket\"} 2",
        "livename_persons{state=\"unknown\"} 1",
        "livename_updates_delivered_total 5",
        "livename_upstream_logins_up{community=\"acme\",login_kind=\"observer\"} 0",
        "livename_upstream_logins_lost_total{community=\"acme\",login_kind=\"observer\"} 1",
        "livename_tunnels 0",
        "livename_bridge_upstream_up{upstream=\"http://st1:80\"} 1",
        "livename_bridge_upstream_checks_total{result=\"ok\",upstream=\"http://st1:80\"} 1",
        "livename_bridge_retries_total{kind=\"stale\"} 0",
        concat!("livename_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is missing in:\n{text}");
    }
}

#[test]
fn two_registries_do_not_share_anything() {
    let one = Metrics::new();
    one.updates_applied(3);
    assert!(Metrics::new().gather().contains("\nlivename_updates_applied_total 0\n"));
}

/// The linter of the Prometheus project itself reads a scrape in which every series has a value.
#[test]
fn promtool_finds_nothing_to_complain_about() {
    let Some(promtool) = loadtest_sim::left_out::need("promtool") else { return };
    let mut tool = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    tool.stdin.take().unwrap().write_all(everything().gather().as_bytes()).unwrap();
    let output = tool.wait_with_output().unwrap();
    assert!(
        output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A registry to which everything has happened.
fn everything() -> Metrics {
    let metrics = Metrics::new();
    metrics.connection_opened("https");
    metrics.connection_closed("https");
    metrics.connection_refused("per_address");
    metrics.tls_handshake_failed();
    metrics.request("/stwebapi", 401, 0.002);
    metrics.token_checked("domino", "bad_mac");
    metrics.token_recalled("hit");
    metrics.token_verified("ltpa2", 0.000_02);
    metrics.bridge_request(0.01, "ok");
    metrics.tunnel_opened();
    metrics.tunnel_closed();
    metrics.upstream_seen("http://st1:80", true, 1, 0);
    metrics.upstream_failed("http://st1:80");
    metrics.upstream_checked("http://st1:80", true);
    metrics.bridge_retry("next");
    metrics.config_reload(false);
    metrics.sessions(2);
    metrics.subscribers("websocket", 2);
    metrics.subscriber_ended("slow");
    metrics.watches_set(3);
    metrics.persons_set(2, 1);
    metrics.updates_applied(1);
    metrics.updates_unchanged(1);
    metrics.updates_delivered(5);
    metrics.updates_coalesced(1);
    metrics.propagation(0.000_3);
    metrics.upstream_state("acme", "observer", true);
    metrics.upstream_state("acme", "observer", false);
    metrics.upstream_login("acme", "ok");
    metrics.upstream_protocol_error("frame");
    metrics
}
