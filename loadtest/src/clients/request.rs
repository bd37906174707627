//! A request of a page, for either version of HTTP.

use bytes::Bytes;

use super::dial::Way;
use crate::measure::FailureKind;

pub(super) struct Request {
    pub(super) method: &'static str,
    /// Below the target's own.
    pub(super) path: String,
    /// Without those that every request has, and those of the connection.
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Request {
    pub(super) fn new(method: &'static str, path: String) -> Self {
        Self { method, path, headers: Vec::new(), body: String::new() }
    }

    /// A header that is left out if it is empty.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        if !value.is_empty() {
            self.headers.push((name, value.to_owned()));
        }
        self
    }

    pub(super) fn saying(self, body: String) -> Self {
        Self { body, ..self }
    }

    fn has_length(&self) -> bool {
        self.method != "GET"
    }

    /// As HTTP/1.1.
    pub(super) fn text(&self, way: &Way) -> String {
        let Way { prefix, host, origin, .. } = way;
        let mut text = format!("{} {prefix}{} HTTP/1.1\r\n", self.method, self.path);
        let own = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        for (name, value) in [("Host", host.as_str()), ("Origin", origin)].into_iter().chain(own) {
            text.extend([name, ": ", value, "\r\n"]);
        }
        if self.has_length() {
            text.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        text.extend(["\r\n", &self.body]);
        text
    }

    /// As HTTP/2: its head, and the body.
    pub(super) fn http2(self, way: &Way) -> Result<(http::Request<()>, Bytes), FailureKind> {
        let Way { prefix, host, origin, .. } = way;
        let mut head = http::Request::builder()
            .method(self.method)
            .uri(format!("https://{host}{prefix}{}", self.path))
            .header("origin", origin);
        if self.has_length() {
            head = head.header("content-length", self.body.len());
        }
        for (name, value) in &self.headers {
            head = head.header(*name, value);
        }
        // A path or a cookie of a plan that no server could read.
        let head = head.body(()).map_err(|_| FailureKind::CommandRefused)?;
        Ok((head, self.body.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::dial::Dialer;
    use super::*;

    fn request(method: &'static str) -> Request {
        Request::new(method, "/x?y".to_owned()).with("Cookie", "a=1").with("Rtc4web-Nonce", "")
    }

    #[tokio::test]
    async fn both_versions_say_the_same() {
        let dialer = Dialer::new("https://127.0.0.1:81/st", None).await.unwrap();
        let way = dialer.way(true);
        assert_eq!(
            request("POST").saying("hi".to_owned()).text(way),
            "POST /st/x?y HTTP/1.1\r\nHost: 127.0.0.1:81\r\nOrigin: https://127.0.0.1:81\r\nCookie: a=1\r\n\
             Content-Length: 2\r\n\r\nhi"
        );
        let (head, body) = request("POST").saying("hi".to_owned()).http2(way).unwrap();
        assert_eq!((head.uri().to_string().as_str(), &body[..]), ("https://127.0.0.1:81/st/x?y", &b"hi"[..]));
        let headers: Vec<_> = head.headers().iter().map(|(name, value)| (name.as_str(), value)).collect();
        assert_eq!(headers.len(), 3);
        assert_eq!((headers[0].0, headers[2]), ("origin", ("cookie", &"a=1".try_into().unwrap())));
        assert!(!request("GET").text(way).contains("Content-Length"));
        let broken = Request::new("GET", "/".to_owned()).with("Cookie", "a\n");
        assert_eq!(broken.http2(way).err(), Some(FailureKind::CommandRefused));
    }
}
