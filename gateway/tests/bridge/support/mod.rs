//! What the tests are made of.

pub(crate) mod backend;
pub(crate) mod browser;
pub(crate) mod front;

use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};

pub(crate) use backend::{Backend, Peer};
pub(crate) use browser::Browser;
pub(crate) use front::{Front, Setting};

pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Nothing here takes that long unless it hangs.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("still waiting")
}

pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    within(async {
        while !condition() {
            sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// The value of a header in a raw head, whatever the case of its name.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    headers(head, name).into_iter().next()
}

pub(crate) fn headers<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .filter(|(theirs, _)| theirs.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .collect()
}
