//! Lets the system find out when the other side has vanished without a word: power cut, pulled cable, a firewall
//! that forgot. Without it an idle tunnel or a poll that nobody awaits would be kept for ever, with its place.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// Silence before the first question, between questions, and how many may stay unanswered: two minutes in all.
const PROBES: (Duration, Duration, u32) = (Duration::from_secs(60), Duration::from_secs(15), 4);

/// On a listener it holds for every connection that is accepted from it (tcp(7)).
pub(super) fn watch_over(socket: &impl AsFd) -> io::Result<()> {
    let (time, interval, retries) = PROBES;
    let probes = TcpKeepalive::new().with_time(time).with_interval(interval).with_retries(retries);
    SockRef::from(socket).set_tcp_keepalive(&probes)
}

/// Whether somebody watches over it, as was asked for above.
#[cfg(test)]
pub(super) fn is_watched_over(socket: &impl AsFd) -> bool {
    let socket = SockRef::from(socket);
    let (time, interval, retries) = PROBES;
    socket.keepalive().unwrap()
        && socket.tcp_keepalive_time().unwrap() == time
        && socket.tcp_keepalive_interval().unwrap() == interval
        && socket.tcp_keepalive_retries().unwrap() == retries
}
