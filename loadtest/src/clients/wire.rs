//! One connection, plain or TLS, that is read into a buffer which all connections of a thread share.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::measure::FailureKind;

const SHARED: usize = 64 << 10;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; SHARED]);
}

pub(super) enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    /// Reads once and hands what came to `take`; `None` is the end of the stream.
    pub(super) fn poll_take<T>(
        &mut self,
        context: &mut Context<'_>,
        take: impl FnOnce(&[u8]) -> T,
    ) -> Poll<Option<T>> {
        BUFFER.with_borrow_mut(|buffer| {
            let mut free = ReadBuf::new(buffer);
            let read: Poll<io::Result<()>> = match self {
                Self::Plain(stream) => Pin::new(stream).poll_read(context, &mut free),
                Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, &mut free),
            };
            match read {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Err(_)) => Poll::Ready(None),
                Poll::Ready(Ok(())) if free.filled().is_empty() => Poll::Ready(None),
                Poll::Ready(Ok(())) => Poll::Ready(Some(take(free.filled()))),
            }
        })
    }

    /// Reads once and appends; `false` at the end of the stream.
    pub(super) async fn append(&mut self, bytes: &mut Vec<u8>) -> bool {
        let append =
            |context: &mut Context<'_>| self.poll_take(context, |read| bytes.extend_from_slice(read));
        std::future::poll_fn(append).await.is_some()
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), FailureKind> {
        let written = match self {
            Self::Plain(stream) => stream.write_all(bytes).await,
            Self::Tls(stream) => match stream.write_all(bytes).await {
                Ok(()) => stream.flush().await,
                Err(error) => Err(error),
            },
        };
        written.map_err(|_| FailureKind::Lost)
    }
}
