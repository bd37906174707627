//! Against a gateway of the test's own that does not do what it should.

use std::sync::Mutex;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// The statuses that were set, in their order.
type Set = Arc<Mutex<Vec<String>>>;

/// Opens event channels, takes commands, and ends all channels when somebody goes away.
async fn gateway(set: Set) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (news, _) = tokio::sync::broadcast::channel(8);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&set), news.clone()));
        }
    });
    address
}

async fn serve(stream: TcpStream, set: Set, news: tokio::sync::broadcast::Sender<&'static str>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await.unwrap() == 0 {
                return;
            }
        }
        if head.starts_with("GET") {
            let mut told = news.subscribe();
            let me = if head.contains("one") { "one" } else { "two" };
            let hello = json!({"me": {"id": me, "login": "up", "status": "dnd"}, "channel": me});
            let start = format!("HTTP/1.1 200 OK\r\n\r\ndata: {hello}\n\n");
            stream.write_all(start.as_bytes()).await.unwrap();
            while let Ok(event) = told.recv().await {
                stream.write_all(format!("data: {event}\n\n").as_bytes()).await.unwrap();
            }
            return;
        }
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).await.unwrap();
        let command: Value = serde_json::from_slice(&body).unwrap();
        if let Some(status) = command["status"].as_str() {
            set.lock().unwrap().push(status.to_owned());
            let _ = news.send(match status {
                "active" => r#"{"people":[{"id":"two","status":"active"}]}"#,
                _ => r#"{"type":"end","message":"gone"}"#,
            });
        }
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n[{\"type\":\"ok\"}]";
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn the_status_is_put_back_when_the_probe_fails_in_the_middle() {
    let set = Set::default();
    let address = gateway(Arc::clone(&set)).await;
    let url = Url { tls: false, host: address.ip().to_string(), port: address.port() };
    let resolve = Resolve::default();
    let door = Door { url: &url, path: "/events", resolve: &resolve, tls: None, page: &url };
    let error = awareness(&door, &Secret::from("one"), &Secret::from("two")).await.unwrap_err();
    assert!(matches!(&error, ProbeError::Ended(why) if why == "gone"), "{error}");
    assert_eq!(*set.lock().unwrap(), ["active", "away", "dnd"]);
}
