//! Asking the running program over its admin listener.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;

use super::{EXIT_USAGE, fail, say};
use crate::config;
use crate::net::{Target, dial};

/// Reading key files and certificates takes moments, not minutes.
const PATIENCE: Duration = Duration::from_secs(30);
/// More than any list of mistakes.
const MOST_BYTES: usize = 1 << 20;
/// Tells the admin listener that no page is asking.
const MARK: &str = "x-livename-admin";

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("no answer within {} s", PATIENCE.as_secs())]
    TimedOut,
    #[error("{0}")]
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

/// Prints the answer; the exit code tells whether it is a success. The address is that of `admin` or of the
/// configuration file.
pub(super) fn ask(admin: Option<SocketAddr>, file: &Path, method: Method, path: &'static str) -> ExitCode {
    let admin = match admin.map_or_else(|| config::admin_address(file), Ok) {
        Ok(admin) => admin,
        Err(errors) => return fail(EXIT_USAGE, errors),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, error),
    };
    match runtime.block_on(asked(admin, method, path)) {
        Ok((StatusCode::OK, text)) => say(&format!("{}\n", text.trim_end())),
        Ok((_, text)) => fail(1, text.trim_end()),
        Err(error) => fail(1, format!("the gateway cannot be asked at {admin}: {error}")),
    }
}

async fn asked(
    admin: SocketAddr,
    method: Method,
    path: &'static str,
) -> Result<(StatusCode, String), AskError> {
    tokio::time::timeout(PATIENCE, exchange(admin, method, path))
        .await
        .map_err(|_| AskError::TimedOut)?
        .map_err(AskError::Failed)
}

async fn exchange(
    admin: SocketAddr,
    method: Method,
    path: &'static str,
) -> Result<(StatusCode, String), Box<dyn std::error::Error + Send + Sync>> {
    let host = admin.ip().to_string();
    let stream = dial(Target { host: &host, port: admin.port(), source: None, limit: PATIENCE }).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, admin.to_string())
        .header(MARK, "1")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    let answer = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await?.to_bytes();
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((
            status,
            String::from_utf8_lossy(&body).into_owned(),
        ))
    };
    // The connection has to be driven while the answer is awaited; whichever fails first says why.
    let (answer, _) = tokio::join!(answer, connection);
    answer
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request with `answer` and gives back what was asked.
    async fn answered(answer: &'static str) -> (String, Result<(StatusCode, String), AskError>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(request).unwrap()
        };
        tokio::join!(server, asked(address, Method::POST, "/reload"))
    }

    #[tokio::test]
    async fn the_answer_is_handed_on() {
        let refusal = "HTTP/1.1 422 Unprocessable Entity\r\ncontent-length: 17\r\nconnection: close\r\n\r\na.toml:1: log: no";
        let (request, answer) = answered(refusal).await;
        assert!(
            request.starts_with("POST /reload HTTP/1.1\r\n") && request.contains("x-livename-admin: 1\r\n")
        );
        assert_eq!(answer.unwrap(), (StatusCode::UNPROCESSABLE_ENTITY, "a.toml:1: log: no".to_owned()));
    }

    #[tokio::test]
    async fn a_broken_answer_and_a_closed_port_are_errors() {
        assert!(matches!(
            answered("HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\nhalf").await.1,
            Err(AskError::Failed(_))
        ));
        // The discard port: nobody listens there, and the system gives it to nobody.
        let closed = "127.0.0.1:9".parse().unwrap();
        assert!(matches!(asked(closed, Method::GET, "/bypass").await, Err(AskError::Failed(_))));
    }
}
