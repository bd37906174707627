//! How a peer is spoken to: where one subscribes and how, where one publishes and what.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use super::wire;

pub(super) struct Dialect {
    /// Of the server, on all its addresses.
    pub(super) port: u16,
    pub(super) publish_at: SocketAddr,
    /// Livename's ids of people; `None` for programs that know numbers only.
    people: Option<Vec<String>>,
    lists: HashMap<usize, Vec<u32>>,
}

impl Dialect {
    /// Of a program that understands `/sub/1,2,3` and `/pub/2`.
    pub(super) fn plain(port: u16) -> Self {
        let publish_at = SocketAddr::from(([127, 0, 0, 1], port));
        Self { port, publish_at, people: None, lists: HashMap::new() }
    }

    /// Of Livename, behind which the simulated community is told to change people.
    pub(super) fn livename(port: u16, control: SocketAddr) -> Result<Self, String> {
        let people = people(control)?;
        Ok(Self { port, publish_at: control, people: Some(people), lists: HashMap::new() })
    }

    /// Whether a browser watches by a message, after the server's first one.
    pub(super) fn says_hello(&self) -> bool {
        self.people.is_some()
    }

    pub(super) fn remember(&mut self, browser: usize, list: &[u32]) {
        self.lists.insert(browser, list.to_vec());
    }

    /// The request of a browser.
    pub(super) fn handshake(&self, list: &[u32]) -> String {
        let path = if self.says_hello() {
            "/livename/v1/events".to_owned()
        } else {
            let ids: Vec<String> = list.iter().map(u32::to_string).collect();
            format!("/sub/{}", ids.join(","))
        };
        format!(
            "GET {path} HTTP/1.1\r\nHost: im.example\r\nOrigin: http://im.example\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bGl2ZW5hbWUtbG9hZCEhIQ==\r\n\r\n"
        )
    }

    /// The message with which a browser watches its list.
    pub(super) fn watch(&self, browser: usize) -> String {
        let people = self.people.as_deref().unwrap_or_default();
        let list = self.lists.get(&browser).map(Vec::as_slice).unwrap_or_default();
        let ids: Vec<&String> = list.iter().filter_map(|person| people.get(*person as usize)).collect();
        json!({ "op": "watch", "ids": ids }).to_string()
    }

    /// Appends the request that changes a person; the state is as long for all peers.
    pub(super) fn publish(&self, out: &mut Vec<u8>, person: u32, text: &str) {
        let known = self.people.as_ref().and_then(|people| people.get(person as usize));
        let (path, body) = match known {
            Some(id) => {
                ("/v1/status".to_owned(), json!({ "id": id, "status": "active", "text": text }).to_string())
            }
            None => {
                let body = format!(
                    r#"{{"type":"presence","people":[{{"id":"CN=Person {person:05}/O=Renovations","mobile":false,"name":"Person {person:05}","revision":{person:07},"status":"active","text":"{text}"}}],"cursor":"0123456789abcdef.1.{person:06x}"}}"#
                );
                (format!("/pub/{person}"), body)
            }
        };
        let mut head = String::new();
        let _ = write!(
            head,
            "POST {path} HTTP/1.1\r\nHost: im.example\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(body.as_bytes());
    }
}

/// Whom the simulated community knows.
pub(super) fn people(control: SocketAddr) -> Result<Vec<String>, String> {
    let people: Vec<Value> =
        serde_json::from_slice(&get(control, "/v1/people")?).map_err(|error| error.to_string())?;
    let id = |person: &Value| person.get("id").and_then(Value::as_str).map(str::to_owned);
    Ok(people.iter().filter_map(id).collect())
}

/// The body of an answer.
pub(super) fn get(address: SocketAddr, path: &str) -> Result<Vec<u8>, String> {
    let said = |error: std::io::Error| format!("http://{address}{path}: {error}");
    let mut stream = TcpStream::connect(address).map_err(said)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: im.example\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(said)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(said)?;
    Ok(answer.split_off(wire::head_end(&answer).ok_or("no HTTP")?))
}
