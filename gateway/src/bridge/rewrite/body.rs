//! A body that is rewritten as the browser reads it.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};

use super::coding::Corrupt;
use super::pipeline::Pipeline;
use crate::bridge::error::{BridgeError, Fault, Phase};
use crate::bridge::pause::Pause;

/// How long the beginning of an address waits for the rest of it, in a body that may go on for ever. Longer than a lost
/// packet takes to be sent again, since what is let go is not rewritten.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) struct Rewritten<B> {
    body: B,
    /// `None` once everything went through it.
    pipeline: Option<Pipeline>,
    trailers: Option<HeaderMap>,
    /// A body of unknown length: its end may be far away.
    is_open: bool,
    /// Of the upstream, while something waits for more.
    pause: Pause,
}

impl<B: Body> Rewritten<B> {
    pub(super) fn new(body: B, pipeline: Pipeline) -> Self {
        let is_open = body.size_hint().exact().is_none();
        Self { body, pipeline: Some(pipeline), trailers: None, is_open, pause: Pause::of(PATIENCE) }
    }
}

type Failure = Box<dyn Error + Send + Sync>;

impl<B: Body<Data = Bytes, Error = Failure> + Unpin> Body for Rewritten<B> {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let Self { body, pipeline, trailers, is_open, pause } = &mut *self;
        while let Some(open) = pipeline {
            let made = match open.take() {
                Ok(Some(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Err(corrupt) => Err(corrupt),
                Ok(None) => match Pin::new(&mut *body).poll_frame(cx) {
                    Poll::Pending => match open.flush() {
                        Ok(None) if *is_open && open.holds() => {
                            ready!(pause.poll_over(cx));
                            match open.release() {
                                Ok(data) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                                Err(corrupt) => Err(corrupt),
                            }
                        }
                        Ok(None) => return Poll::Pending,
                        // The body has taken the waker; who polls again finds it pending.
                        Ok(Some(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                        Err(corrupt) => Err(corrupt),
                    },
                    Poll::Ready(Some(Err(error))) => {
                        *pipeline = None;
                        return Poll::Ready(Some(Err(error)));
                    }
                    Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                        Ok(data) => {
                            pause.end();
                            open.push(data);
                            continue;
                        }
                        Err(frame) => {
                            *trailers = frame.into_trailers().ok();
                            open.finish()
                        }
                    },
                    Poll::Ready(None) => open.finish(),
                },
            };
            // Nothing goes through it any more.
            *pipeline = None;
            match made {
                Ok(rest) if rest.is_empty() => {}
                Ok(rest) => return Poll::Ready(Some(Ok(Frame::data(rest)))),
                Err(corrupt) => return Poll::Ready(Some(Err(broken(corrupt)))),
            }
        }
        Poll::Ready(trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.pipeline.is_none() && self.trailers.is_none()
    }
}

fn broken(_: Corrupt) -> Failure {
    BridgeError::upstream(Phase::Body, Fault::Malformed("Content-Encoding")).into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::StreamExt;
    use http_body_util::{BodyExt, StreamBody};
    use tokio::sync::mpsc;
    use tokio::time::Instant;

    use super::super::coding::Coding;
    use super::super::names::{Names, Page};
    use super::*;
    use crate::config::Address;

    fn names() -> Arc<Names> {
        let page = Page { tls: true, sametime_tls: true, authority: "im.example".into() };
        Arc::new(Names::new(Arc::new([Address::new(false, "st1.example", 80)]), false, page, ""))
    }

    /// A body that is fed from outside.
    fn fed() -> (mpsc::Sender<&'static str>, impl Body<Data = Bytes, Error = Failure> + Unpin) {
        let (send, receive) = mpsc::channel(4);
        let frames = futures_util::stream::unfold(receive, |mut receive| async move {
            let text: &'static str = receive.recv().await?;
            Some((Ok(Frame::data(Bytes::from_static(text.as_bytes()))), receive))
        });
        (send, StreamBody::new(frames.boxed()))
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_begin_an_address_waits_for_a_moment_and_not_for_ever() {
        let (feed, body) = fed();
        let mut body = Rewritten::new(body, Pipeline::new(names(), None, None, None));
        let mut next = async || body.frame().await.unwrap().unwrap().into_data().unwrap();

        // Together again in time: an address.
        feed.try_send("push(\"htt").unwrap();
        assert_eq!(next().await, "push(\"");
        feed.try_send("p://st1.example/a\")").unwrap();
        assert_eq!(next().await, "https://im.example/a\")");

        // A message that ends like one begins.
        let before = Instant::now();
        feed.try_send("push(1);/").unwrap();
        assert_eq!(next().await, "push(1);");
        assert_eq!(next().await, "/");
        assert_eq!(before.elapsed(), PATIENCE);
        feed.try_send("push(2)").unwrap();
        assert_eq!(next().await, "push(2)");
    }

    #[tokio::test(start_paused = true)]
    async fn a_coded_body_lets_go_as_well() {
        let (feed, body) = fed();
        let mut body = Rewritten::new(body, Pipeline::new(names(), None, Some(Coding::Gzip), None));
        let mut reader = flate2::write::GzDecoder::new(Vec::new());
        feed.try_send("push(1);/").unwrap();
        while reader.get_ref() != b"push(1);/" {
            let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
            std::io::Write::write_all(&mut reader, &data).unwrap();
            std::io::Write::flush(&mut reader).unwrap();
        }
    }
}
