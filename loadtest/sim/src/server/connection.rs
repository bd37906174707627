//! One connection: the only task that touches its socket.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use protocol::vp::server::{Closed, Config};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::debug;

use super::session::{Place, Session};
use super::switchboard::{LineEnd, Switchboard};

/// Output above this stops reading and taking effects until the peer has read some.
const HIGH_WATER: usize = 256 * 1024;
/// Effects said before the loop looks elsewhere.
const BATCH: usize = 256;
/// Bytes read at a time.
const READ: usize = 16 * 1024;

/// How long the last word may take to reach a peer that is still talking.
const LINGER: Duration = Duration::from_secs(2);

/// Why a connection ended.
#[derive(Debug, Error)]
pub(super) enum Ended {
    /// The session did.
    #[error("session: {}", .0.kind())]
    Session(Closed),
    /// Cut off from outside.
    #[error("cut off")]
    Cut,
    /// More waited for the peer than may.
    #[error("the peer does not read: its queue is full")]
    QueueFull,
    /// Half a frame was ordered.
    #[error("half a frame was ordered")]
    HalfAFrame,
    /// Something waited too long for the peer to read it.
    #[error("the peer does not read")]
    NotReading,
    /// The socket failed.
    #[error("socket: {0}")]
    Socket(#[from] io::Error),
}

/// Serves a connection until it ends. Inputs: what the client sends, what the community tells, time,
/// and the wish that it stalls or goes.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Send,
    mut line: LineEnd,
    board: Arc<Switchboard>,
    place: Place,
    config: Config,
    write_limit: Duration,
) -> Ended {
    let mut session = Session::new(config, board.clone(), place, line.login);
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut input = BytesMut::new();
    let mut output = BytesMut::new();
    // TLS may keep what it was given until it is told to flush.
    let mut unflushed = false;
    let mut progress = Instant::now();
    loop {
        if output.is_empty() && !unflushed {
            progress = Instant::now();
        }
        let was_empty = output.is_empty();
        output.extend_from_slice(&session.output());
        if was_empty && output.len() > 4 && board.take_half_a_frame() {
            return half_a_frame(&mut writer, output).await;
        }
        if let (Some(closed), true) = (session.closed().cloned(), output.is_empty() && !unflushed) {
            part(&mut reader, &mut writer).await;
            return Ended::Session(closed);
        }
        let (open, stalled) = (session.closed().is_none(), *line.stalled.borrow_and_update());
        let waiting = unflushed || !output.is_empty();
        let room = open && !stalled && output.len() < HIGH_WATER;
        let wake = session.next_wake().map(|wake| Instant::now() + wake.saturating_sub(board.now()));
        let wake = async {
            match wake {
                Some(wake) => sleep_until(wake).await,
                None => pending().await,
            }
        };
        input.reserve(READ);
        tokio::select! {
            () = line.cut.cancelled() => {
                return if line.full.load(Ordering::Relaxed) { Ended::QueueFull } else { Ended::Cut };
            }
            changed = line.stalled.changed() => {
                if changed.is_err() {
                    return Ended::Cut;
                }
            }
            read = reader.read_buf(&mut input), if room => match read {
                Ok(0) => session.hung_up(),
                Ok(_) => session.receive(&input.split()),
                Err(error) => return Ended::Socket(error),
            },
            effect = line.effects.recv(), if room => {
                let Some(effect) = effect else { return Ended::Cut };
                session.tell(effect);
                for _ in 1..BATCH {
                    let Ok(effect) = line.effects.try_recv() else { break };
                    session.tell(effect);
                }
            }
            written = write_some(&mut writer, &output), if waiting && !stalled => match written {
                Ok(count) => {
                    unflushed = count > 0;
                    output.advance(count);
                    progress = Instant::now();
                }
                Err(error) => return Ended::Socket(error),
            },
            () = sleep_until(progress + write_limit), if waiting && !stalled => {
                return Ended::NotReading;
            }
            () = wake, if open && !stalled => session.tick(),
        }
    }
}

/// Writes some of what waits; flushes (and returns 0) when nothing does. Nothing is lost when the
/// future is dropped.
async fn write_some(writer: &mut (impl AsyncWrite + Unpin), output: &[u8]) -> io::Result<usize> {
    if output.is_empty() {
        return writer.flush().await.map(|()| 0);
    }
    match writer.write(output).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        count => Ok(count),
    }
}

/// Says that nothing follows and hears the peer out: closing with unread input would reset the
/// connection, and the reason for the end would be lost.
async fn part(reader: &mut (impl AsyncRead + Unpin), writer: &mut (impl AsyncWrite + Unpin)) {
    let _ = timeout(LINGER, async {
        let _ = writer.shutdown().await;
        let mut rest = vec![0; 4096];
        while reader.read(&mut rest).await.is_ok_and(|count| count > 0) {}
    })
    .await;
}

/// Writes the first half of the first frame and no more.
async fn half_a_frame(writer: &mut (impl AsyncWrite + Unpin), output: BytesMut) -> Ended {
    let length = output.first_chunk::<4>().map_or(0, |length| u32::from_be_bytes(*length) as usize);
    let half = (4 + length).min(output.len()) / 2;
    let written = writer.write_all(output.get(..half).unwrap_or_default()).await;
    if let Err(error) = written {
        debug!(%error, "half a frame");
    }
    let _ = writer.flush().await;
    Ended::HalfAFrame
}
