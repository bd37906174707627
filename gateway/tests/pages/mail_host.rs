//! A mail server that has nothing but its pages and a cookie to set.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::Request;
use http_body_util::BodyExt;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::rest_host::RestHost;

/// See the module.
pub(crate) struct MailHost {
    http: SocketAddr,
    https: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    cookie: Mutex<String>,
    rest: RestHost,
}

impl MailHost {
    pub(crate) async fn start(tls: Arc<ServerConfig>) -> Self {
        let shared = Arc::<Shared>::default();
        let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let secure = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (http, https) = (plain.local_addr().unwrap(), secure.local_addr().unwrap());
        let for_plain = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = plain.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&for_plain)));
            }
        });
        let (acceptor, for_secure) = (TlsAcceptor::from(tls), Arc::clone(&shared));
        tokio::spawn(async move {
            while let Ok((stream, _)) = secure.accept().await {
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&for_secure));
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        answer(stream, shared).await;
                    }
                });
            }
        });
        Self { http, https, shared }
    }

    pub(crate) fn origin(&self, scheme: &str) -> String {
        let address = if scheme == "https" { self.https } else { self.http };
        format!("{scheme}://mail1.renovation.test:{}", address.port())
    }

    /// What `/login` sets from now on.
    pub(crate) fn next_cookie(&self, cookie: &str) {
        cookie.clone_into(&mut self.shared.cookie.lock().unwrap());
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, shared: Arc<Shared>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head);
    let target = head.split(' ').nth(1).unwrap_or("/");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if let Some(path) = path.strip_prefix("/stwebapi") {
        let method = head.split(' ').next().unwrap_or_default();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        let mut sent = vec![0; length.unwrap_or(0)];
        if stream.read_exact(&mut sent).await.is_err() {
            return;
        }
        let sent = String::from_utf8_lossy(&sent);
        let (status, body) = shared.rest.answer(method, path, query, &head, &sent).await;
        let body = body.to_string();
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        drop(stream.write_all(answer.as_bytes()).await);
        return drop(stream.shutdown().await);
    }
    let served = file(path, query, &shared.cookie.lock().unwrap());
    let (kind, more, body) = match served {
        Served::File(kind, headers, body) => (kind, headers, body),
        Served::Copy => ("text/javascript", String::new(), copied(target).await),
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}; charset=utf-8\r\ncontent-length: {length}\r\nconnection: close\r\ncache-control: no-cache\r\n{more}\r\n{body}"
    );
    drop(stream.write_all(answer.as_bytes()).await);
    drop(stream.shutdown().await);
}

/// What is served; `Copy` stands for a script that this host has copied from the gateway.
enum Served {
    File(&'static str, String, String),
    Copy,
}

async fn copied(target: &str) -> String {
    let Some(script) = gateway::scripts::answer(&Request::get(target).body(()).unwrap()) else {
        return String::new();
    };
    String::from_utf8(script.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

fn file(path: &str, query: &str, cookie: &str) -> Served {
    let query: HashMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let gateway = query.get("gateway").copied().unwrap_or_default();
    let page = |scripts: &str| {
        let socket = gateway.replacen("http", "ws", 1);
        let policy = format!(
            "content-security-policy: default-src 'none'; script-src 'self' {gateway}; style-src {gateway}; connect-src 'self' {gateway} {socket}; img-src data:\r\n"
        );
        let headers = if query.contains_key("loose") { String::new() } else { policy };
        let html = format!(
            "<!doctype html><html lang=\"en\"><title>Mail</title><link rel=\"icon\" href=\"data:,\">{scripts}<body><ul id=\"rows\"></ul></body></html>"
        );
        Served::File("text/html", headers, html)
    };
    let script = |text: &str| Served::File("text/javascript", String::new(), text.to_owned());
    // A page that brings the scripts along instead of loading them from the gateway.
    let from = if query.contains_key("copy") { "" } else { gateway };
    match path {
        "/login" => {
            Served::File("text/html", format!("set-cookie: {cookie}\r\n"), "<!doctype html>Welcome".into())
        }
        "/links" => page(&format!(
            "<link rel=\"stylesheet\" href=\"{from}/sametime/stlinks/stlinks.css\"><script src=\"{from}/sametime/stlinks/stlinks.js\"></script><script src=\"/links.js\"></script>"
        )),
        "/stproxy" => page(&format!(
            "<script src=\"/config.js\"></script><script src=\"{from}/stwebclient/latest/include.js?widget=livename&lang=de\"></script><script src=\"/stproxy.js\"></script>"
        )),
        "/events" => page("<script type=\"module\" src=\"/events.js\"></script>"),
        "/config.js" => script(include_str!("site/config.js")),
        "/links.js" => script(include_str!("site/links.js")),
        "/stproxy.js" => script(include_str!("site/stproxy.js")),
        "/events.js" => script(include_str!("site/events.js")),
        _ => Served::Copy,
    }
}
