//! A simulated Sametime web server: the backend that a bridge passes requests to.
//!
//! | path | answer |
//! | --- | --- |
//! | `/sametime/…` | an HTML page that names its scheme and itself by absolute URLs, also escaped ones |
//! | `/sametime/stlinks/hostinfo.js` | the host variables of the vendor's scripts |
//! | `/sametime/mixed/page.html` | a page that loads scripts, styles, pictures, a frame and data by absolute URLs of this server |
//! | `/sametime/mixed/visitor.html?of=ORIGIN` | a page of another host that uses a Sametime server |
//! | `/echo` | the request head and the size of its body as JSON |
//! | `/tunnel` | 101 for any `Upgrade`, then every byte comes back |
//! | `/poll?ms=N` | waits for [`WebServer::publish`], at most N milliseconds (25,000) |
//! | `/redirect?to=PATH` | 302 to an absolute URL of this server |
//! | `/cookie?domain=D` | `Set-Cookie` with Domain, Path and HttpOnly |
//! | `/split` | an absolute URL cut over several chunks |
//! | anything else | 404 |
//!
//! The same below an affinity id, a first segment that begins with `st`.
//!
//! [`Fault`]s are set for all requests from outside. Nothing here checks who asks.

mod mixed;
mod pages;
mod serve;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What goes wrong with every request, until it is set back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The request is read and never answered.
    StallBeforeHead,
    /// The head promises twice the bytes that come; then the connection ends.
    HalfBody,
    /// The connection is reset instead of an answer.
    Reset,
}

/// A running web server; stops when dropped.
#[derive(Debug)]
pub struct WebServer {
    addr: SocketAddr,
    shared: Arc<Shared>,
    tasks: TaskTracker,
    end: CancellationToken,
}

/// What the connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    tls: Option<Arc<ServerConfig>>,
    fault: Mutex<Fault>,
    /// What it calls itself; as the client calls it if there is none.
    name: Mutex<Option<String>>,
    seen: Mutex<Vec<String>>,
    news: watch::Sender<(u64, String)>,
}

/// Request lines that are remembered.
const SEEN: usize = 10_000;

impl WebServer {
    /// Listens; with TLS if there is a configuration for it.
    pub async fn start(listen: SocketAddr, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared {
            tls,
            fault: Mutex::default(),
            name: Mutex::default(),
            seen: Mutex::default(),
            news: watch::Sender::new((0, String::new())),
        });
        let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(serve::accept(listener, shared.clone(), tasks.clone(), end.clone()));
        Ok(Self { addr, shared, tasks, end })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Sets what goes wrong from now on.
    pub fn set_fault(&self, fault: Fault) {
        *self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// From now on its pages name it by this origin, whatever it is asked for, and their cookies are `Secure` if
    /// that is https: as a server does that knows itself by one name, or stands behind something that rewrites
    /// nothing.
    pub fn call_itself(&self, origin: &str) {
        *self.shared.name.lock().unwrap_or_else(PoisonError::into_inner) = Some(origin.to_owned());
    }

    /// The request lines so far (`GET /echo`), oldest first, at most the first 10,000.
    pub fn seen(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers the long polls that wait.
    pub fn publish(&self, text: &str) {
        self.shared.news.send_modify(|news| *news = (news.0 + 1, text.to_owned()));
    }

    /// Closes everything and waits until nothing runs any more.
    pub async fn stop(&self) {
        self.end.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

impl Shared {
    fn fault(&self) -> Fault {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self) -> Option<String> {
        self.name.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, line: String) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() < SEEN {
            seen.push(line);
        }
    }
}

#[cfg(test)]
mod tests;
