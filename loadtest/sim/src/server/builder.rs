//! How a simulator is put together and started.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use protocol::vp::server::Config;
use rustls::ServerConfig;
use thiserror::Error;
use tokio::net::TcpListener;

use super::listener::Port;
use super::simulator::Simulator;
use super::switchboard::Switchboard;
use super::token::TokenCheck;
use crate::clock::Clock;
use crate::model::{Community, Directory, Server, Settings};

/// Why a simulator does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// A port is taken, or may not be used.
    #[error("cannot listen on {addr}: {error}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
}

/// Settings of a simulator; everything has a default that suits tests.
#[derive(Debug)]
pub struct Builder {
    people: usize,
    seed: u64,
    directory: Option<Directory>,
    settings: Settings,
    servers: Vec<(Server, SocketAddr)>,
    listen: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    tokens: TokenCheck,
    machine: Config,
    write_limit: Duration,
    max_connections: usize,
    clock: Clock,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            people: 50,
            seed: 1,
            directory: None,
            settings: Settings::default(),
            servers: Vec::new(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: None,
            tokens: TokenCheck::none(),
            machine: Config::default(),
            write_limit: Duration::from_secs(30),
            max_connections: 100_000,
            clock: Clock::default(),
        }
    }
}

impl Builder {
    /// An invented company of this size (50).
    #[must_use]
    pub fn people(self, people: usize) -> Self {
        Self { people, ..self }
    }

    /// The seed of the invented company, and of who changes when (1).
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// These people instead of invented ones.
    #[must_use]
    pub fn directory(self, directory: Directory) -> Self {
        Self { directory: Some(directory), ..self }
    }

    /// The rules of the community. The servers named in them are replaced by [`Self::server`]'s, if any.
    #[must_use]
    pub fn settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// Where the first server listens (127.0.0.1, a free port).
    #[must_use]
    pub fn listen(self, listen: SocketAddr) -> Self {
        Self { listen, ..self }
    }

    /// One more server of the same community, with its own port. People are moved to it with
    /// [`Simulator::set_home`]; a client is told its `host`, which need not be reachable.
    #[must_use]
    pub fn server(mut self, id: &str, host: &str, listen: SocketAddr) -> Self {
        self.servers.push((Server { id: id.into(), host: host.into() }, listen));
        self
    }

    /// Speaks TLS too, on the same port.
    #[must_use]
    pub fn tls(self, tls: Arc<ServerConfig>) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// How tokens are checked (none is accepted).
    #[must_use]
    pub fn tokens(self, tokens: TokenCheck) -> Self {
        Self { tokens, ..self }
    }

    /// Time limits, frame limits, keepalives and the announced version of the protocol machine.
    #[must_use]
    pub fn machine(self, machine: Config) -> Self {
        Self { machine, ..self }
    }

    /// How long a client may read nothing while something waits for it (30 s).
    #[must_use]
    pub fn write_limit(self, write_limit: Duration) -> Self {
        Self { write_limit, ..self }
    }

    /// Connections at a time, all servers together (100,000).
    #[must_use]
    pub fn max_connections(self, max_connections: usize) -> Self {
        Self { max_connections, ..self }
    }

    /// The clock that stamps changes (the system's). With another this is a machine of its own.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Listens on all ports.
    pub async fn start(self) -> Result<Simulator, StartError> {
        let directory = self.directory.unwrap_or_else(|| Directory::invented(self.people, self.seed));
        let mut settings = self.settings;
        let mut listen = vec![self.listen];
        settings.servers.truncate(1);
        if settings.servers.is_empty() {
            settings.servers.push(Server::default());
        }
        for (server, addr) in self.servers {
            settings.servers.push(server);
            listen.push(addr);
        }
        let servers: Vec<String> = settings.servers.iter().map(|server| server.id.clone()).collect();
        let board = Arc::new(Switchboard::new(Community::new(directory, settings)));
        let mut ports = Vec::new();
        for (server, addr) in servers.into_iter().zip(listen) {
            let bound = TcpListener::bind(addr).await;
            let listener = bound.map_err(|error| StartError::Listen { addr, error })?;
            let port = Port {
                board: board.clone(),
                server,
                tokens: self.tokens.clone(),
                machine: self.machine.clone(),
                tls: self.tls.clone(),
                write_limit: self.write_limit,
                max_connections: self.max_connections,
            };
            ports.push((listener, port));
        }
        Simulator::run(board, self.seed, self.clock, ports)
            .map_err(|error| StartError::Listen { addr: self.listen, error })
    }
}
