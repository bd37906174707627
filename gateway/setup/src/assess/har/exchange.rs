//! One request and its answer, reduced to what the checks need.

use serde::{Deserialize, Deserializer};

use super::address::{Address, Origin};

/// Headers of one answer that are looked at: the rest is skipped.
const MOST_HEADERS: usize = 200;

/// A request and its answer. Nothing in it can log anybody in.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// Its place in the recording, from 1.
    pub number: u64,
    pub url: Address,
    /// Where the page came from that asked.
    pub page: Option<Origin>,
    pub kind: Kind,
    /// The request's method is OPTIONS: a browser asks whether it may.
    pub preflight: bool,
    /// The `Origin` that the browser named.
    pub origin: Option<Origin>,
    /// 0 where the browser got or allowed no answer.
    pub status: u16,
    /// The browser's name for what went wrong, such as `net::ERR_CERT_AUTHORITY_INVALID`.
    pub error: Option<String>,
    pub location: Option<Address>,
    pub cookies: Vec<SetCookie>,
    pub allowed: Option<Allowed>,
    pub allows_credentials: bool,
    /// Content security policies, sources and all.
    pub policies: Vec<String>,
    /// Whether the recording shows any cookie of the request.
    pub shows_cookies: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An HTML page.
    Document,
    /// Asked for by a script.
    Script,
    /// Anything else.
    Other,
}

/// Who may read an answer across origins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    Everybody,
    One(Origin),
    Other,
}

/// A cookie that was set, without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetCookie {
    pub name: &'static str,
    /// In lower case, without a leading dot; none = this host only.
    pub domain: Option<String>,
    pub secure: bool,
    pub http_only: bool,
    /// `SameSite` in lower case.
    pub same_site: Option<&'static str>,
}

/// Cookies that carry a login of mail or Sametime.
const LOGIN_COOKIES: [&str; 4] = ["LtpaToken", "LtpaToken2", "DomAuthSessId", "sametimeJwt"];

impl SetCookie {
    /// Takes a `Set-Cookie` header apart; none for cookies that log nobody in.
    fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split(';').map(str::trim);
        let name = parts.next()?.split('=').next()?.trim();
        let name = LOGIN_COOKIES.into_iter().find(|known| *known == name)?;
        let mut cookie = Self { name, domain: None, secure: false, http_only: false, same_site: None };
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match key.trim().to_ascii_lowercase().as_str() {
                "domain" => {
                    let domain = value.trim().trim_start_matches('.').to_ascii_lowercase();
                    let plain = domain.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
                    cookie.domain = (plain && domain.len() < 254 && !domain.is_empty()).then_some(domain);
                }
                "secure" => cookie.secure = true,
                "httponly" => cookie.http_only = true,
                "samesite" => {
                    let known = ["none", "lax", "strict"];
                    cookie.same_site = known.into_iter().find(|one| one.eq_ignore_ascii_case(value.trim()));
                }
                _ => {}
            }
        }
        Some(cookie)
    }
}

/// A page of the recording. Chrome writes its URL as the title.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) id: String,
    pub(super) origin: Option<Origin>,
}

impl<'de> Deserialize<'de> for Page {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Shape {
            #[serde(default)]
            id: String,
            #[serde(default)]
            title: String,
        }
        let Shape { mut id, title } = Shape::deserialize(json)?;
        if id.len() > 200 {
            id.clear();
        }
        Ok(Self { id, origin: Address::parse(&title).map(|address| address.origin) })
    }
}

/// An entry as the file has it, already without what is not needed.
#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    #[serde(default, rename = "pageref")]
    pub(super) page: Option<String>,
    #[serde(default, rename = "_resourceType")]
    resource: Option<String>,
    request: Request,
    #[serde(default)]
    response: Response,
}

#[derive(Debug, Deserialize)]
struct Request {
    #[serde(default)]
    method: String,
    url: String,
    #[serde(default)]
    headers: Headers,
}

#[derive(Debug, Default, Deserialize)]
struct Response {
    #[serde(default)]
    status: i64,
    #[serde(default)]
    headers: Headers,
    #[serde(default)]
    content: Content,
    #[serde(default, rename = "_error")]
    error: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Content {
    #[serde(default, rename = "mimeType")]
    mime: String,
}

impl Entry {
    /// None for what is not asked over http: `data:`, `blob:`, extensions.
    pub(super) fn exchange(self, number: u64, page: Option<Origin>) -> Option<Exchange> {
        let url = Address::parse(&self.request.url)?;
        let (asked, answered) = (self.request.headers, self.response.headers);
        let html = self.response.content.mime.starts_with("text/html");
        let kind = match self.resource.as_deref() {
            Some("document") => Kind::Document,
            Some("xhr" | "fetch" | "preflight" | "websocket" | "eventsource") => Kind::Script,
            Some(_) => Kind::Other,
            None if html => Kind::Document,
            None if asked.origin.is_some() => Kind::Script,
            None => Kind::Other,
        };
        let known = |error: &String| {
            error.len() < 60
                && error
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"net:_".contains(&b))
        };
        Some(Exchange {
            number,
            page: asked.referer.or(page),
            kind,
            preflight: self.request.method.eq_ignore_ascii_case("OPTIONS"),
            origin: asked.origin,
            status: u16::try_from(self.response.status).unwrap_or(0),
            error: self.response.error.filter(known),
            location: answered.location.and_then(|location| url.join(&location)),
            cookies: answered.cookies,
            allowed: answered.allowed,
            allows_credentials: answered.allows_credentials,
            policies: answered.policies,
            shows_cookies: asked.cookie,
            url,
        })
    }
}

/// The headers that matter, of request or answer.
#[derive(Debug, Default)]
struct Headers {
    origin: Option<Origin>,
    referer: Option<Origin>,
    cookie: bool,
    location: Option<String>,
    cookies: Vec<SetCookie>,
    allowed: Option<Allowed>,
    allows_credentials: bool,
    policies: Vec<String>,
}

impl Headers {
    fn take(&mut self, name: &str, value: String) {
        let origin = || Address::parse(&value).map(|address| address.origin);
        match name.to_ascii_lowercase().as_str() {
            "origin" => self.origin = origin(),
            "referer" => self.referer = origin(),
            "cookie" => self.cookie = true,
            "location" => self.location = Some(value),
            // Some browsers write all cookies of an answer into one entry, a line each.
            "set-cookie" => self.cookies.extend(value.lines().take(20).filter_map(SetCookie::parse)),
            "access-control-allow-origin" => {
                self.allowed = Some(match origin() {
                    Some(origin) => Allowed::One(origin),
                    None if value.trim() == "*" => Allowed::Everybody,
                    None => Allowed::Other,
                });
            }
            "access-control-allow-credentials" => self.allows_credentials = value.trim() == "true",
            "content-security-policy" if self.policies.len() < 8 => self.policies.push(value),
            _ => {}
        }
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_seq(Rows)
    }
}

struct Rows;

impl<'de> serde::de::Visitor<'de> for Rows {
    type Value = Headers;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of headers")
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Headers, A::Error> {
        #[derive(Deserialize)]
        struct Row {
            name: String,
            #[serde(default)]
            value: String,
        }
        let mut headers = Headers::default();
        let mut count = 0;
        while let Some(Row { name, value }) = list.next_element()? {
            count += 1;
            if count <= MOST_HEADERS {
                headers.take(&name, value);
            }
        }
        Ok(headers)
    }
}
