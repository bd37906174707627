//! A browser of raw bytes.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Front, header, within};

pub(crate) struct Browser {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    /// Without the chunks' framing.
    pub(crate) body: String,
    /// Lines after the last chunk.
    pub(crate) trailers: String,
    /// The body ended as its framing said it would.
    pub(crate) whole: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

impl Browser {
    pub(crate) async fn at(front: &Front) -> Self {
        Self::on(TcpStream::connect(front.address).await.unwrap())
    }

    pub(crate) fn on(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// One request on a connection of its own.
    pub(crate) async fn ask(front: &Front, request: &str) -> Answer {
        let mut browser = Self::at(front).await;
        browser.send(request).await;
        browser.answer(request.starts_with("HEAD")).await
    }

    /// `GET` on this connection.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: im.example\r\n\r\n")).await;
        self.answer(false).await
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within(self.stream.write_all(bytes.as_ref())).await.unwrap();
    }

    pub(crate) async fn head(&mut self) -> String {
        self.take_until("\r\n\r\n").await.expect("a head")
    }

    pub(crate) async fn answer(&mut self, to_head: bool) -> Answer {
        let head = self.head().await;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer { status, head, body: String::new(), trailers: String::new(), whole: true };
        if to_head || [204, 304].contains(&status) {
            return answer;
        }
        if let Some(length) = answer.header("content-length") {
            let length = length.parse().unwrap();
            answer.body = self.take(length).await;
            answer.whole = answer.body.len() == length;
        } else if answer.header("transfer-encoding").is_some() {
            self.chunks(&mut answer).await;
        } else {
            answer.body = self.take(usize::MAX).await;
        }
        answer
    }

    async fn chunks(&mut self, answer: &mut Answer) {
        answer.whole = false;
        while let Some(line) = self.take_until("\r\n").await {
            let length = usize::from_str_radix(line.trim(), 16).unwrap();
            if length == 0 {
                while let Some(line) = self.take_until("\r\n").await {
                    if line == "\r\n" {
                        answer.whole = true;
                        return;
                    }
                    answer.trailers.push_str(&line);
                }
                return;
            }
            answer.body.push_str(&self.take(length).await);
            self.take(2).await;
        }
    }

    /// As many bytes, or fewer if the connection ends before.
    pub(crate) async fn take(&mut self, length: usize) -> String {
        while self.buffer.len() < length && self.fill().await {}
        let length = length.min(self.buffer.len());
        String::from_utf8(self.buffer.drain(..length).collect()).unwrap()
    }

    /// Everything to the end of the connection.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.fill().await {}
        std::mem::take(&mut self.buffer)
    }

    /// Reads that many bytes; do they repeat `pattern`?
    pub(crate) async fn swallow(&mut self, total: usize, pattern: &[u8]) -> bool {
        let mut position = 0;
        while position < total {
            if self.buffer.is_empty() && !self.fill().await {
                return false;
            }
            for byte in self.buffer.drain(..) {
                if byte != pattern[position % pattern.len()] {
                    return false;
                }
                position += 1;
            }
        }
        position == total
    }

    async fn take_until(&mut self, end: &str) -> Option<String> {
        loop {
            let found = self.buffer.windows(end.len()).position(|window| window == end.as_bytes());
            if let Some(at) = found {
                return Some(String::from_utf8(self.buffer.drain(..at + end.len()).collect()).unwrap());
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    async fn fill(&mut self) -> bool {
        let mut chunk = vec![0; 16 << 10];
        // A reset is an end as well.
        let read = within(self.stream.read(&mut chunk)).await.unwrap_or(0);
        self.buffer.extend_from_slice(&chunk[..read]);
        read > 0
    }
}

/// A browser that speaks HTTP/2.
pub(crate) struct Two(http2::SendRequest<Empty<Bytes>>);

impl Two {
    pub(crate) async fn at(front: &Front) -> Self {
        let stream = TcpStream::connect(front.address).await.unwrap();
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    pub(crate) async fn ask(&mut self, method: &str, uri: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = within(self.0.send_request(request.body(Empty::new()).unwrap())).await.unwrap();
        let status = answer.status().as_u16();
        let body = within(answer.into_body().collect()).await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// `GET`, to the end of the body.
    pub(crate) async fn try_ask(&mut self, uri: &str) -> Result<Bytes, hyper::Error> {
        let request = Request::get(uri).body(Empty::new()).unwrap();
        let answer = within(self.0.send_request(request)).await?;
        Ok(within(answer.into_body().collect()).await?.to_bytes())
    }
}
