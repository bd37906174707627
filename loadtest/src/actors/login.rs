//! One login of a test user, from connecting to the logout, and again after a loss.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use loadtest_sim::{Stamp, Stamps};
use protocol::vp::awareness::{Block, ToClient, ToServer, status_word};
use protocol::vp::client::{Auth, Client, Closed, Config, Event, Login, TokenForm};
use protocol::vp::message::ChannelId;
use protocol::vp::prim::{AwareId, UserStatus};
use protocol::vp::reason::Retry;
use protocol::vp::service::Service;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;

use super::{Actor, Change, Stage};
use crate::measure::micros;
use crate::tokens::TokenKey;

const CONNECT: Duration = Duration::from_secs(10);
/// After a loss.
const AGAIN: Duration = Duration::from_secs(5);
/// Port of a home server that a redirect names.
const PORT: u16 = 1533;
const REDIRECTS: usize = 3;
const READ: usize = 4 << 10;

/// How the actor proves who it is.
pub(super) fn auth(actor: &Actor, key: Option<&TokenKey>) -> Option<Auth> {
    if let Some(password) = &actor.password {
        return Some(Auth::DhPassword(password.clone()));
    }
    Some(Auth::Token { token: key?.token(&actor.id)?, form: TokenForm::Raw })
}

/// TLS keeps what is not flushed.
async fn write(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    writer.write_all(bytes).await?;
    writer.flush().await
}

/// How a connection ended.
enum Ended {
    /// Orders have ended, and so has the login.
    Over,
    Lost(String),
    Elsewhere(String),
    /// Kicked or refused: not to be fought.
    Final(String),
}

/// Plays until there are no orders any more.
pub(super) async fn play(id: String, auth: Auth, mut orders: mpsc::Receiver<Change>, stage: Arc<Stage>) {
    let mut server = stage.server.clone();
    let mut redirects = 0;
    let mut tried = false;
    let mut stamps = Stamps::default();
    loop {
        let mut visit = Visit {
            id: &id,
            stage: &stage,
            awareness: None,
            up: false,
            tried: &mut tried,
            stamps: &mut stamps,
        };
        let ended = visit.run(&server, &auth, &mut orders).await;
        visit.down();
        match ended {
            Ended::Over => return,
            Ended::Elsewhere(host) if redirects < REDIRECTS => {
                redirects += 1;
                server = if host.contains(':') { host } else { format!("{host}:{PORT}") };
                continue;
            }
            Ended::Elsewhere(_) => stage.trouble(&mut tried, "redirected in a circle".to_owned()),
            Ended::Lost(why) => stage.trouble(&mut tried, why),
            Ended::Final(why) => {
                stage.trouble(&mut tried, why);
                return ignore(&mut orders, &stage).await;
            }
        }
        if timeout(AGAIN, ignore(&mut orders, &stage)).await.is_ok() {
            return;
        }
    }
}

/// Orders to somebody who is not there are for nobody; their end is noticed.
async fn ignore(orders: &mut mpsc::Receiver<Change>, stage: &Stage) {
    while orders.recv().await.is_some() {
        stage.missed();
    }
}

impl Stage {
    fn trouble(&self, tried: &mut bool, why: String) {
        self.board().trouble = Some(why);
        self.has_tried(tried);
    }

    fn has_tried(&self, tried: &mut bool) {
        if !std::mem::replace(tried, true) {
            self.tried.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// One connection.
struct Visit<'a> {
    id: &'a str,
    stage: &'a Stage,
    awareness: Option<ChannelId>,
    up: bool,
    tried: &'a mut bool,
    stamps: &'a mut Stamps,
}

impl Visit<'_> {
    async fn run(&mut self, server: &str, auth: &Auth, orders: &mut mpsc::Receiver<Change>) -> Ended {
        let stream = match timeout(CONNECT, TcpStream::connect(server)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Ended::Lost(error.to_string()),
            Err(_) => return Ended::Lost("no connection".to_owned()),
        };
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.stage.tls else {
            return self.talk(stream, auth, orders).await;
        };
        // The certificate is for the server that was called, after a redirect, too.
        let name = server.rsplit_once(':').map_or(server, |(host, _)| host);
        let Ok(name) = ServerName::try_from(name.trim_matches(['[', ']']).to_owned()) else {
            return Ended::Lost(format!("{name} is no name of a server"));
        };
        match timeout(CONNECT, TlsConnector::from(tls.clone()).connect(name, stream)).await {
            Ok(Ok(stream)) => self.talk(stream, auth, orders).await,
            Ok(Err(error)) => Ended::Lost(error.to_string()),
            Err(_) => Ended::Lost("no TLS handshake".to_owned()),
        }
    }

    async fn talk<S>(&mut self, stream: S, auth: &Auth, orders: &mut mpsc::Receiver<Change>) -> Ended
    where
        S: AsyncRead + AsyncWrite,
    {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let begun = Instant::now();
        let config = Config { login_type: self.stage.login_type, ..Config::default() };
        let login = Login { name: self.id.to_owned(), auth: auth.clone() };
        let random = Box::new(|bytes: &mut [u8]| {
            // Zeros make a key that the other side refuses.
            if getrandom::fill(bytes).is_err() {
                bytes.fill(0);
            }
        });
        let mut client = Client::new(config, login, random, begun.elapsed());
        let mut buffer = vec![0; READ];
        loop {
            while let Some(event) = client.next_event() {
                if let Some(ended) = self.event(event, &mut client) {
                    return ended;
                }
            }
            let output = client.output();
            if !output.is_empty() && write(&mut writer, &output).await.is_err() {
                client.closed(begun.elapsed());
                continue;
            }
            let wake = client.next_wake().map_or(Duration::MAX, |due| due.saturating_sub(begun.elapsed()));
            tokio::select! {
                read = reader.read(&mut buffer) => match read {
                    Ok(count @ 1..) => {
                        client.receive(buffer.get(..count).unwrap_or_default(), begun.elapsed());
                    }
                    _ => client.closed(begun.elapsed()),
                },
                order = orders.recv() => match order {
                    Some(change) => self.change(change, &mut client),
                    None => {
                        client.logout(begun.elapsed());
                        let _ = write(&mut writer, &client.output()).await;
                        return Ended::Over;
                    }
                },
                () = sleep(wake) => client.tick(begun.elapsed()),
            }
        }
    }

    fn event(&mut self, event: Event, client: &mut Client) -> Option<Ended> {
        match event {
            Event::LoggedIn { .. } => {
                self.up = true;
                self.stage.up.fetch_add(1, Ordering::Relaxed);
                self.stage.has_tried(self.tried);
                self.watch(client);
            }
            Event::Received { channel, send_type, data } if Some(channel) == self.awareness => {
                if let Ok(ToClient::Update(block)) = ToClient::decode_tolerant(send_type, &data) {
                    self.saw(&block);
                }
            }
            Event::Redirected { host, .. } => return Some(Ended::Elsewhere(host)),
            Event::Closed(Closed::ByServer(reason)) => {
                let why = format!("{reason}");
                return Some(match reason.retry() {
                    Retry::Backoff | Retry::Follow => Ended::Lost(why),
                    Retry::FreshToken | Retry::Never | Retry::Once => Ended::Final(why),
                });
            }
            Event::Closed(closed) => return Some(Ended::Lost(closed.kind().to_owned())),
            _ => {}
        }
        None
    }

    /// The others, as a rich client does.
    fn watch(&mut self, client: &mut Client) {
        let others = self.stage.watched.iter().filter(|id| *id != self.id);
        let ids: Vec<AwareId> = others.map(|id| AwareId::user(id.as_str())).collect();
        if ids.is_empty() {
            return;
        }
        let channel = client.open(Service::AWARENESS, Default::default(), Bytes::new());
        if let (Ok(channel), Ok((send_type, data))) = (channel, ToServer::Add(ids).encode()) {
            self.awareness = Some(channel);
            // A refused channel is told by an event; then this actor sees nobody.
            let _ = client.send(channel, send_type, data);
        }
    }

    fn change(&mut self, Change { status, at }: Change, client: &mut Client) {
        if !self.up {
            return self.stage.missed();
        }
        let text = self.stamps.text(at, "test");
        let word = UserStatus { status: status_word(status, false), time: 0, desc: text.clone() };
        match client.set_status(word) {
            Ok(()) => {
                self.stage.board().states.insert(self.id.to_owned(), (status, text));
            }
            Err(_) => self.stage.missed(),
        }
    }

    /// A stamp of another actor.
    fn saw(&self, block: &Block) {
        let Some(state) = &block.state else { return };
        if let Some(stamp) = Stamp::parse(&state.status.desc) {
            self.stage.board().seen.record(micros().saturating_sub(stamp.at));
        }
    }

    fn down(&self) {
        if self.up {
            self.stage.up.fetch_sub(1, Ordering::Relaxed);
        }
        self.stage.board().states.remove(self.id);
    }
}
