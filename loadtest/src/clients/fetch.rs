//! One page and nothing else.

use super::dial::Dialer;
use super::{http, poll};
use crate::measure::FailureKind;

/// The body at the dialer's URL, on a connection of its own.
pub async fn fetch(dialer: &Dialer) -> Result<Vec<u8>, FailureKind> {
    let way = dialer.way(false);
    let mut wire = way.dial(None).await?;
    let path = if way.prefix.is_empty() { "/" } else { &way.prefix };
    let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", way.host);
    wire.write(request.as_bytes()).await?;
    let (head, body) = poll::answer(&mut wire).await?;
    if head.status == 200 { Ok(body) } else { Err(http::failure_of(head.status)) }
}
