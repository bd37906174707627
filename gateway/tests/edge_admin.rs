//! The admin listener: what it shows, and what it lets nobody do by accident.

mod support;

use gateway::config::AuthPolicy;
use http::StatusCode;
use support::Setup;
use support::client::{Answer, fetch, get_with, post_with, send};

async fn post(gateway: &support::Gateway, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(gateway.admin(), post_with(path, headers)).await
}

const PROGRAM: (&str, &str) = ("x-livename-admin", "1");

#[tokio::test]
async fn a_scrape_counts_requests_by_route() {
    let gateway = Setup::default().route("/stwebapi", AuthPolicy::Required, "echo").start().await;
    fetch(gateway.http(), "/x").await;
    fetch(gateway.http(), "/stwebapi/x").await;
    support::until("both requests are counted", || {
        gateway.metric("livename_requests_total{route=\"/\",status_class=\"2xx\"}") > 0.0
            && gateway.metric("livename_requests_total{route=\"/stwebapi\",status_class=\"4xx\"}") > 0.0
    })
    .await;
    let scrape = fetch(gateway.admin(), "/metrics").await;
    assert_eq!(scrape.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert!(scrape.body.contains("# TYPE livename_build_info gauge"), "{}", scrape.body);
}

#[tokio::test]
async fn status_is_a_page_for_people_and_json_for_programs() {
    let gateway = Setup::default().start().await;
    let page = fetch(gateway.admin(), "/status").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.body.contains("ready") && page.body.contains("light dark"));
    let json = fetch(gateway.admin(), "/status.json").await;
    let status: serde_json::Value = serde_json::from_str(&json.body).unwrap();
    assert_eq!(status["phase"], "ready");
    assert_eq!(status["listen"]["http"][0], gateway.http().to_string());
    let same = send(gateway.admin(), get_with("/status", &[("accept", "application/json")])).await;
    assert_eq!(same.header("content-type"), "application/json");
}

#[tokio::test]
async fn pages_cannot_steer_the_program() {
    let gateway = Setup::default().start().await;
    for path in ["/reload", "/drain"] {
        assert_eq!(fetch(gateway.admin(), path).await.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(post(&gateway, path, &[]).await.status, StatusCode::FORBIDDEN);
        let from_page = post(&gateway, path, &[PROGRAM, ("origin", "http://localhost:9180")]).await;
        assert_eq!(from_page.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(fetch(gateway.admin(), "/readyz").await.body, "ready\n");
}

#[tokio::test]
async fn reload_answers_with_every_error() {
    let gateway = Setup::default().start().await;
    assert_eq!(post(&gateway, "/reload", &[PROGRAM]).await.status, StatusCode::OK);
    gateway.reads_next(Err("line 3: one\nline 9: two"));
    let refused = post(&gateway, "/reload", &[PROGRAM]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.body, "line 3: one\nline 9: two\n");
    assert_eq!(gateway.metric("livename_config_last_reload_successful"), 0.0);
}

#[tokio::test]
async fn drain_turns_readiness_off_and_ends_the_program() {
    let gateway = Setup::default().route("/gate", AuthPolicy::Off, "gate").start().await;
    let address = gateway.http();
    let waiting = tokio::spawn(async move { fetch(address, "/gate").await });
    support::until("the request is under way", || gateway.gate.waiting() == 1).await;
    assert_eq!(fetch(gateway.admin(), "/readyz").await.status, StatusCode::OK);

    assert_eq!(post(&gateway, "/drain", &[PROGRAM]).await.status, StatusCode::ACCEPTED);
    gateway.running.lifecycle().reached(gateway::app::Phase::Draining).await;
    let not_ready = fetch(gateway.admin(), "/readyz").await;
    assert_eq!((not_ready.status, not_ready.body.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "draining\n"));
    assert_eq!(fetch(gateway.admin(), "/healthz").await.status, StatusCode::OK);

    gateway.gate.open(1);
    assert_eq!(waiting.await.unwrap().body, "through the gate");
    support::soon("the end", gateway.running.stopped()).await;
}
