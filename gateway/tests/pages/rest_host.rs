//! As much of the Sametime Proxy's REST interface as the scripts use, written from browser-side.md 3.3 to 3.5.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

const SID: &str = "6f0c";
const POLL: Duration = Duration::from_secs(20);
/// How long the card of somebody slow takes.
const SLOW: Duration = Duration::from_millis(300);

/// See the module.
#[derive(Default)]
pub(crate) struct RestHost {
    channel: Arc<Channel>,
    /// Times that the server has begun anew, and knows no nonce of before.
    starts: AtomicU32,
}

#[derive(Default)]
struct Channel {
    polls: AtomicU32,
    updates: Mutex<Vec<Value>>,
    news: Notify,
}

impl RestHost {
    /// The answer to a request below `/stwebapi`: status and JSON.
    pub(crate) async fn answer(
        &self,
        method: &str,
        path: &str,
        query: &str,
        head: &str,
        body: &str,
    ) -> (u16, Value) {
        let parameter = |name: &str| {
            let pairs = url_decoded(query);
            pairs.into_iter().rev().find(|(key, _)| key == name).map(|(_, value)| value).unwrap_or_default()
        };
        let nonce = format!("b1d{}", self.starts.load(Ordering::SeqCst));
        if path == "/test/restart" {
            self.starts.fetch_add(1, Ordering::SeqCst);
            self.channel.news.notify_one();
            return (200, json!({}));
        }
        if (method, path) == ("POST", "/user/connect") {
            let sent: Vec<_> = url_decoded(query).into_iter().chain(url_decoded(body)).collect();
            let said = |name: &str, value: &str| sent.contains(&(name.to_owned(), value.to_owned()));
            let wrong = said("loginMethod", "byPassword") && !said("password", "secret & safe");
            let stale =
                said("loginMethod", "byToken") && said("username", "ann") && !said("token", "stoken=");
            if wrong || stale {
                return (401, json!({"returnCode": 12}));
            }
            let person =
                json!({"id": "CN=Ann Example,O=Acme", "status": 1, "statusMessage": "In the office"});
            return (200, json!({"sid": SID, "loginName": "ann", "reason": "0", "person": person}));
        }
        if (method, path) == ("POST", "/RTCServlet/6f0c/user") && parameter("method") == "put" {
            return (200, json!({"Rtc4web-Nonce": nonce, "loginId": "ann", "isAnon": false}));
        }
        if !head.to_ascii_lowercase().contains(&format!("rtc4web-nonce: {nonce}\r\n")) {
            return (403, json!({"returnCode": 403, "code": 12}));
        }
        match (method, path) {
            ("GET", "/RTCServlet") => {
                return (200, json!({"update": self.channel.poll().await}));
            }
            ("POST", "/presence") => {
                for user in parameter("users").split('|') {
                    if user == "nobody" {
                        self.tell(json!({"action": ["watchlist", "addUser"], "userId": user, "returnCode": 404, "code": 7}));
                        continue;
                    }
                    self.tell(json!({"action": ["watchlist", "addUser"], "userId": user, "displayName": user, "returnCode": 200}));
                    let state = json!({"id": user, "status": 2, "statusMessage": "Lunch"});
                    self.tell(json!({"action": ["watchlist", "watchlist"], "watchlist": [state], "returnCode": 200}));
                }
            }
            ("GET", "/quickfind") if parameter("searchString").is_empty() => {
                return (400, json!({"returnCode": 400, "code": 14}));
            }
            ("GET", "/quickfind") => {
                let found = json!([{"id": "CN=Bo Example,O=Acme", "displayName": parameter("searchString")}]);
                self.tell(json!({"action": ["quickfind", "find"], "Persons": found, "returnCode": 200}));
            }
            ("GET", "/userinfo") if parameter("userId") == "nobody" => {
                self.tell(json!({"action": ["user", "info"], "returnCode": 7, "reason": "person not found"}));
            }
            ("GET", "/userinfo") if parameter("userId").starts_with("slow") => {
                let channel = Arc::clone(&self.channel);
                let mail = parameter("userId");
                tokio::spawn(async move {
                    sleep(SLOW).await;
                    channel.tell(
                        json!({"action": ["user", "info"], "info": {"MailAddress": mail}, "returnCode": 200}),
                    );
                });
            }
            ("GET", "/userinfo") => {
                self.tell(json!({"action": ["user", "info"], "info": {"MailAddress": "bo@acme.example"}, "returnCode": 200}));
            }
            ("DELETE", "/presence") | ("POST", "/user/status") => {}
            _ => return (404, json!({"returnCode": 4})),
        }
        (200, json!({"returnCode": 200}))
    }

    fn tell(&self, value: Value) {
        self.channel.tell(value);
    }
}

impl Channel {
    /// A newer poll lets the older one go.
    async fn poll(&self) -> Vec<Value> {
        let mine = self.polls.fetch_add(1, Ordering::SeqCst) + 1;
        self.news.notify_waiters();
        if self.updates.lock().unwrap().is_empty() {
            drop(timeout(POLL, self.news.notified()).await);
        }
        if self.polls.load(Ordering::SeqCst) != mine {
            return Vec::new();
        }
        std::mem::take(&mut *self.updates.lock().unwrap())
    }

    fn tell(&self, value: Value) {
        let update = json!({"sid": SID, "op": "add", "cn": SID, "type": "channel", "key": "", "value": value, "time": 0});
        self.updates.lock().unwrap().push(update);
        self.news.notify_one();
    }
}

fn url_decoded(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((first, after)) = rest.split_first() {
            let escaped = (*first == b'%').then(|| after.get(..2)).flatten();
            let byte = escaped.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
            bytes.push(byte.unwrap_or(*first));
            rest = if byte.is_some() { &after[2..] } else { after };
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (decode(key), decode(value)))
        .collect()
}
