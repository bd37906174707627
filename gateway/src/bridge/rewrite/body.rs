//! A body that is rewritten as the browser reads it.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};

use super::coding::Corrupt;
use super::pipeline::Pipeline;
use crate::bridge::error::{BridgeError, Fault, Phase};

pub(super) struct Rewritten<B> {
    body: B,
    /// `None` once everything went through it.
    pipeline: Option<Pipeline>,
    trailers: Option<HeaderMap>,
}

impl<B> Rewritten<B> {
    pub(super) fn new(body: B, pipeline: Pipeline) -> Self {
        Self { body, pipeline: Some(pipeline), trailers: None }
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
        let Self { body, pipeline, trailers } = &mut *self;
        while let Some(open) = pipeline {
            let made = match open.take() {
                Ok(Some(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Err(corrupt) => Err(corrupt),
                Ok(None) => match Pin::new(&mut *body).poll_frame(cx) {
                    Poll::Pending => match open.flush() {
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
