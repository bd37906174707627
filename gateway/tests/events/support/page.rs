//! A page with an event channel, over either transport: what it was told, and what it holds.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::support::client::{Answer, post_with, send_body};
use crate::support::soon;

pub const EVENTS: &str = "/im/livename/v1/events";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Socket,
    Stream,
}

pub const BOTH: [Transport; 2] = [Transport::Socket, Transport::Stream];

/// See the module.
pub struct Page {
    address: SocketAddr,
    cookie: Option<String>,
    wire: Wire,
    next_id: u64,
    pub hello: Value,
    pub me: Value,
    /// The newest state of each person.
    pub people: BTreeMap<String, Value>,
    /// Every state that came, in order: id and status.
    pub told: Vec<(String, String)>,
    pub cursor: Option<String>,
    /// The `end` message.
    pub end: Option<Value>,
    /// The code of the WebSocket's close frame.
    pub close_code: Option<u16>,
}

enum Wire {
    Socket(Box<WebSocketStream<TcpStream>>),
    Stream { body: Incoming, buffer: String },
}

impl Page {
    pub async fn open(address: SocketAddr, transport: Transport, cookie: Option<&str>) -> Self {
        Self::try_open(address, transport, cookie, &[]).await.unwrap()
    }

    /// The page, or how it was refused.
    pub async fn try_open(
        address: SocketAddr,
        transport: Transport,
        cookie: Option<&str>,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, (StatusCode, String)> {
        let cookie = cookie.map(str::to_owned);
        let all = headers.iter().copied().chain(cookie.as_deref().map(|cookie| ("cookie", cookie)));
        let wire = soon("an event channel", async {
            match transport {
                Transport::Socket => socket(address, all).await,
                Transport::Stream => stream(address, all).await,
            }
        })
        .await?;
        let mut page = Self {
            address,
            cookie,
            wire,
            next_id: 0,
            hello: Value::Null,
            me: Value::Null,
            people: BTreeMap::new(),
            told: Vec::new(),
            cursor: None,
            end: None,
            close_code: None,
        };
        let hello = page.next().await.expect("a hello");
        assert_eq!(hello["type"], "hello");
        page.me = hello["me"].clone();
        page.hello = hello;
        Ok(page)
    }

    /// Sends a command and waits for its answer.
    pub async fn ask(&mut self, mut command: Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        command["id"] = id.into();
        if matches!(self.wire, Wire::Stream { .. }) {
            let answers: Value = serde_json::from_str(&self.post(&command.to_string()).await.body).unwrap();
            return answers[0].clone();
        }
        self.send(Message::text(command.to_string())).await;
        loop {
            let message = self.next().await.expect("an answer");
            if message["id"] == id {
                return message;
            }
        }
    }

    pub async fn watch(&mut self, ids: &[String]) {
        assert_eq!(self.ask(json!({"op": "watch", "ids": ids})).await["type"], "ok");
    }

    /// Watches the persons of whom earlier states are at hand.
    pub async fn watch_since(&mut self, ids: &[String], cursor: &str) {
        assert_eq!(self.ask(json!({"op": "watch", "ids": ids, "since": cursor})).await["type"], "ok");
    }

    /// The answer to a `POST` for this channel.
    pub async fn post(&self, body: &str) -> Answer {
        self.post_as(self.cookie.as_deref(), self.channel(), body).await
    }

    pub async fn post_as(&self, cookie: Option<&str>, channel: &str, body: &str) -> Answer {
        let headers: Vec<_> = cookie.map(|cookie| ("cookie", cookie)).into_iter().collect();
        let request = post_with(&format!("{EVENTS}/{channel}"), &headers);
        send_body(self.address, request, body).await
    }

    /// The secret name of the channel.
    pub fn channel(&self) -> &str {
        self.hello["channel"].as_str().unwrap()
    }

    /// A raw WebSocket message.
    pub async fn send(&mut self, message: Message) {
        let Wire::Socket(socket) = &mut self.wire else { panic!("a stream has one direction") };
        soon("a message is sent", socket.send(message)).await.unwrap();
    }

    /// The connection itself.
    pub fn raw(&mut self) -> &mut TcpStream {
        let Wire::Socket(socket) = &mut self.wire else { panic!("not a socket") };
        socket.get_mut()
    }

    /// What the next pong repeats; other messages are passed over.
    pub async fn pong(&mut self) -> Bytes {
        let Wire::Socket(socket) = &mut self.wire else { panic!("not a socket") };
        loop {
            if let Message::Pong(payload) = socket.next().await.unwrap().unwrap() {
                return payload;
            }
        }
    }

    /// The next message; `None` at the end.
    pub async fn next(&mut self) -> Option<Value> {
        let (text, mark) = match soon("a message", self.wire.next()).await {
            Said::Text(text, mark) => (text, mark),
            Said::End(code) => {
                self.close_code = code;
                return None;
            }
        };
        let message: Value = serde_json::from_str(&text).unwrap();
        if matches!(self.wire, Wire::Stream { .. }) {
            assert_eq!(mark.as_deref(), message["cursor"].as_str(), "the id of an event is its cursor");
        }
        self.take(&message);
        Some(message)
    }

    fn take(&mut self, message: &Value) {
        match message["type"].as_str().unwrap() {
            "presence" => {
                for state in message["people"].as_array().unwrap() {
                    let text = |field: &str| state[field].as_str().unwrap().to_owned();
                    self.told.push((text("id"), text("status")));
                    let before = self.people.insert(text("id"), state.clone());
                    let grown =
                        before.is_none_or(|before| before["revision"].as_u64() < state["revision"].as_u64());
                    assert!(grown, "a revision grows: {state}");
                }
                if let Some(cursor) = message["cursor"].as_str() {
                    self.cursor = Some(cursor.to_owned());
                }
            }
            "me" => self.me = message["me"].clone(),
            "end" => self.end = Some(message.clone()),
            _ => {}
        }
    }

    /// Reads until the condition holds.
    pub async fn until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        while !holds(self) {
            if self.next().await.is_none() {
                panic!("the channel ended ({:?}) before: {what}", self.end);
            }
        }
    }

    pub fn status(&self, id: &str) -> &str {
        self.people.get(id).map_or("nothing", |state| state["status"].as_str().unwrap())
    }

    /// Waits until the person is shown so.
    pub async fn sees(&mut self, id: &str, status: &str) {
        self.until(&format!("{id} is {status}"), |page| page.status(id) == status).await;
    }

    pub async fn sees_text(&mut self, id: &str, text: &str) {
        let has = |page: &Self| page.people.get(id).is_some_and(|state| state["text"] == text);
        self.until(&format!("{id} says {text}"), has).await;
    }

    /// Waits until the own login is in that state.
    pub async fn login_is(&mut self, state: &str) {
        self.until(&format!("the login is {state}"), |page| page.me["login"] == state).await;
    }

    pub async fn is_up(&mut self) {
        self.login_is("up").await;
    }

    /// Waits until there is a cursor: everything that is known is here.
    pub async fn has_cursor(&mut self) -> String {
        self.until("a cursor", |page| page.cursor.is_some()).await;
        self.cursor.clone().unwrap()
    }

    /// Reads to the end: its code, and whether to come back.
    pub async fn ends(&mut self) -> (String, bool) {
        while self.next().await.is_some() {}
        let end =
            self.end.as_ref().unwrap_or_else(|| panic!("it says why; close code {:?}", self.close_code));
        (end["code"].as_str().unwrap().to_owned(), end["retry"].as_bool().unwrap())
    }

    /// A round trip: whatever was on its way has been read.
    pub async fn settle(&mut self) {
        assert_eq!(self.ask(json!({"op": "ping"})).await["type"], "pong");
    }
}

enum Said {
    Text(String, Option<String>),
    End(Option<u16>),
}

impl Wire {
    async fn next(&mut self) -> Said {
        match self {
            Self::Socket(socket) => {
                let mut code = None;
                loop {
                    match socket.next().await {
                        Some(Ok(Message::Text(text))) => {
                            return Said::Text(text.as_str().to_owned(), None);
                        }
                        // Reading on answers it.
                        Some(Ok(Message::Close(frame))) => code = frame.map(|frame| frame.code.into()),
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => return Said::End(code),
                    }
                }
            }
            Self::Stream { body, buffer } => loop {
                if let Some((event, rest)) = buffer.split_once("\n\n") {
                    let (event, rest) = (event.to_owned(), rest.to_owned());
                    *buffer = rest;
                    let field =
                        |name| event.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
                    match field("data: ") {
                        Some(data) => return Said::Text(data, field("id: ")),
                        None => continue,
                    }
                }
                match body.frame().await {
                    Some(Ok(frame)) => {
                        *buffer += str::from_utf8(&frame.into_data().unwrap()).unwrap();
                    }
                    Some(Err(_)) | None => return Said::End(None),
                }
            },
        }
    }
}

async fn socket<'a>(
    address: SocketAddr,
    headers: impl Iterator<Item = (&'static str, &'a str)>,
) -> Result<Wire, (StatusCode, String)> {
    let mut request = format!("ws://im.example{EVENTS}").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    match client_async(request, stream).await {
        Ok((socket, _)) => Ok(Wire::Socket(Box::new(socket))),
        Err(tungstenite::Error::Http(response)) => {
            let body = response.body().clone().unwrap_or_default();
            Err((response.status(), String::from_utf8(body).unwrap()))
        }
        Err(error) => panic!("no handshake: {error}"),
    }
}

async fn stream<'a>(
    address: SocketAddr,
    headers: impl Iterator<Item = (&'static str, &'a str)>,
) -> Result<Wire, (StatusCode, String)> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut request =
        http::Request::get(EVENTS).header("host", "im.example").header("accept", "text/event-stream");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    let (head, mut body) = response.into_parts();
    if head.status != StatusCode::OK {
        let mut text = Vec::new();
        while let Some(frame) = body.frame().await {
            text.extend_from_slice(&frame.unwrap().into_data().unwrap());
        }
        return Err((head.status, String::from_utf8(text).unwrap()));
    }
    assert_eq!(head.headers["content-type"], "text/event-stream");
    Ok(Wire::Stream { body, buffer: String::new() })
}
