//! Start, reload, drain, stop.

mod support;

use std::io::ErrorKind;
use std::time::Duration;

use gateway::app::{Phase, ReloadError, StartError};
use gateway::config::AuthPolicy;
use support::client::{Connection, fetch};
use support::{Setup, soon, until};
use tokio::net::TcpListener;

#[tokio::test]
async fn a_taken_port_is_named() {
    let holder = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = holder.local_addr().unwrap();
    let refused = Setup { http: vec![taken], ..Setup::default() }.try_start().await;
    let error = refused.err().unwrap();
    assert_eq!(error.to_string(), format!("cannot listen on {taken}: another program listens there already"));
    drop(holder);
    // The failed start has left nothing behind.
    Setup { http: vec![taken], ..Setup::default() }.start().await.running.stop().await;
}

#[tokio::test]
async fn a_page_that_is_not_there_keeps_the_program_from_starting() {
    let refused = Setup::default().route("/x", AuthPolicy::Off, "nothing").try_start().await;
    assert!(matches!(refused.err().unwrap(), StartError::UnknownBuiltin(name) if name == "nothing"));
}

#[tokio::test]
async fn the_program_can_run_many_times_in_one_process() {
    for _ in 0..3 {
        let gateway = Setup::default().start().await;
        assert_eq!(fetch(gateway.http(), "/").await.status, 200);
        let address = gateway.http();
        soon("the end", gateway.running.stop()).await;
        assert_eq!(gateway.running.lifecycle().phase(), Phase::Stopped);
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
        assert!(tokio::net::TcpStream::connect(gateway.admin()).await.is_err());
    }
}

#[test]
fn nothing_outlives_the_runtime_it_was_started_on() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let gateway = runtime.block_on(Setup::default().route("/gate", AuthPolicy::Off, "gate").start());
    let mut browser = std::net::TcpStream::connect(gateway.http()).unwrap();
    std::io::Write::write_all(&mut browser, b"GET /gate HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    runtime.block_on(until("the request is under way", || gateway.gate.waiting() == 1));
    drop(runtime);
    browser.set_read_timeout(Some(support::PATIENCE)).unwrap();
    let end = std::io::Read::read(&mut browser, &mut [0]);
    assert!(matches!(&end, Ok(0)) || end.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_good_reload_changes_open_connections_too() {
    let setup = Setup::default();
    let gateway = setup.clone().start().await;
    let mut connection = Connection::plain(gateway.http()).await;
    assert_eq!(connection.get("/new/x").await.unwrap().status, 200);
    gateway.reads_next(Ok(setup.route("/new", AuthPolicy::Required, "echo")));
    gateway.running.reload().await.unwrap();
    assert_eq!(connection.get("/new/x").await.unwrap().status, 401);
    assert_eq!(gateway.metric("livename_config_reloads_total{result=\"ok\"}"), 1.0);
}

#[tokio::test]
async fn a_bad_reload_changes_nothing_and_says_everything() {
    let setup = Setup::default();
    let gateway = setup.clone().start().await;
    gateway.reads_next(Err("line 3: one\nline 9: two"));
    let error = gateway.running.reload().await.unwrap_err();
    assert_eq!(error.to_string(), "line 3: one\nline 9: two");

    let unknown = setup.clone().route("/", AuthPolicy::Off, "nothing");
    gateway.reads_next(Ok(unknown));
    assert!(matches!(gateway.running.reload().await.unwrap_err(), ReloadError::Config(_)));

    assert_eq!(fetch(gateway.http(), "/").await.status, 200);
    assert_eq!(gateway.metric("livename_config_reloads_total{result=\"failed\"}"), 2.0);
}

#[tokio::test]
async fn what_needs_a_restart_is_named_and_not_half_done() {
    let setup = Setup::default();
    let gateway = setup.clone().start().await;
    let mut changed = setup.route("/new", AuthPolicy::Required, "echo");
    changed.workers = 7;
    changed.http.push(support::loopback());
    gateway.reads_next(Ok(changed));
    let error = gateway.running.reload().await.unwrap_err();
    let expected = "listen.http changed: needs a restart\nlisten.workers changed: needs a restart";
    assert_eq!(error.to_string(), expected);
    assert_eq!(fetch(gateway.http(), "/new").await.status, 200, "the new route is not in force");
}

#[tokio::test]
async fn drain_lets_a_request_finish_and_closes_idle_connections() {
    let gateway = Setup::default().route("/gate", AuthPolicy::Off, "gate").start().await;
    let address = gateway.http();
    let mut idle = Connection::plain(address).await;
    idle.get("/").await.unwrap();
    let waiting = tokio::spawn(async move {
        let mut connection = Connection::plain(address).await;
        let answer = connection.get("/gate").await.unwrap();
        (answer, connection)
    });
    until("the request is under way", || gateway.gate.waiting() == 1).await;

    gateway.running.lifecycle().request_drain();
    until("the idle connection is closed", || idle.is_closed()).await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nothing new is taken");
    assert_eq!(gateway.running.lifecycle().phase(), Phase::Draining);
    gateway.gate.open(1);
    let (answer, _) = soon("the answer", waiting).await.unwrap();
    assert_eq!((answer.body.as_str(), answer.header("connection")), ("through the gate", "close"));
    soon("the end", gateway.running.stopped()).await;
}

#[tokio::test]
async fn drain_cuts_what_does_not_finish() {
    let gateway = Setup::default()
        .limits(|limits| limits.drain = Duration::from_millis(100))
        .route("/gate", AuthPolicy::Off, "gate")
        .start()
        .await;
    let address = gateway.http();
    let waiting = tokio::spawn(async move { Connection::plain(address).await.get("/gate").await });
    until("the request is under way", || gateway.gate.waiting() == 1).await;
    soon("the end", gateway.running.drain()).await;
    assert!(soon("the cut", waiting).await.unwrap().is_err());
    assert_eq!(gateway.gate.waiting(), 0);
}
