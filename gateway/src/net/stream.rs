//! A browser's connection as one type, plain or TLS, that counts as open as long as it exists.
//!
//! It ends in one of two ways. Shut down, it has waited until the browser took everything. Dropped before that, it is
//! reset: the system would go on for minutes to offer what it had taken to somebody who does not read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::event::{PollFd, PollFlags, Timespec};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::{Admitted, Progress};

/// The bytes of a connection.
#[derive(Debug)]
pub enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection with its place in the admission count. After an upgrade it is what
/// `Upgraded::downcast` gives back (inside `TokioIo`).
#[derive(Debug)]
pub struct Downstream {
    stream: Stream,
    progress: Arc<Progress>,
    admitted: Admitted,
}

impl Downstream {
    pub fn new(stream: Stream, progress: Arc<Progress>, admitted: Admitted) -> Self {
        Self { stream, progress, admitted }
    }

    /// The bare stream; keep the second value as long as the connection is open.
    pub fn into_parts(self) -> (Stream, Admitted) {
        (self.stream, self.admitted)
    }

    /// Only TLS holds bytes back; a plain stream's flush says nothing about the browser.
    fn flushed(&self, done: bool) {
        if matches!(self.stream, Stream::Tls(_)) {
            self.progress.wrote(done.then_some(usize::MAX));
        }
    }
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }

    /// Waits until the system has sent everything that it was given.
    fn poll_taken(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.socket();
        loop {
            ready!(socket.poll_write_ready(cx))?;
            let taken = || if has_unsent(socket) { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) };
            match socket.try_io(Interest::WRITABLE, taken) {
                // The system tells when there is nothing unsent any more.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let socket = self.socket();
        if has_unsent(socket) {
            // Without it the bytes are sent in the background, which is the lesser evil.
            let _ = socket.set_zero_linger();
        }
    }
}

/// Whether the system holds bytes for which the other side has left no room. The socket is at its end: the mark below
/// is in the way of long answers.
fn has_unsent(socket: &TcpStream) -> bool {
    // A socket with so many unsent bytes or more is not writable; one that was shut down always is.
    if SockRef::from(socket).set_tcp_notsent_lowat(1).is_err() {
        return false;
    }
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    matches!(rustix::event::poll(&mut [PollFd::new(socket, PollFlags::OUT)], Some(&at_once)), Ok(0))
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl AsyncRead for Downstream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            this.progress.read();
        }
        polled
    }
}

impl AsyncWrite for Downstream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.progress.wrote(taken(&polled, bytes.len()));
        polled
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.progress.wrote(taken(&polled, slices.iter().map(|slice| slice.len()).sum()));
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_flush(cx);
        this.flushed(polled.is_ready());
        polled
    }

    /// Once the browser has taken everything; one that does not read is given up meanwhile.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut *this).poll_flush(cx))?;
        let taken = this.stream.poll_taken(cx);
        this.progress.wrote(taken.is_ready().then_some(usize::MAX));
        ready!(taken)?;
        Pin::new(&mut this.stream).poll_shutdown(cx)
    }
}

/// What a write says about the browser. Everything that was offered is the end of any wait.
fn taken(polled: &Poll<io::Result<usize>>, offered: usize) -> Option<usize> {
    match polled {
        Poll::Ready(Ok(written)) if *written < offered => Some(*written),
        Poll::Ready(_) => Some(usize::MAX),
        Poll::Pending => None,
    }
}
