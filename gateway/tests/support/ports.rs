//! Ports for programs that cannot say which one the system gave them, and one where nobody answers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, unreachable_pub, reason = "every test program uses another part of it")]

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

/// Connections to it are refused: the discard port, which the system gives to nobody by itself. A port
/// that was free a moment ago may be another test's by now.
pub const CLOSED: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9);

/// A free port that the system gives to nobody else for a minute: a connection to it is in TIME-WAIT
/// (RFC 9293 3.3.2), and only who asks for this very port, with `SO_REUSEADDR`, gets it.
pub fn reserved() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let client = TcpStream::connect(address).unwrap();
    // Who closes first waits.
    drop(listener.accept().unwrap());
    drop(client);
    address
}
