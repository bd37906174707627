//! A Sametime page with everything in it that browsers refuse when schemes are mixed: style sheets, scripts,
//! pictures, a frame, XMLHttpRequest and fetch, each by an absolute URL of this server, in all the spellings that
//! Sametime's own pages use (browser-side.md 1.4). Also a page of another host that uses them.
//!
//! `window.outcome` of both pages says `works`, or what has failed.

use hyper::body::Incoming;
use hyper::header::{
    ALLOW, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HOST, HeaderName, ORIGIN, REFERER, SET_COOKIE,
};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::json;

use super::pages::{Pieces, with};

/// One grey point.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\nIDATx\x9cch\0\0\0\x82\0\x81w\xcdr\xb6\0\0\0\0IEND\xaeB`\x82";

/// `name` is what follows after `/sametime/mixed/`, `origin` what the server calls itself.
pub(super) fn answer(name: &str, request: &Request<Incoming>, origin: &str) -> Response<Pieces> {
    match name {
        "page.html" => page(origin),
        "frame.html" => text("text/html", "<!DOCTYPE html><script>parent.postMessage('here', '*')</script>"),
        "visitor.html" => text("text/html", include_str!("visitor.html")),
        "script.js" => text("text/javascript", &named(include_str!("script.js"), origin)),
        "visited.js" => text("text/javascript", "window.visited = true;\n"),
        "style.css" => text("text/css", &named(STYLE, origin)),
        "more.css" => text("text/css", "#styled { height: 13px }\n"),
        "names.json" => text("application/json", &named(NAMES, origin)),
        "who.json" => text("application/json", &seen(request).to_string()),
        "checked" => checked(request),
        "picture.png" => with(StatusCode::OK, &[(CONTENT_TYPE.as_str(), "image/png")], PICTURE),
        _ => with(StatusCode::NOT_FOUND, &[], b"no such page\n"),
    }
}

const STYLE: &str = "@import url(\"{origin}/sametime/mixed/more.css\");\n\
    #styled { width: 11px; background: url({origin}/sametime/mixed/picture.png?css) }\n";

const NAMES: &str = "{\"picture\":\"{escaped}\\/sametime\\/mixed\\/picture.png?json\"}\n";

const PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Sametime</title><link rel=\"icon\" href=\"data:,\">\n\
    <link rel=\"stylesheet\" href=\"{origin}/sametime/mixed/style.css\">\n\
    <script>var base = \"{escaped}\\/sametime\";</script>\n\
    <script src=\"{origin}/sametime/mixed/script.js\"></script></head>\n\
    <body><div id=\"styled\"></div><img id=\"picture\" alt=\"\" src=\"{origin}/sametime/mixed/picture.png\">\n\
    <iframe src=\"{origin}/sametime/mixed/frame.html\"></iframe>\n\
    <a href=\"{origin}/redirect?to={encoded}%2Fsametime%2F\">on</a></body></html>\n";

/// The spellings of the server's own origin put in.
fn named(template: &str, origin: &str) -> String {
    template
        .replace("{origin}", origin)
        .replace("{escaped}", &origin.replace('/', "\\/"))
        .replace("{encoded}", &origin.replace(':', "%3A").replace('/', "%2F"))
}

/// Its policy allows nothing but this server, by name.
fn page(origin: &str) -> Response<Pieces> {
    let policy = format!(
        "default-src 'none'; script-src {origin} 'unsafe-inline'; style-src {origin}; img-src {origin} data:; \
         connect-src {origin}; frame-src {origin}"
    );
    let flags = if origin.starts_with("https:") { "; Secure; SameSite=None" } else { "" };
    let cookie = format!("STMixed=kept; Path=/sametime; HttpOnly{flags}");
    let headers = [
        (CONTENT_TYPE.as_str(), "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY.as_str(), &policy),
        (SET_COOKIE.as_str(), &cookie),
    ];
    with(StatusCode::OK, &headers, named(PAGE, origin).as_bytes())
}

/// What the browser sent along.
fn seen(request: &Request<Incoming>) -> serde_json::Value {
    let header = |name: HeaderName| {
        let value = request.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
        value.unwrap_or_default().into_owned()
    };
    json!({ "cookie": header(COOKIE), "origin": header(ORIGIN), "referer": header(REFERER) })
}

/// A service that takes requests of its own pages only, known by the host that it is asked for, and that knows
/// nothing of preflights.
fn checked(request: &Request<Incoming>) -> Response<Pieces> {
    if request.method() != Method::POST {
        return with(StatusCode::METHOD_NOT_ALLOWED, &[(ALLOW.as_str(), "POST")], b"");
    }
    let seen = seen(request);
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let own = |key: &str| {
        let url = seen.get(key).and_then(|value| value.as_str()).and_then(|url| url.split_once("://"));
        url.is_some_and(|(_, rest)| rest.split('/').next() == Some(host))
    };
    let status = if own("origin") && own("referer") { StatusCode::OK } else { StatusCode::FORBIDDEN };
    let headers = [(CONTENT_TYPE.as_str(), "application/json"), ("x-csrf-token", "next")];
    with(status, &headers, seen.to_string().as_bytes())
}

fn text(kind: &str, body: &str) -> Response<Pieces> {
    let kind = format!("{kind}; charset=utf-8");
    with(StatusCode::OK, &[(CONTENT_TYPE.as_str(), &kind)], body.as_bytes())
}
