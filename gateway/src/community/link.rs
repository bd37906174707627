//! The transport of one upstream login: plain or TLS, read and written without either side waiting for the
//! other.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use bytes::{Buf, Bytes};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::servers::Endpoint;
use crate::config::Community;
use crate::net::{DialError, Target, dial, dial_tls};

/// Idle logins are many; their read buffer is small.
const READ_BUFFER: usize = 4 << 10;
/// A server that takes nothing for so long is gone.
const WRITE_LIMIT: Duration = Duration::from_secs(30);
/// What the last words may take.
const GOOD_BYE: Duration = Duration::from_secs(5);
/// After so much silence the system asks whether the other side still exists, then so often and so many
/// times.
const PROBES: (Duration, Duration, u32) = (Duration::from_secs(60), Duration::from_secs(15), 4);

trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}

/// See the module.
pub(super) struct Link {
    reader: ReadHalf<Box<dyn Transport>>,
    writer: WriteHalf<Box<dyn Transport>>,
    buffer: Box<[u8]>,
    pending: Bytes,
    /// TLS may still hold bytes that were written.
    unflushed: bool,
    write_deadline: Instant,
}

/// What happened on the link.
pub(super) enum Happened {
    /// So many bytes are in the buffer.
    Read(usize),
    Wrote,
    /// The other side has closed, or the network is gone.
    Ended,
}

impl Link {
    pub(super) async fn connect(
        community: &Community,
        endpoint: &Endpoint,
        source: Option<IpAddr>,
    ) -> Result<Self, DialError> {
        let limit = community.tuning.connect_timeout;
        let target = Target { host: &endpoint.host, port: endpoint.port, source, limit };
        let transport: Box<dyn Transport> = match &community.tls {
            None => {
                let stream = dial(target).await?;
                watch_over(&stream);
                Box::new(stream)
            }
            Some(tls) => {
                let stream = dial_tls(target, tls.server_name.as_deref(), &tls.client).await?;
                watch_over(stream.get_ref().0);
                Box::new(stream)
            }
        };
        let (reader, writer) = tokio::io::split(transport);
        let buffer = vec![0; READ_BUFFER].into_boxed_slice();
        let (pending, write_deadline) = (Bytes::new(), Instant::now());
        Ok(Self { reader, writer, buffer, pending, unflushed: false, write_deadline })
    }

    /// Whether everything given to [`Self::send`] is on its way; only then may more be given.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    pub(super) fn send(&mut self, bytes: Bytes) {
        self.pending = bytes;
        self.write_deadline = Instant::now() + WRITE_LIMIT;
    }

    /// Reads or writes, whichever can go on. Cancel safe.
    pub(super) async fn progress(&mut self) -> Happened {
        let Self { reader, writer, buffer, pending, unflushed, write_deadline } = self;
        let writing = !pending.is_empty();
        let flushing = !writing && *unflushed;
        let write =
            async { if writing { writer.write(pending).await } else { writer.flush().await.map(|()| 0) } };
        tokio::select! {
            read = reader.read(buffer) => match read {
                Ok(count) if count > 0 => Happened::Read(count),
                _ => Happened::Ended,
            },
            written = write, if writing || flushing => match written {
                Ok(0) if writing => Happened::Ended,
                Ok(count) => {
                    pending.advance(count);
                    *unflushed = writing;
                    *write_deadline = Instant::now() + WRITE_LIMIT;
                    Happened::Wrote
                }
                Err(_) => Happened::Ended,
            },
            () = tokio::time::sleep_until(*write_deadline), if writing || flushing => Happened::Ended,
        }
    }

    /// What was read, after [`Happened::Read`].
    pub(super) fn read(&self, count: usize) -> &[u8] {
        self.buffer.get(..count).unwrap_or_default()
    }

    /// Writes the last words and closes, within a few seconds.
    pub(super) async fn finish(mut self, last: Bytes) {
        let farewell = async {
            self.writer.write_all(&self.pending).await?;
            self.writer.write_all(&last).await?;
            self.writer.shutdown().await
        };
        // Nobody is left to tell if it does not arrive.
        let _: Result<io::Result<()>, _> = tokio::time::timeout(GOOD_BYE, farewell).await;
    }
}

/// Lets the system find out when the other side has vanished without a word (vp-wire.md 11.3).
fn watch_over(stream: &TcpStream) {
    let (time, interval, retries) = PROBES;
    let probes = TcpKeepalive::new().with_time(time).with_interval(interval).with_retries(retries);
    if let Err(error) = SockRef::from(stream).set_tcp_keepalive(&probes) {
        tracing::debug!(%error, "a vanished server will be noticed late");
    }
}
