//! The interface through real sockets.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::clock::{Clock, machine};

struct Caller(SocketAddr);

impl Caller {
    /// Status code and body of a request.
    async fn ask(&self, method: &str, path: &str, kind: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.0).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        tokio::time::timeout(PATIENCE, read).await.expect("an answer").unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask("GET", path, "text/plain", "").await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask("POST", path, "application/json", &body.to_string()).await
    }
}

#[tokio::test]
async fn people_are_read_and_changed() {
    let simulator = Simulator::builder().people(3).start().await.unwrap();
    let control = Control::start(([127, 0, 0, 1], 0).into(), simulator.clone()).await.unwrap();
    let caller = Caller(control.addr());
    let (_, people) = caller.get("/v1/people").await;
    let (ann, bob) = (people[0]["id"].clone(), people[1]["id"].clone());
    assert_eq!((people.as_array().unwrap().len(), &people[0]["status"]), (3, &json!("offline")));

    let status = json!({ "id": ann, "status": "meeting", "text": "会議", "mobile": true });
    assert_eq!(caller.post("/v1/status", status.clone()).await.0, 404, "not logged in");
    assert_eq!(caller.post("/v1/login", json!({ "id": ann })).await.0, 200);
    assert_eq!(caller.post("/v1/status", status).await.0, 200);
    let (_, people) = caller.get("/v1/people").await;
    assert_eq!(people[0]["status"], "meeting");
    assert_eq!((&people[0]["text"], &people[0]["mobile"]), (&json!("会議"), &json!(true)));

    let privacy = json!({ "id": ann, "deny": true, "people": [bob] });
    assert_eq!(caller.post("/v1/privacy", privacy).await.0, 200);
    assert_eq!(caller.post("/v1/view", json!({ "id": bob })).await.1[0]["status"], "offline");
    assert_eq!(caller.get("/v1/stats").await.1["virtual_logins"], 1);
    assert_eq!(caller.post("/v1/kick", json!({ "id": ann })).await.0, 200);
    assert_eq!(caller.get("/v1/stats").await.1["virtual_logins"], 0);
}

#[tokio::test]
async fn faults_are_ordered_and_mistakes_are_explained() {
    let simulator = Simulator::builder().people(1).start().await.unwrap();
    let control = Control::start(([127, 0, 0, 1], 0).into(), simulator.clone()).await.unwrap();
    let caller = Caller(control.addr());
    for (path, body) in [
        ("/v1/stall", json!({ "on": true })),
        ("/v1/stall", json!({ "on": false })),
        ("/v1/half-frame", json!({})),
        ("/v1/change-rate", json!({ "per_second": 0.5 })),
        ("/v1/service", json!({ "service": 17, "up": false })),
        ("/v1/verification", json!({ "on": false })),
        ("/v1/drop", json!({})),
        ("/v1/stop", json!({ "server": 0 })),
        ("/v1/restart", json!({})),
    ] {
        assert_eq!(caller.post(path, body).await.0, 200, "{path}");
    }
    TcpStream::connect(simulator.addr()).await.expect("it runs again");
    let mistake = caller.post("/v1/stall", json!({ "of": true })).await;
    assert_eq!(mistake.0, 400);
    assert!(mistake.1["error"].as_str().unwrap().contains("unknown field `of`"), "{mistake:?}");
    assert_eq!(caller.post("/v1/status", json!({ "id": "x", "status": "unknown" })).await.0, 400);
    assert_eq!(caller.post("/v1/nothing", json!({})).await.0, 404);
    assert_eq!(caller.ask("POST", "/v1/drop", "text/plain", "{}").await.0, 415);
    assert_eq!(caller.ask("PUT", "/v1/drop", "application/json", "{}").await.0, 405);
    control.stop().await;
    assert!(TcpStream::connect(control.addr()).await.is_err());
}

#[tokio::test]
async fn it_tells_the_time_of_its_stamps_and_whose_clock_that_is() {
    for (clock, ours) in [(Clock::default(), true), (Clock::ahead(60_000_000), false)] {
        let simulator = Simulator::builder().people(1).clock(clock).start().await.unwrap();
        let control = Control::start(([127, 0, 0, 1], 0).into(), simulator).await.unwrap();
        let before = clock.now();
        let (_, said) = Caller(control.addr()).get("/v1/time").await;
        assert!((before..=clock.now()).contains(&said["micros"].as_u64().unwrap()), "{said}");
        assert_eq!(said["machine"].as_str().map(str::to_owned), machine().filter(|_| ours));
    }
}

#[tokio::test]
async fn generators_wait_for_each_other() {
    let simulator = Simulator::builder().people(1).start().await.unwrap();
    let control = Control::start(([127, 0, 0, 1], 0).into(), simulator).await.unwrap();
    let caller = Caller(control.addr());
    let meet =
        |part: usize, of: usize| caller.post("/v1/meet", json!({ "at": "phase 1", "part": part, "of": of }));
    for _again in 0..2 {
        // Whoever hangs up is not there any more, and may come again.
        let gone = tokio::time::timeout(Duration::from_millis(100), meet(1, 3)).await;
        assert!(gone.is_err(), "nobody else is there: {gone:?}");
        let first = async {
            loop {
                // The server may not have noticed yet.
                match meet(1, 3).await {
                    (409, _) => tokio::task::yield_now().await,
                    met => return met,
                }
            }
        };
        let (one, two, three) = tokio::join!(first, meet(2, 3), meet(3, 3));
        assert_eq!((one.0, two.0, three.0), (200, 200, 200));
    }
    let waiting = meet(2, 2);
    tokio::pin!(waiting);
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut waiting).await.is_err());
    assert!(meet(2, 2).await.1["error"].as_str().unwrap().contains("part 2 is waiting here already"));
    assert!(meet(1, 3).await.1["error"].as_str().unwrap().contains("parts of 2, not of 3"));
    let (last, first) = tokio::join!(meet(1, 2), waiting);
    assert_eq!((last.0, first.0, meet(0, 2).await.0, meet(3, 2).await.0), (200, 200, 400, 400));
}
