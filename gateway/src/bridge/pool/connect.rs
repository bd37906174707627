//! Making a connection to an upstream: TCP, who is behind it, TLS, HTTP/1.1 or HTTP/2.

use std::net::SocketAddr;

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::lease::{Carrier, Connection, drive};
use super::streams::Shared;
use super::{MAX_HEADERS, Pool, READ_BUFFER, Wish};
use crate::bridge::balance::Member;
use crate::bridge::error::{BridgeError, Fault, Phase};
use crate::net::{DialError, Target, dial, dial_for, secure};

impl Pool {
    pub(super) async fn connect(
        &self,
        member: &Member,
        wish: &Wish,
        deadline: Instant,
    ) -> Result<Carrier, BridgeError> {
        let upstream = &member.upstream;
        let host = upstream.host.trim_matches(['[', ']']);
        let limit = deadline.saturating_duration_since(Instant::now());
        let target = Target { host, port: upstream.port, source: None, limit };
        let stream = match upstream.proxy {
            None => dial(target).await,
            // The browser's port is not known here, and nobody needs it.
            Some(version) => dial_for(target, Some(SocketAddr::new(wish.client, 0)), version).await,
        };
        let stream = stream.map_err(not_connected)?;
        if !upstream.tls {
            return self.adopt(stream).await.map(Carrier::Whole);
        }
        let name = upstream.server_name.as_deref().unwrap_or(host);
        let both = member.origin.both_versions().filter(|_| !wish.http1);
        let config = both.unwrap_or(&upstream.client);
        let stream = secure(stream, name, config, deadline).await.map_err(not_connected)?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return self.adopt(stream).await.map(Carrier::Whole);
        }
        let shared = Shared::on(stream, &self.tasks, self.end.clone()).await.map_err(not_begun)?;
        // Full only if it has ended already.
        let place = shared.enter().ok_or_else(|| BridgeError::unsent(Phase::Connect, Fault::Busy))?;
        if upstream.proxy.is_none() {
            member.origin.share(shared);
        }
        Ok(Carrier::Part(place))
    }

    /// HTTP/1.1 on a new stream, driven by a task of its own.
    async fn adopt<S>(&self, stream: S) -> Result<Connection, BridgeError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(READ_BUFFER)
            .max_headers(MAX_HEADERS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(not_begun)?;
        let (cut, was_cut) = oneshot::channel();
        self.tasks.spawn(drive(connection, was_cut, self.end.clone()));
        Ok(Connection { sender, cut, born: Instant::now() })
    }
}

fn not_connected(error: DialError) -> BridgeError {
    let (phase, fault) = match error {
        DialError::TimedOut => (Phase::Connect, Fault::Timeout),
        DialError::Exhausted(error) => return BridgeError::exhausted(error),
        DialError::Tls(_) | DialError::Name => (Phase::Tls, Fault::Dial(error)),
        _ => (Phase::Connect, Fault::Dial(error)),
    };
    BridgeError::unsent(phase, fault)
}

fn not_begun(error: hyper::Error) -> BridgeError {
    BridgeError::unsent(Phase::Connect, Fault::Http(error))
}
