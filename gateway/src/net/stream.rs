//! A browser's connection as one type, plain or TLS, that counts as open as long as it exists.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
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
    /// Makes the close, which follows, throw away what the browser has not read.
    fn reset(&self) -> io::Error {
        let socket = match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        };
        socket.set_zero_linger().err().unwrap_or_else(|| io::ErrorKind::TimedOut.into())
    }
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
        if this.progress.is_given_up() {
            return Poll::Ready(Err(this.stream.reset()));
        }
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
        if this.progress.is_given_up() {
            return Poll::Ready(Err(this.stream.reset()));
        }
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

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.flushed(polled.is_ready());
        polled
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
