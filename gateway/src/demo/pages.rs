//! The demo's mail page, its people, and its log-in, which hands out a real Domino-format LtpaToken.

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
            (&Method::GET, "/" | "/demo" | "/demo/") => file("text/html", include_str!("pages/index.html")),
            (&Method::GET, "/demo/mail.css") => file("text/css", include_str!("pages/mail.css")),
            (&Method::GET, "/demo/mail.js") => file("text/javascript", include_str!("pages/mail.js")),
            (&Method::GET, "/demo/names.js") => file("text/javascript", include_str!("pages/names.js")),
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

fn file(kind: &str, content: &'static str) -> Response<Body> {
    let mut response = answer(StatusCode::OK, kind, Bytes::from_static(content.as_bytes()));
    // Nothing inline, nothing from elsewhere: what a careful mail server sends.
    let policy =
        "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; frame-ancestors 'none'";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
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
