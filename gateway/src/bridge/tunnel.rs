//! Copies bytes both ways between two connections that have left HTTP.
//!
//! Bytes are read into a buffer that all tunnels of a thread share and written at once; only what the other
//! side does not take is kept, and nothing more is read until it has gone. So an idle tunnel holds no
//! buffer, and a slow reader holds at most one.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that may be under way in one direction.
const BUFFER: usize = 16 << 10;

thread_local! {
    static SHARED: RefCell<Box<[u8]>> = RefCell::new(vec![0; BUFFER].into_boxed_slice());
}

/// Until both sides have ended their direction, or one fails. An end is passed on; the other direction
/// goes on.
pub(super) async fn copy<A, B>(mut one: A, mut other: B) -> io::Result<()>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let mut there = Direction::default();
    let mut back = Direction::default();
    poll_fn(|cx| {
        let there = there.poll(cx, &mut one, &mut other)?;
        let back = back.poll(cx, &mut other, &mut one)?;
        if there.is_ready() && back.is_ready() { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await
}

#[derive(Default)]
struct Direction {
    state: State,
    /// Read, and not taken by the other side yet.
    left: Vec<u8>,
    /// How much of it was taken.
    taken: usize,
    unflushed: bool,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Open,
    /// The source has ended, its end is being passed on.
    Ending,
    Ended,
}

impl Direction {
    fn poll<A, B>(&mut self, cx: &mut Context<'_>, from: &mut A, to: &mut B) -> Poll<io::Result<()>>
    where
        A: AsyncRead + Unpin,
        B: AsyncWrite + Unpin,
    {
        loop {
            match self.state {
                State::Open => {
                    ready!(self.poll_left(cx, to))?;
                    match self.poll_move(cx, from, to)? {
                        Poll::Ready(0) => self.state = State::Ending,
                        Poll::Ready(_) => {}
                        Poll::Pending => {
                            if self.unflushed {
                                ready!(Pin::new(&mut *to).poll_flush(cx))?;
                                self.unflushed = false;
                            }
                            return Poll::Pending;
                        }
                    }
                }
                State::Ending => {
                    ready!(Pin::new(&mut *to).poll_shutdown(cx))?;
                    self.state = State::Ended;
                }
                State::Ended => return Poll::Ready(Ok(())),
            }
        }
    }

    fn poll_left<B: AsyncWrite + Unpin>(&mut self, cx: &mut Context<'_>, to: &mut B) -> Poll<io::Result<()>> {
        while let Some(rest) = self.left.get(self.taken..).filter(|rest| !rest.is_empty()) {
            self.taken += ready!(poll_write_some(cx, to, rest))?;
        }
        self.left = Vec::new();
        self.taken = 0;
        Poll::Ready(Ok(()))
    }

    /// How many bytes were read; all of them are written or left.
    fn poll_move<A, B>(&mut self, cx: &mut Context<'_>, from: &mut A, to: &mut B) -> Poll<io::Result<usize>>
    where
        A: AsyncRead + Unpin,
        B: AsyncWrite + Unpin,
    {
        // No connection reads from a tunnel, so the buffer is never borrowed twice.
        SHARED.with_borrow_mut(|shared| {
            let mut buffer = ReadBuf::new(shared);
            ready!(Pin::new(from).poll_read(cx, &mut buffer))?;
            let read = buffer.filled();
            self.unflushed |= !read.is_empty();
            let mut rest = read;
            while !rest.is_empty() {
                match poll_write_some(cx, to, rest)? {
                    Poll::Ready(written) => rest = rest.get(written..).unwrap_or_default(),
                    Poll::Pending => {
                        self.left = rest.to_vec();
                        break;
                    }
                }
            }
            Poll::Ready(Ok(read.len()))
        })
    }
}

fn poll_write_some<B: AsyncWrite + Unpin>(
    cx: &mut Context<'_>,
    to: &mut B,
    bytes: &[u8],
) -> Poll<io::Result<usize>> {
    match ready!(Pin::new(to).poll_write(cx, bytes))? {
        0 => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
        written => Poll::Ready(Ok(written)),
    }
}

#[cfg(test)]
mod tests;
