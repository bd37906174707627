//! A connection after its upgrade: the bare stream, and no buffer while nothing is under way.
//!
//! All sockets of a thread read into one buffer and collect what they write in another; only what the
//! browser does not take at once is kept with its socket.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::{Admitted, Downstream, Stream};

const READ: usize = 64 << 10;

thread_local! {
    static READING: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into_boxed_slice());
}

/// See the module. The connection counts as open as long as this exists.
pub(super) struct Socket {
    stream: Stream,
    _admitted: Admitted,
    unsent: Unsent,
}

/// What the browser has not taken.
#[derive(Default)]
struct Unsent {
    bytes: Vec<u8>,
    /// How many of them it has taken.
    taken: usize,
    /// TLS holds bytes back.
    unflushed: bool,
}

impl Socket {
    /// The socket, and bytes that came along with the handshake. `None` for a connection that is not ours.
    pub(super) fn new(upgraded: Upgraded) -> Option<(Self, Vec<u8>)> {
        let parts = upgraded.downcast::<TokioIo<Downstream>>().ok()?;
        let (stream, admitted) = parts.io.into_inner().into_parts();
        Some((Self { stream, _admitted: admitted, unsent: Unsent::default() }, parts.read_buf.into()))
    }

    /// Reads once and hands over what came; `None` once the browser sends nothing any more.
    pub(super) fn poll_read<T>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&mut [u8]) -> T,
    ) -> Poll<Option<T>> {
        // What is done with the bytes reads from no other socket, so the buffer is never borrowed twice.
        READING.with_borrow_mut(|buffer| {
            let mut free = ReadBuf::new(buffer);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut free));
            let bytes = free.filled_mut();
            Poll::Ready((read.is_ok() && !bytes.is_empty()).then(|| take(bytes)))
        })
    }

    /// Gives the bytes to the system, behind those that wait already, and keeps what it does not take.
    pub(super) fn send(&mut self, cx: &mut Context<'_>, mut bytes: &[u8]) -> io::Result<()> {
        let is_tls = matches!(self.stream, Stream::Tls(_));
        while self.unsent.bytes.is_empty() && !bytes.is_empty() {
            match Pin::new(&mut self.stream).poll_write(cx, bytes)? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Poll::Pending => break,
            }
            self.unsent.unflushed = is_tls;
        }
        self.unsent.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Whether the browser has taken everything.
    pub(super) fn is_clear(&self) -> bool {
        self.unsent.bytes.is_empty() && !self.unsent.unflushed
    }

    /// Ready once the browser has taken everything.
    pub(super) fn poll_clear(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Unsent { bytes, taken, unflushed } = &mut self.unsent;
        while let Some(rest) = bytes.get(*taken..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => *taken += written,
            }
            *unflushed = matches!(self.stream, Stream::Tls(_));
        }
        if !bytes.is_empty() {
            (*bytes, *taken) = (Vec::new(), 0);
        }
        if *unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            *unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// No more bytes to the browser after those that are on their way.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_clear(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
