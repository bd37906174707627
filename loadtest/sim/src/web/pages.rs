//! The pages of the simulated web server.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, LOCATION, SET_COOKIE, UPGRADE};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Shared, mixed};

/// How long a poll waits if it does not say.
const POLL: u64 = 25_000;
/// Bytes of a request body that `/echo` counts.
const ECHO: usize = 64 << 20;

pub(super) async fn answer(
    request: Request<Incoming>,
    scheme: &str,
    shared: &Shared,
    tasks: &TaskTracker,
    end: &CancellationToken,
) -> Response<Pieces> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let origin = shared.name().unwrap_or_else(|| format!("{scheme}://{host}"));
    let query = |name: &str| {
        let pairs = request.uri().query().unwrap_or("").split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
    };
    let path = without_affinity_id(request.uri().path());
    if let Some(name) = path.strip_prefix("/sametime/mixed/") {
        return mixed::answer(name, &request, &origin);
    }
    match path {
        "/sametime/stlinks/hostinfo.js" => script(host_variables(scheme, host)),
        path if path == "/sametime" || path.starts_with("/sametime/") => page(&origin, scheme),
        "/echo" => echo(request, scheme).await,
        "/tunnel" => tunnel(request, tasks, end),
        "/poll" => {
            let limit = query("ms").and_then(|ms| ms.parse().ok()).unwrap_or(POLL);
            poll(shared, Duration::from_millis(limit)).await
        }
        "/redirect" => {
            let to = query("to").unwrap_or_else(|| "/sametime/".into());
            with(StatusCode::FOUND, &[(LOCATION.as_str(), &format!("{origin}{to}"))], b"")
        }
        "/cookie" => {
            let domain = query("domain").map(|domain| format!("; Domain={domain}")).unwrap_or_default();
            let cookie = format!("STSession=abc123; Path=/sametime; HttpOnly{domain}");
            with(StatusCode::OK, &[(SET_COOKIE.as_str(), &cookie)], b"a cookie\n")
        }
        "/split" => split(&origin),
        _ => with(StatusCode::NOT_FOUND, &[], b"no such page\n"),
    }
}

/// Behind a proxy that leaves the affinity id in the path (`/st01/sametime/…`) the same pages are found.
fn without_affinity_id(path: &str) -> &str {
    match path.strip_prefix("/st").and_then(|rest| rest.find('/').and_then(|end| rest.get(end..))) {
        Some(rest) => rest,
        None => path,
    }
}

fn page(origin: &str, scheme: &str) -> Response<Pieces> {
    let escaped = origin.replace('/', "\\/");
    let encoded = origin.replace(':', "%3A").replace('/', "%2F");
    let body = format!(
        "<!DOCTYPE html>\n<html><head><title>Sametime</title>\n\
         <link rel=\"stylesheet\" href=\"{origin}/sametime/style.css\">\n\
         <script src=\"{origin}/sametime/stlinks/hostinfo.js\"></script>\n\
         <script>var base = \"{escaped}\\/sametime\";</script></head>\n\
         <body><p id=\"scheme\">served over {scheme}</p>\n\
         <a href=\"{origin}/redirect?to={encoded}%2Fsametime\">on</a></body></html>\n"
    );
    with(StatusCode::OK, &[(CONTENT_TYPE.as_str(), "text/html; charset=utf-8")], body.as_bytes())
}

fn host_variables(scheme: &str, host: &str) -> String {
    let name = host.split(':').next().unwrap_or(host);
    format!(
        "var HostInfo = {{ communityHost: \"{name}\", webServer: \"{scheme}://{host}\", protocol: \"{scheme}\" }};\n"
    )
}

async fn echo(request: Request<Incoming>, scheme: &str) -> Response<Pieces> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, ECHO).collect().await.map(|body| body.to_bytes()) else {
        return with(StatusCode::BAD_REQUEST, &[], b"the body cannot be read\n");
    };
    let headers: Vec<_> = head
        .headers
        .iter()
        .map(|(name, value)| [name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into()])
        .collect();
    let seen = json!({
        "method": head.method.as_str(),
        "uri": head.uri.to_string(),
        "version": format!("{:?}", head.version),
        "scheme": scheme,
        "headers": headers,
        "body_bytes": body.len(),
        "body": String::from_utf8_lossy(body.get(..body.len().min(1024)).unwrap_or_default()),
    });
    with(StatusCode::OK, &[(CONTENT_TYPE.as_str(), "application/json")], seen.to_string().as_bytes())
}

/// Accepts any protocol and sends back every byte.
fn tunnel(mut request: Request<Incoming>, tasks: &TaskTracker, end: &CancellationToken) -> Response<Pieces> {
    let wanted = request.headers().get(UPGRADE).and_then(|wanted| wanted.to_str().ok()).map(str::to_owned);
    let Some(wanted) = wanted else {
        return with(StatusCode::UPGRADE_REQUIRED, &[(UPGRADE.as_str(), "echo")], b"upgrade first\n");
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let end = end.clone();
    tasks.spawn(async move {
        let echo = async {
            let stream = TokioIo::new(upgrade.await.map_err(io::Error::other)?);
            let (mut from, mut to) = tokio::io::split(stream);
            tokio::io::copy(&mut from, &mut to).await?;
            tokio::io::AsyncWriteExt::shutdown(&mut to).await
        };
        let _ = tokio::select! { ended = echo => ended, () = end.cancelled() => Ok(()) };
    });
    let headers = [(CONNECTION.as_str(), "upgrade"), (UPGRADE.as_str(), wanted.as_str())];
    with(StatusCode::SWITCHING_PROTOCOLS, &headers, b"")
}

async fn poll(shared: &Shared, limit: Duration) -> Response<Pieces> {
    let mut news = shared.news.subscribe();
    let (number, text) = match tokio::time::timeout(limit, news.changed()).await {
        Ok(Ok(())) => news.borrow_and_update().clone(),
        _ => (0, String::new()),
    };
    let body = json!({ "number": number, "text": text }).to_string();
    with(StatusCode::OK, &[(CONTENT_TYPE.as_str(), "application/json")], body.as_bytes())
}

/// An absolute URL, cut wherever it hurts, in a chunked body.
fn split(origin: &str) -> Response<Pieces> {
    let text = format!("<a href=\"{origin}/sametime/\">split</a>\n").into_bytes();
    let pieces = text.chunks(5).map(Bytes::copy_from_slice).collect();
    let mut response = Response::new(Pieces { pieces, rest: Rest::Chunked });
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// A response that promises 1000 bytes and gives up after half of them.
pub(super) fn half_a_body() -> Response<Pieces> {
    let pieces = VecDeque::from([Bytes::from(vec![b'x'; 500])]);
    Response::new(Pieces { pieces, rest: Rest::Missing(500) })
}

fn script(text: String) -> Response<Pieces> {
    with(StatusCode::OK, &[(CONTENT_TYPE.as_str(), "text/javascript; charset=utf-8")], text.as_bytes())
}

/// Header values that are no header values are left out: they come from the query.
pub(super) fn with(status: StatusCode, headers: &[(&str, &str)], body: &[u8]) -> Response<Pieces> {
    let mut response = Response::new(Pieces::from(body));
    *response.status_mut() = status;
    for (name, value) in headers {
        let parsed = (HeaderName::try_from(*name), value.parse());
        if let (Ok(name), Ok(value)) = parsed {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// A body of known pieces, each one chunk.
#[derive(Debug)]
pub(super) struct Pieces {
    pieces: VecDeque<Bytes>,
    rest: Rest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Complete,
    Chunked,
    /// This many bytes are promised and never come.
    Missing(u64),
    /// As before; what did come has been handed over.
    GivenUp(u64),
}

impl From<&[u8]> for Pieces {
    fn from(bytes: &[u8]) -> Self {
        let text = Bytes::copy_from_slice(bytes);
        Self { pieces: if text.is_empty() { VecDeque::new() } else { [text].into() }, rest: Rest::Complete }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(match (self.pieces.pop_front(), self.rest) {
            (Some(piece), _) => Some(Ok(Frame::data(piece))),
            (None, Rest::Missing(more)) => {
                // One turn of waiting, in which hyper writes the half that is there.
                self.rest = Rest::GivenUp(more);
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            (None, Rest::GivenUp(_)) => Some(Err(io::ErrorKind::UnexpectedEof.into())),
            (None, _) => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && matches!(self.rest, Rest::Complete | Rest::Chunked)
    }

    fn size_hint(&self) -> SizeHint {
        let here: u64 = self.pieces.iter().map(|piece| piece.len() as u64).sum();
        match self.rest {
            Rest::Complete => SizeHint::with_exact(here),
            Rest::Chunked => SizeHint::default(),
            Rest::Missing(more) | Rest::GivenUp(more) => SizeHint::with_exact(here + more),
        }
    }
}
