//! WebSockets through a proxy: after the upgrade a proxy only copies bytes, so these are 64 bytes there and back.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::step::Outcome;

const MESSAGE: [u8; 64] = [b'm'; 64];
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that agrees to every upgrade and sends back what it gets.
pub(super) fn echo() -> Result<SocketAddr, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let small = thread::Builder::new().stack_size(64 << 10);
            drop(small.spawn(move || serve(stream)));
        }
    });
    Ok(address)
}

fn serve(mut stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    head(&mut stream)?;
    let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    stream.write_all(answer.as_bytes()).ok()?;
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        stream.write_all(buffer.get(..read)?).ok()?;
    }
}

/// Tunnels through the proxy, each with its handshake done.
pub(super) fn open(proxy: SocketAddr, count: usize) -> Result<Vec<TcpStream>, String> {
    let open = || -> Option<TcpStream> {
        let mut stream = TcpStream::connect(proxy).ok()?;
        stream.set_nodelay(true).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let request = "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        stream.write_all(request.as_bytes()).ok()?;
        head(&mut stream)?.starts_with(b"HTTP/1.1 101").then_some(stream)
    };
    (0..count).map(|_| open().ok_or_else(|| format!("{proxy} does not relay a WebSocket"))).collect()
}

/// One message there and back, that many times, on all tunnels at once.
pub(super) fn talk(tunnels: Vec<TcpStream>, turns: usize) -> Outcome {
    let talkers: Vec<_> = tunnels
        .into_iter()
        .map(|mut tunnel| {
            thread::spawn(move || -> std::io::Result<()> {
                let mut back = [0; MESSAGE.len()];
                for _ in 0..turns {
                    tunnel.write_all(&MESSAGE)?;
                    tunnel.read_exact(&mut back)?;
                }
                Ok(())
            })
        })
        .collect();
    for talker in talkers {
        match talker.join() {
            Ok(result) => result.map_err(|error| format!("a tunnel broke: {error}"))?,
            Err(_) => return Err("a talker panicked".to_owned()),
        }
    }
    Ok(())
}

fn head(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    Some(head)
}
