//! A Domino of the tests' own: documents in memory, the REST API and the data API in front, and faults on demand.
//!
//! Implements what domino-directory.md 3.3 and 3.4 say, and invents what they leave open (names of tokens,
//! texts of errors, the items that no source publishes).

mod das;
mod drapi;
pub(crate) mod web;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Name and password of the account that may do everything.
pub(crate) const USER: &str = "CN=Setup/O=Renovation";
pub(crate) const PASSWORD: &str = "pass-of-setup";

/// A running stand-in; gone when dropped.
pub(crate) struct Standin {
    pub(crate) address: SocketAddr,
    pub(crate) state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Drop for Standin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What goes wrong, counted in writes from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The write is done, and the connection closed without an answer.
    CutAfter(u32),
    /// The connection is closed instead of the write.
    CutBefore(u32),
    /// The token is forgotten before the write.
    Expire(u32),
    /// From this write on the account is refused, new tokens too.
    Lockout(u32),
    /// Somebody else changes the document between reading and writing.
    Overtake(u32),
    /// The account may only read.
    ReadOnly,
}

pub(crate) struct State {
    pub(crate) documents: BTreeMap<String, Document>,
    pub(crate) tokens: BTreeMap<String, u32>,
    pub(crate) faults: Vec<Fault>,
    /// Whether names.nsf is not excluded.
    pub(crate) enabled: bool,
    /// How many requests a token lasts.
    pub(crate) token_uses: u32,
    pub(crate) patch_allowed: bool,
    pub(crate) indexed: bool,
    /// Fields by form, as a design would list them.
    pub(crate) designs: BTreeMap<String, Value>,
    pub(crate) subforms: BTreeMap<String, Value>,
    /// An item that the form of Server documents computes when the data API asks it to, and whether it does so
    /// even if the item is written.
    pub(crate) computed: Option<(&'static str, bool)>,
    pub(crate) logins: u32,
    pub(crate) writes: u32,
    made: u32,
    clock: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    pub(crate) items: Map<String, Value>,
    pub(crate) revision: u64,
}

impl Standin {
    pub(crate) async fn start() -> Self {
        let state = State {
            documents: BTreeMap::new(),
            tokens: BTreeMap::new(),
            faults: Vec::new(),
            enabled: true,
            token_uses: 1_000_000,
            patch_allowed: true,
            indexed: true,
            designs: BTreeMap::new(),
            subforms: BTreeMap::new(),
            computed: None,
            logins: 0,
            writes: 0,
            made: 0,
            clock: 1_790_000_000,
        };
        let state = Arc::new(Mutex::new(state));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let state = Arc::clone(&shared);
                let service = service_fn(move |request| answer(Arc::clone(&state), request));
                tokio::spawn(async move {
                    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await)
                });
            }
        });
        Self { address, state, task }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// Everything that is stored, without revisions.
    pub(crate) fn snapshot(&self) -> BTreeMap<String, Map<String, Value>> {
        self.lock().documents.iter().map(|(unid, document)| (unid.clone(), document.items.clone())).collect()
    }
}

impl State {
    /// Stores a document; its UNID is made up.
    pub(crate) fn put(&mut self, items: Value) -> String {
        self.made += 1;
        self.clock += 1;
        let unid = format!("{:032X}", u128::from(self.made) * 0x9E37_79B9_7F4A_7C15);
        let Value::Object(items) = items else { panic!("a document is an object") };
        self.documents.insert(unid.clone(), Document { items, revision: self.clock });
        unid
    }

    pub(crate) fn find(&self, form: &str, item: &str, value: &str) -> Option<String> {
        let is = |document: &&(&String, &Document)| {
            document.1.items.get("Form") == Some(&json!(form))
                && document.1.items.get(item) == Some(&json!(value))
        };
        self.documents.iter().collect::<Vec<_>>().iter().find(is).map(|(unid, _)| (*unid).clone())
    }

    /// Changes an item as a person in the Notes client would.
    pub(crate) fn set(&mut self, unid: &str, item: &str, value: Value) {
        self.clock += 1;
        let revision = self.clock;
        let document = self.documents.get_mut(unid).unwrap();
        document.items.insert(item.to_owned(), value);
        document.revision = revision;
    }

    fn touched(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// Counts a write of a document, and says what it meets.
    fn meets(&mut self, unid: Option<&str>) -> Met {
        match (self.fault_of_write(), unid) {
            (Some(Fault::ReadOnly), _) => return Met::Refused(403),
            (Some(Fault::CutBefore(_)), _) => return Met::Cut,
            (Some(Fault::Expire(_) | Fault::Lockout(_)), _) => {
                self.tokens.clear();
                return Met::Refused(401);
            }
            (Some(Fault::Overtake(_)), Some(unid)) => {
                self.set(unid, "SametimeServer", json!("CN=Elsewhere/O=Renovation"));
            }
            (Some(Fault::CutAfter(_)), _) => return Met::Done { cut: true },
            _ => {}
        }
        Met::Done { cut: false }
    }

    /// Counts a write, and says which fault hits it.
    fn fault_of_write(&mut self) -> Option<Fault> {
        self.writes += 1;
        if self.faults.contains(&Fault::ReadOnly) {
            return Some(Fault::ReadOnly);
        }
        let mut hit = None;
        for fault in &mut self.faults {
            let left = match fault {
                Fault::CutAfter(left)
                | Fault::CutBefore(left)
                | Fault::Expire(left)
                | Fault::Lockout(left)
                | Fault::Overtake(left) => left,
                Fault::ReadOnly => continue,
            };
            *left = left.saturating_sub(1);
            if *left == 0 {
                hit = Some(*fault);
            }
        }
        self.faults.retain(|fault| hit != Some(*fault) || matches!(fault, Fault::Lockout(_)));
        hit
    }
}

/// Compares with an earlier state, for a path that cannot remove items: what was absent may be empty now.
pub(crate) fn same_but_empty(standin: &Standin, before: &BTreeMap<String, Map<String, Value>>) {
    let mut now = standin.snapshot();
    for (unid, items) in &mut now {
        items.retain(|name, value| before[unid].contains_key(name) || value != "");
    }
    assert_eq!(now, *before);
}

/// What becomes of a write.
enum Met {
    Refused(u16),
    /// The connection is closed, and nothing was done.
    Cut,
    /// It is done, and perhaps nobody is told.
    Done {
        cut: bool,
    },
}

/// What a handler answers: a status, headers and a body; `None` closes the connection.
pub(crate) type Reply = Option<(u16, Vec<(&'static str, String)>, Value)>;

pub(crate) fn reply(status: u16, body: Value) -> Reply {
    Some((status, Vec::new(), body))
}

/// A request with its whole body.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Value,
    /// The body as text.
    pub(crate) text: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.query.get(name).is_some_and(|found| found == value)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the connection is cut")]
struct Cut;

async fn answer(state: Arc<Mutex<State>>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let query = head.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let asked = Asked {
        method: head.method.to_string(),
        path: plain(head.uri.path()),
        query: query.map(|(name, value)| (plain(name), plain(value))).collect(),
        headers: head.headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
        text: String::from_utf8_lossy(&body).into_owned(),
    };
    let raw_query = head.uri.query().unwrap_or_default().to_owned();
    let reply = {
        let mut state = state.lock().unwrap();
        match asked.path.as_str() {
            "/names.nsf" => web::answer(&state, &asked, &raw_query),
            path if path.starts_with("/api/") => drapi::answer(&mut state, &asked),
            _ => das::answer(&mut state, &asked),
        }
    };
    let (status, headers, body) = reply.ok_or(Cut)?;
    let mut response = Response::builder().status(status).header("content-type", "application/json");
    for (name, value) in headers {
        response = response.header(name, value);
    }
    let body = match body {
        Value::Null => String::new(),
        Value::String(page) => page,
        json => json.to_string(),
    };
    Ok(response.body(Full::new(Bytes::from(body))).unwrap())
}

fn plain(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let hex: String = bytes.by_ref().take(2).map(char::from).collect();
                out.push(u8::from_str_radix(&hex, 16).unwrap());
            }
            b'+' => out.push(b' '),
            byte => out.push(byte),
        }
    }
    String::from_utf8(out).unwrap()
}
