//! The demo's pages, its people, and its log-in, which hands out a real Domino-format LtpaToken.
//!
//! The mail page exists once per family of interfaces: same shell, another head (docs/pages.md).

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::inbox;
use crate::http::{Body, Builtin, RequestContext, full};

/// How long a demo token is good for.
const TOKEN_LIFE: Duration = Duration::from_secs(8 * 3600);
const COOKIE: &str = "LtpaToken";

const LINKS_HEAD: &str = r#"<link rel="stylesheet" href="/sametime/stlinks/stlinks.css">
<script src="/sametime/stlinks/stlinks.js"></script>
"#;
const LINKS_BODY: &str = r#"<script src="/demo/links-start.js"></script>
"#;
const PROXY_HEAD: &str =
    "<script src=\"/stwebclient/latest/include.js?widget=livename&amp;auto=false\"></script>\n";

/// Makes the token of a user: (canonical name, created, expires) in Unix seconds.
pub(super) type Mint = Box<dyn Fn(&str, u64, u64) -> String + Send + Sync>;

/// One person as the pages know them.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) short_name: String,
    pub(super) display_name: String,
}

/// See the module.
pub(super) struct Pages {
    people: Vec<Person>,
    ids: Vec<String>,
    index: HashMap<String, usize>,
    mint: Mint,
}

impl Pages {
    pub(super) fn new(people: Vec<Person>, mint: Mint) -> Self {
        let ids: Vec<String> = people.iter().map(|person| person.id.clone()).collect();
        let index = ids.iter().cloned().enumerate().map(|(index, id)| (id, index)).collect();
        Self { people, ids, index, mint }
    }

    async fn answer(&self, request: Request<Incoming>, context: &RequestContext) -> Response<Body> {
        let me = context.identity.as_ref().and_then(|identity| self.index.get(&identity.user)).copied();
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/" | "/demo" | "/demo/") => mail("events", "", ""),
            (&Method::GET, "/demo/links") => mail("links", LINKS_HEAD, LINKS_BODY),
            (&Method::GET, "/demo/stproxy") => mail("stproxy", PROXY_HEAD, ""),
            (&Method::GET, "/demo/both") => old_page(include_str!("pages/both.html")),
            (&Method::GET, "/demo/mail.css") => file("text/css", include_str!("pages/mail.css")),
            (&Method::GET, "/demo/mail.js") => file("text/javascript", include_str!("pages/mail.js")),
            (&Method::GET, "/demo/events.js") => file("text/javascript", include_str!("pages/events.js")),
            (&Method::GET, "/demo/links.js") => file("text/javascript", include_str!("pages/links.js")),
            (&Method::GET, "/demo/links-start.js") => {
                file("text/javascript", include_str!("pages/links-start.js"))
            }
            (&Method::GET, "/demo/stproxy.js") => file("text/javascript", include_str!("pages/stproxy.js")),
            (&Method::GET, "/demo/people.js") => self.room(),
            (&Method::GET, "/demo/people.json") => self.people(),
            (&Method::GET, "/demo/me.json") => {
                data(&me.and_then(|index| self.people.get(index)).map_or(Value::Null, Person::json))
            }
            (&Method::GET, "/demo/inbox.json") => match me {
                Some(index) => data(&inbox::messages(&self.ids, index)),
                None => text(StatusCode::UNAUTHORIZED, "Nobody is logged in."),
            },
            (&Method::POST, "/demo/login") => self.log_in(request).await,
            (&Method::POST, "/demo/logout") => with_cookie(&format!("{COOKIE}=; Path=/; Max-Age=0")),
            _ => text(StatusCode::NOT_FOUND, "There is nothing here."),
        }
    }

    fn people(&self) -> Response<Body> {
        data(&Value::Array(self.people.iter().map(Person::json).collect()))
    }

    /// Variables for a page that knows no JSON.
    fn room(&self) -> Response<Body> {
        let people: Vec<Value> = self.people.iter().take(16).map(Person::json).collect();
        let script = format!(
            "var demoPeople = {};\nvar demoTopics = {};\n",
            Value::from(people),
            json!(inbox::subjects())
        );
        answer(StatusCode::OK, "text/javascript", script.into())
    }

    async fn log_in(&self, request: Request<Incoming>) -> Response<Body> {
        let body = Limited::new(request.into_body(), 4096).collect().await;
        let wanted: Option<Value> = body.ok().and_then(|body| serde_json::from_slice(&body.to_bytes()).ok());
        let id = wanted.as_ref().and_then(|wanted| wanted.get("id")?.as_str());
        let Some(id) = id.filter(|id| self.index.contains_key(*id)) else {
            return text(StatusCode::BAD_REQUEST, "Nobody here has that id.");
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let token = (self.mint)(id, now.as_secs(), (now + TOKEN_LIFE).as_secs());
        // No Secure: the same browser shall try the http page and the https page with one log-in.
        with_cookie(&format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax"))
    }
}

impl Person {
    fn json(&self) -> Value {
        json!({"id": self.id, "short_name": self.short_name, "display_name": self.display_name})
    }
}

impl Builtin for Pages {
    fn serve<'a>(
        &'a self,
        request: Request<Incoming>,
        context: &'a RequestContext,
    ) -> BoxFuture<'a, Response<Body>> {
        Box::pin(self.answer(request, context))
    }
}

/// The mail page with a family's scripts.
fn mail(family: &str, head: &str, body: &str) -> Response<Body> {
    let page = include_str!("pages/index.html")
        .replace("<!--family-->", family)
        .replace("<!--head-->", head)
        .replace("<!--body-->", body);
    policed(answer(StatusCode::OK, "text/html", page.into()), "")
}

/// A page as found in the wild has scripts between its tags.
fn old_page(content: &'static str) -> Response<Body> {
    policed(answer(StatusCode::OK, "text/html", content.into()), "script-src 'self' 'unsafe-inline'; ")
}

fn file(kind: &str, content: &'static str) -> Response<Body> {
    answer(StatusCode::OK, kind, Bytes::from_static(content.as_bytes()))
}

/// Nothing inline, nothing from elsewhere: what a careful mail server sends.
fn policed(mut response: Response<Body>, exception: &str) -> Response<Body> {
    let policy = format!(
        "{exception}default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn data(value: &Value) -> Response<Body> {
    answer(StatusCode::OK, "application/json", value.to_string().into())
}

fn text(status: StatusCode, text: &'static str) -> Response<Body> {
    answer(status, "text/plain", Bytes::from_static(text.as_bytes()))
}

fn with_cookie(cookie: &str) -> Response<Body> {
    let mut response = data(&json!({"ok": true}));
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn answer(status: StatusCode, kind: &str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(full(body));
    *response.status_mut() = status;
    let kind = HeaderValue::from_str(&format!("{kind}; charset=utf-8"));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static("text/plain")));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
