//! What a connection is doing and since when: the facts by which it is given up.
//!
//! The stream reports bytes, the request log reports requests; `http::serve` asks for the deadline. This costs a few
//! relaxed stores per request instead of a timer that is set and cleared each time.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Time that a byte gives back to a browser that reads slowly: below 500 bytes a second it is given up.
const MILLIS_PER_BYTE: u64 = 2;

/// How long a browser may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the first byte of a request head (or the begin of the connection) to its last.
    pub head: Duration,
    /// Between two requests, and for bytes that the browser does not take.
    pub idle: Duration,
}

/// What took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stall {
    Head,
    Idle,
    Write,
}

impl Stall {
    /// Word for the log.
    pub fn label(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Idle => "idle",
            Self::Write => "write",
        }
    }
}

/// Times are milliseconds since `start`, plus one, so that zero means "not".
#[derive(Debug)]
pub struct Progress {
    start: Instant,
    /// Requests whose answer is not complete.
    requests: AtomicU32,
    /// Whether bytes between two requests begin a request head. Not so in HTTP/2, where they may be
    /// pings and window updates.
    bytes_are_heads: AtomicBool,
    /// A head is being read since `since`; otherwise the connection is idle since then.
    head: AtomicBool,
    since: AtomicU64,
    /// The browser takes no bytes since.
    blocked: AtomicU64,
    /// Whether the browser has sent a byte.
    heard: AtomicBool,
    /// It had its time, and the connection is given up.
    given_up: AtomicBool,
}

impl Progress {
    /// Of a connection that begins now, and owes us its first request.
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
            requests: AtomicU32::new(0),
            bytes_are_heads: AtomicBool::new(true),
            head: AtomicBool::new(true),
            since: AtomicU64::new(1),
            blocked: AtomicU64::new(0),
            heard: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
        }
    }

    /// From now on bytes between requests mean nothing by themselves.
    pub fn speaks_http2(&self) {
        self.bytes_are_heads.store(false, Ordering::Relaxed);
    }

    /// The head of a request is complete.
    pub fn request_begins(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// The answer to a request is complete, or given up.
    pub fn request_ends(&self) {
        if self.requests.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.head.store(false, Ordering::Relaxed);
            self.since.store(self.now(), Ordering::Relaxed);
        }
    }

    /// The deadline has passed.
    pub fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Whether the connection is given up because the browser did not take what was there for it. One that leaves while
    /// something is on its way has not taken that either.
    pub fn has_stopped_reading(&self) -> bool {
        self.given_up.load(Ordering::Relaxed) && self.blocked.load(Ordering::Relaxed) != 0
    }

    /// Whether anything came from the browser.
    pub fn has_heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    /// When to give up if nothing changes; `None` while a request is being answered.
    pub fn deadline(&self, patience: Patience) -> Option<(Instant, Stall)> {
        let blocked = self.blocked.load(Ordering::Relaxed);
        if blocked != 0 {
            return Some((self.at(blocked) + patience.idle, Stall::Write));
        }
        if self.requests.load(Ordering::Relaxed) != 0 {
            return None;
        }
        let since = self.at(self.since.load(Ordering::Relaxed));
        Some(match self.head.load(Ordering::Relaxed) {
            true => (since + patience.head, Stall::Head),
            false => (since + patience.idle, Stall::Idle),
        })
    }

    /// Bytes came from the browser.
    pub(super) fn read(&self) {
        self.heard.store(true, Ordering::Relaxed);
        let begins_head = self.requests.load(Ordering::Relaxed) == 0
            && !self.head.load(Ordering::Relaxed)
            && self.bytes_are_heads.load(Ordering::Relaxed);
        if begins_head {
            self.head.store(true, Ordering::Relaxed);
            self.since.store(self.now(), Ordering::Relaxed);
        }
    }

    /// The browser's connection took so many bytes, or none. Each byte gives a little time back, so that taking one now
    /// and then is not reading.
    pub(super) fn wrote(&self, taken: Option<usize>) {
        let blocked = self.blocked.load(Ordering::Relaxed);
        match taken {
            None if blocked == 0 => self.blocked.store(self.now(), Ordering::Relaxed),
            Some(bytes) if blocked != 0 => {
                let back = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(MILLIS_PER_BYTE);
                let since = blocked.saturating_add(back);
                self.blocked.store(if since >= self.now() { 0 } else { since }, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    fn at(&self, stamp: u64) -> Instant {
        self.start + Duration::from_millis(stamp.saturating_sub(1))
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { head: Duration::from_secs(10), idle: Duration::from_secs(75) };

    fn left(progress: &Progress) -> Option<(u64, Stall)> {
        let (at, stall) = progress.deadline(PATIENCE)?;
        Some((at.duration_since(Instant::now()).as_secs(), stall))
    }

    #[tokio::test(start_paused = true)]
    async fn idle_and_head_have_limits_of_their_own() {
        let progress = Progress::new();
        assert_eq!(left(&progress), Some((10, Stall::Head)));
        tokio::time::advance(Duration::from_secs(4)).await;
        progress.read();
        assert_eq!(left(&progress), Some((6, Stall::Head)), "bytes do not renew the head's time");
        progress.request_begins();
        assert_eq!(left(&progress), None);
        progress.read();
        progress.request_ends();
        assert_eq!(left(&progress), Some((75, Stall::Idle)));
        tokio::time::advance(Duration::from_secs(5)).await;
        progress.read();
        assert_eq!(left(&progress), Some((10, Stall::Head)));
    }

    #[tokio::test(start_paused = true)]
    async fn http2_frames_between_requests_do_not_renew_idle_time() {
        let progress = Progress::new();
        progress.speaks_http2();
        progress.request_begins();
        progress.request_ends();
        tokio::time::advance(Duration::from_secs(5)).await;
        progress.read();
        assert_eq!(left(&progress), Some((70, Stall::Idle)));
    }

    #[test]
    fn who_leaves_while_something_is_on_its_way_has_not_stopped_reading() {
        let progress = Progress::new();
        progress.wrote(None);
        assert!(!progress.has_stopped_reading());
        progress.give_up();
        assert!(progress.has_stopped_reading());
        progress.wrote(Some(usize::MAX));
        assert!(!progress.has_stopped_reading(), "given up for something else");
    }

    #[tokio::test(start_paused = true)]
    async fn a_browser_that_does_not_read_is_given_up_even_during_an_answer() {
        let progress = Progress::new();
        progress.request_begins();
        progress.wrote(None);
        tokio::time::advance(Duration::from_secs(5)).await;
        progress.wrote(None);
        assert_eq!(left(&progress), Some((70, Stall::Write)));
        progress.wrote(Some(1_000));
        assert_eq!(left(&progress), Some((72, Stall::Write)), "two seconds for a thousand bytes");
        progress.wrote(Some(10_000));
        assert_eq!(left(&progress), None);
    }
}
