//! A browser with a script of the Sametime Proxy in it: cookies, nonce, commands and the poll.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use http::{Method, StatusCode};
use serde_json::Value;

use crate::support::client::{Answer, get_with, send_body};
use crate::support::{soon, tokens};

/// Where the interface is in these tests.
pub const BASE: &str = "/im/stwebapi/";

/// See the module.
#[derive(Clone)]
pub struct Browser {
    address: SocketAddr,
    /// Where the interface is, with a slash at the end.
    pub base: &'static str,
    /// By name.
    pub cookies: BTreeMap<String, String>,
    pub nonce: Option<String>,
    pub origin: Option<String>,
    /// What the poll has brought and nobody has looked at.
    pub updates: Vec<Value>,
    /// The newest status by id.
    pub people: BTreeMap<String, Value>,
    /// Number of the last answer, if the client is to confirm it.
    pub ack: Option<u64>,
}

/// One request: verb and path with query, and whatever deviates from what a page sends.
pub struct Call<'a> {
    pub method: Method,
    pub path: &'a str,
    pub body: &'a str,
    pub headers: Vec<(&'static str, String)>,
}

impl Browser {
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            base: BASE,
            cookies: BTreeMap::new(),
            nonce: None,
            origin: None,
            updates: Vec::new(),
            people: BTreeMap::new(),
            ack: None,
        }
    }

    /// With the cookie of single sign-on.
    pub fn of(address: SocketAddr, user: &str) -> Self {
        let mut browser = Self::new(address);
        let cookie = tokens::cookie(user);
        let (name, value) = cookie.split_once('=').unwrap();
        browser.cookies.insert(name.into(), value.into());
        browser
    }

    /// Logged in, with the event channel joined.
    pub async fn logged_in(address: SocketAddr, user: &str) -> Self {
        let mut browser = Self::of(address, user);
        let answer = browser.connect().await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let joined = browser.join().await;
        assert_eq!(joined.status, StatusCode::OK, "{}", joined.body);
        browser
    }

    pub async fn connect(&mut self) -> Answer {
        self.connect_with("loginType=5284&loginMethod=byToken&initialStatus=1").await
    }

    pub async fn connect_with(&mut self, query: &str) -> Answer {
        self.call(Method::POST, &format!("user/connect?{query}")).await
    }

    /// Logs in with a form, as nothing but passwords and tokens should be sent.
    pub async fn connect_by_form(&mut self, form: &str) -> Answer {
        self.send(Call { method: Method::POST, path: "user/connect", body: form, headers: vec![] }).await
    }

    pub async fn join(&mut self) -> Answer {
        let path = format!("RTCServlet/{}/user?userName=ann&method=put", self.sid());
        let answer = self.call(Method::POST, &path).await;
        if answer.status == StatusCode::OK {
            let nonce = json(&answer)["Rtc4web-Nonce"].as_str().unwrap().to_owned();
            self.nonce = Some(nonce);
        }
        answer
    }

    pub fn sid(&self) -> String {
        self.cookies.get("sid").cloned().unwrap_or_default()
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.call(Method::GET, path).await
    }

    pub async fn post(&mut self, path: &str) -> Answer {
        self.call(Method::POST, path).await
    }

    pub async fn delete(&mut self, path: &str) -> Answer {
        self.call(Method::DELETE, path).await
    }

    /// A command that is accepted.
    pub async fn does(&mut self, method: Method, path: &str) {
        let answer = self.call(method, path).await;
        assert_eq!((answer.status, &json(&answer)["returnCode"]), (StatusCode::OK, &200.into()), "{path}");
    }

    pub async fn call(&mut self, method: Method, path: &str) -> Answer {
        self.send(Call { method, path, body: "", headers: Vec::new() }).await
    }

    pub async fn send(&mut self, call: Call<'_>) -> Answer {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![];
        if !cookies.is_empty() {
            headers.push(("cookie", cookies.as_str()));
        }
        let is_login = call.path.starts_with("user/connect") && call.method == Method::POST;
        if let Some(nonce) = self.nonce.as_deref().filter(|_| !is_login) {
            headers.push(("Rtc4web-Nonce", nonce));
        }
        if let Some(origin) = &self.origin {
            headers.push(("origin", origin));
        }
        if !call.body.is_empty() {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
        }
        headers.extend(call.headers.iter().map(|(name, value)| (*name, value.as_str())));
        let mut request = get_with(&format!("{}{}", self.base, call.path), &headers);
        *request.method_mut() = call.method;
        let answer = send_body(self.address, request, call.body).await;
        self.keep_cookies(&answer);
        answer
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (pair, rest) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.into(), value.into());
            }
        }
    }

    /// One poll, and what it brought.
    pub async fn poll(&mut self) -> Value {
        let ack = self.ack.map(|number| format!("&ack={number}")).unwrap_or_default();
        let answer = self.get(&format!("RTCServlet?format=json&dojo.preventCache=1{ack}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let value = json(&answer);
        self.take(&value);
        value
    }

    pub fn take(&mut self, answer: &Value) {
        for entry in answer["update"].as_array().unwrap() {
            assert_eq!(entry["sid"], self.sid());
            assert_eq!(
                (&entry["op"], &entry["type"], &entry["key"]),
                (&"add".into(), &"channel".into(), &"".into())
            );
            assert!(entry["time"].as_u64().unwrap() > 1_500_000_000_000);
            let value = entry["value"].clone();
            assert!(value["action"].is_array() && value["returnCode"].is_u64(), "{value}");
            if value["action"][1] == "watchlist" {
                for person in value["watchlist"].as_array().unwrap() {
                    self.people.insert(person["id"].as_str().unwrap().into(), person.clone());
                }
            } else {
                self.updates.push(value);
            }
        }
    }

    /// Polls until that action comes, and takes it out.
    pub async fn hears(&mut self, action: &[&str]) -> Value {
        soon(&format!("{action:?}"), async {
            loop {
                let is_it = |value: &Value| value["action"] == Value::from(action.to_vec());
                if let Some(place) = self.updates.iter().position(is_it) {
                    return self.updates.remove(place);
                }
                self.poll().await;
            }
        })
        .await
    }

    /// Polls until the person has that status.
    pub async fn sees(&mut self, id: &str, status: i64) {
        soon(&format!("{id} has {status}"), async {
            while self.status(id) != Some(status) {
                self.poll().await;
            }
        })
        .await;
    }

    pub fn status(&self, id: &str) -> Option<i64> {
        self.people.get(id)?["status"].as_i64()
    }

    /// Waits until the community has said what the own status is.
    pub async fn own_status(&mut self) -> Value {
        self.hears(&["MY_STATUS_CHANGED"]).await["person"].clone()
    }
}

pub fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body))
}

/// A name in a query.
pub fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
