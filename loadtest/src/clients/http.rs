//! As much of HTTP/1.1 as a page needs: the heads of answers (RFC 9112), and what they mean.

use super::wire::Wire;
use crate::measure::FailureKind;

const LONGEST_HEAD: usize = 16 << 10;
const LONGEST_BODY: usize = 1 << 20;

/// The head of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) chunked: bool,
    pub(super) length: Option<usize>,
    /// The server keeps the connection for the next request.
    pub(super) stays: bool,
    /// Names and values of cookies to keep (RFC 6265), without their attributes.
    pub(super) cookies: Vec<String>,
}

impl Head {
    /// Of an answer over HTTP/2, where lengths are the protocol's.
    pub(super) fn http2(head: &http::response::Parts) -> Self {
        let cookies = head.headers.get_all(http::header::SET_COOKIE).iter();
        let cookies = cookies.map(|cookie| cookie_of(&String::from_utf8_lossy(cookie.as_bytes())));
        Self {
            status: head.status.as_u16(),
            chunked: false,
            length: None,
            stays: true,
            cookies: cookies.collect(),
        }
    }
}

/// Name and value of what a server sets.
fn cookie_of(header: &str) -> String {
    header.split(';').next().unwrap_or_default().trim().to_owned()
}

/// Reads a head; `rest` is what came behind it.
pub(super) async fn read_head(wire: &mut Wire, rest: &mut Vec<u8>) -> Result<Head, FailureKind> {
    loop {
        if let Some((head, length)) = parse_head(rest)? {
            rest.drain(..length);
            return Ok(head);
        }
        if rest.len() > LONGEST_HEAD {
            return Err(FailureKind::BadAnswer);
        }
        if !wire.append(rest).await {
            return Err(FailureKind::Lost);
        }
    }
}

/// Reads what follows until the server closes.
pub(super) async fn read_to_end(wire: &mut Wire, body: &mut Vec<u8>) -> Result<(), FailureKind> {
    while wire.append(body).await {
        if body.len() > LONGEST_BODY {
            return Err(FailureKind::BadAnswer);
        }
    }
    Ok(())
}

/// What another status than the one hoped for means.
pub(super) fn failure_of(status: u16) -> FailureKind {
    match status {
        401 => FailureKind::LoginRefused,
        403 => FailureKind::OriginRefused,
        404 => FailureKind::NotThere,
        429 => FailureKind::TooManyPages,
        500..=599 => FailureKind::Unavailable,
        _ => FailureKind::BadAnswer,
    }
}

fn parse_head(bytes: &[u8]) -> Result<Option<(Head, usize)>, FailureKind> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(bytes) {
        Err(_) => Err(FailureKind::BadAnswer),
        Ok(httparse::Status::Partial) => Ok(None),
        Ok(httparse::Status::Complete(length)) => Ok(Some((head(&response), length))),
    }
}

fn head(response: &httparse::Response<'_, '_>) -> Head {
    let mut head = Head {
        status: response.code.unwrap_or(0),
        chunked: false,
        length: None,
        stays: response.version == Some(1),
        cookies: Vec::new(),
    };
    for header in response.headers.iter() {
        let value = str::from_utf8(header.value).unwrap_or_default().trim();
        match header.name.to_ascii_lowercase().as_str() {
            "transfer-encoding" => head.chunked = value.to_ascii_lowercase().ends_with("chunked"),
            "content-length" => head.length = value.parse().ok(),
            "connection" => head.stays = !value.eq_ignore_ascii_case("close"),
            "set-cookie" => head.cookies.push(cookie_of(value)),
            _ => {}
        }
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_found_when_they_are_whole() {
        let text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nSet-Cookie: sid=1; Path=/\r\n\r\n5\r\n";
        assert_eq!(parse_head(&text[..30]), Ok(None));
        let cookies = vec!["sid=1".to_owned()];
        let head = Head { status: 200, chunked: true, length: None, stays: true, cookies };
        assert_eq!(parse_head(text), Ok(Some((head, text.len() - 3))));
        let (head, _) = parse_head(b"HTTP/1.1 410 Gone\r\nContent-Length: 7\r\nConnection: close\r\n\r\n")
            .unwrap()
            .unwrap();
        assert_eq!((head.status, head.length, head.stays), (410, Some(7), false));
        assert_eq!(parse_head(b"SSH-2.0-x\r\n\r\n"), Err(FailureKind::BadAnswer));
    }
}
