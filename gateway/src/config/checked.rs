//! The configuration as the rest of the program sees it: types that cannot be wrong.
//!
//! `section` reads the TOML shape, `check` turns it into this or into the list of all its errors.
//! Defaults live here, and are safe for the open internet.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use protocol::ltpa::websphere::{VerifyKey, Version};
use protocol::ltpa::{Charset, KeyLife};
use protocol::secret::Secret;
use rustls::ServerConfig;

use super::{AccessLogging, LoginPage, Logins, NameTuning, Network, Pilot, SchemeRedirect, UpstreamRoute};

/// Everything that `livename run` needs.
#[derive(Debug)]
pub struct Config {
    pub listen: Listen,
    /// Ready for use: certificates were read and match their keys. `None` without an https listener.
    pub tls: Option<Arc<ServerConfig>>,
    pub sso: Sso,
    pub communities: Vec<Arc<Community>>,
    /// In the order of the file; the router picks the most specific path.
    pub routes: Vec<Arc<Route>>,
    /// Who is served by the awareness of routes with `pass_to`; `None` if there is none.
    pub pilot: Option<Pilot>,
    /// Hosts whose browsers are sent to the other scheme.
    pub redirects: Vec<SchemeRedirect>,
    pub limits: Limits,
    pub log: Log,
    pub access_log: AccessLogging,
}

/// Addresses to listen on; port 0 takes any free port.
#[derive(Clone, Debug)]
pub struct Listen {
    pub http: Vec<SocketAddr>,
    pub https: Vec<SocketAddr>,
    pub admin: SocketAddr,
    /// Those of `http` and `https` where connections begin with a PROXY header.
    pub proxy_protocol: Vec<SocketAddr>,
    /// Threads that serve browsers. Default: one per core.
    pub workers: usize,
}

/// Single sign-on: which cookies carry tokens, and the keys that prove them.
#[derive(Debug)]
pub struct Sso {
    /// DNS domain of the cookies with the leading dot (`.renovation.example`).
    pub domain: Option<String>,
    /// In the order in which they are tried.
    pub cookies: Vec<SsoCookie>,
    pub keys: Vec<SsoKey>,
    /// Allowed clock difference on both ends of a token's life. Default 60 s, at most 300 s.
    pub skew: Duration,
    /// How names are written in Domino tokens. Default LMBCS.
    pub charset: Charset,
    /// Longest accepted time between creation and expiration of a Domino token. Default: no limit.
    pub max_lifetime: Option<Duration>,
    /// Realms whose WebSphere tokens are accepted; users of the same name are one user. Empty: any, which a
    /// configuration that was read from a file with WebSphere keys never is.
    pub realms: Vec<String>,
    /// Whether FIPS keys are used (ltpa.md 4.1).
    pub fips: bool,
    /// Whether a forged token leaves room for the next cookie. Default no (ltpa.md 6).
    pub fallback: bool,
    /// Page origins (`https://mail1.renovation.example`) beside those below `domain` and the
    /// gateway's own that may open event channels.
    pub origins: Vec<String>,
    /// Where pages without a valid token are sent, unless their route says otherwise.
    pub login: Option<LoginPage>,
    /// How names are spelled once they are proved. Default: as the token has them.
    pub names: NameForm,
    /// Tokens that no key here proves, but a login to a community does.
    pub delegated: Option<Delegation>,
}

/// Delegated validation of a cookie with tokens in Domino's format.
#[derive(Clone, Debug)]
pub struct Delegation {
    pub cookie: String,
    /// Name of the community that proves the tokens.
    pub community: String,
    /// How long a proof is believed at most. Default 5 min.
    pub good_for: Duration,
}

/// The two spellings of one distinguished name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameForm {
    /// As the token has it.
    AsIs,
    /// Domino's: `CN=Ann Example/O=Acme`.
    Domino,
    /// LDAP's: `CN=Ann Example,O=Acme`.
    Ldap,
}

#[derive(Clone, Debug)]
pub struct SsoCookie {
    pub name: String,
    pub format: TokenFormat,
    /// Whether the expiry of its WebSphere tokens may stand outside the signature, as that of `ltpa1` always does.
    pub unsigned_expiry: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFormat {
    Domino,
    /// WebSphere's older format; its expiry is not signed.
    Ltpa1,
    /// WebSphere's newer format.
    Ltpa2,
}

/// One key of the ring.
#[derive(Clone, Debug)]
pub struct SsoKey {
    pub id: String,
    pub material: KeyMaterial,
    /// When it is used.
    pub life: KeyLife,
}

#[derive(Clone, Debug)]
pub enum KeyMaterial {
    /// The 20 bytes of `LTPA_DominoSecret`, decoded.
    Domino(Secret),
    /// A WebSphere key file, without the half that could sign.
    WebSphere(Arc<VerifyKey>),
}

/// Sametime servers that share users.
#[derive(Clone, Debug)]
pub struct Community {
    pub name: String,
    /// `host:port`, tried in turn.
    pub servers: Vec<String>,
    /// Server names as redirects give them → `host:port` that can be reached from here.
    pub host_map: Vec<(String, String)>,
    pub own_presence: OwnPresence,
    pub privacy: Privacy,
    /// VP login type of users' own logins and of observers.
    pub login_type: u16,
    /// How a token travels in a Login frame (vp-wire.md 5.3). Default raw.
    pub token_form: TokenForm,
    /// How the client follows a LoginRedirect. Default reconnect.
    pub redirect: Redirect,
    /// TLS to the servers; `None` is plain.
    pub tls: Option<CommunityTls>,
    /// Local addresses to connect from, used in turn. Empty: the system chooses.
    pub source_addresses: Vec<std::net::IpAddr>,
    pub observers: Vec<Observer>,
    pub tuning: CommunityTuning,
    pub names: NameTuning,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnPresence {
    /// A browser session is also an upstream login of that user.
    Login,
    /// The gateway only shows others.
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// Every user's watches go through the user's own login.
    Own,
    /// Watches are shared through the observers.
    Trust,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenForm {
    /// Auth type 1, the token's bytes.
    Raw,
    /// Auth type 1, a counted string inside the opaque.
    String,
    /// Auth type 5, encrypted with the Diffie-Hellman key.
    Dh,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirect {
    Reconnect,
    Continue,
}

#[derive(Clone, Debug)]
pub struct CommunityTls {
    pub client: Arc<rustls::ClientConfig>,
    /// Name to verify and to send as SNI, if it is not the host that is connected to.
    pub server_name: Option<String>,
}

/// An upstream login that watches people for everybody.
#[derive(Clone, Debug)]
pub struct Observer {
    pub name: String,
    pub credential: ObserverCredential,
}

#[derive(Clone, Debug)]
pub enum ObserverCredential {
    Password(Secret),
    /// Read again at each login, so that it can be renewed from outside.
    TokenFile(PathBuf),
    /// A token is made with the first signing key of `[sso]` at each login.
    Mint(Secret),
}

/// Paces and patience towards a community.
#[derive(Clone, Debug)]
pub struct CommunityTuning {
    /// Ids in one ADD. Default 250.
    pub batch: usize,
    /// Batches whose snapshot is outstanding, per login. Default 4.
    pub batches_in_flight: usize,
    /// Watches one login may hold; `None` is no limit.
    pub watches_per_login: Option<usize>,
    /// How long a watch stays after its last viewer has gone. Default 5 min.
    pub linger: Duration,
    /// How long after a loss states keep their value before they become unknown. Default 5 s.
    pub unknown_after: Duration,
    /// A batch that is not answered by then counts as ignored. Default 30 s.
    pub answer_timeout: Duration,
    pub connect_timeout: Duration,
    pub login_timeout: Duration,
    /// First and longest wait between two tries. Default 1 s and 5 min.
    pub backoff: (Duration, Duration),
    /// New logins per second to this community. Default 200.
    pub logins_per_second: u32,
    pub keepalive: Duration,
}

/// Which requests, and what becomes of them.
#[derive(Debug)]
pub struct Route {
    /// Lower case, without port; empty is every host.
    pub hosts: Vec<String>,
    /// Path prefix on a segment border, starting with `/`.
    pub path: String,
    pub auth: AuthPolicy,
    /// Where pages without a valid token are sent; `None` answers 401.
    pub login: Option<LoginPage>,
    pub serve: Serve,
    /// Of an awareness route: how pages may log in.
    pub logins: Logins,
    /// Of an awareness route: its pages can chat.
    pub chat: bool,
    /// Of an awareness route: where those go who are not in the pilot, and everybody at a bypass.
    pub pass_to: Option<UpstreamRoute>,
}

impl Route {
    /// Its upstreams, whoever is passed on to them.
    pub fn passes_to(&self) -> Option<&UpstreamRoute> {
        match &self.serve {
            Serve::Upstream(route) => Some(route),
            _ => self.pass_to.as_ref(),
        }
    }

    /// On every host, for everybody, and nothing else.
    #[cfg(test)]
    pub(crate) fn bare(path: &str, serve: Serve) -> Self {
        Self {
            hosts: Vec::new(),
            path: path.to_owned(),
            auth: AuthPolicy::Off,
            login: None,
            serve,
            logins: Logins::default(),
            chat: false,
            pass_to: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthPolicy {
    /// Without a valid token: 401.
    Required,
    /// A valid token gives an identity, any other request passes without one.
    Optional,
    Off,
}

#[derive(Debug)]
pub enum Serve {
    /// Presence of that community, answered here (`/livename/v1/events` below the route's path or at
    /// the root).
    Awareness(Arc<Community>),
    /// Passed on.
    Upstream(UpstreamRoute),
    /// Something built in (the demo's pages): looked up by name in the program.
    Builtin(String),
}

/// Bounds on what the network may use.
#[derive(Clone, Debug)]
pub struct Limits {
    pub connections: usize,
    pub connections_per_address: usize,
    pub header_bytes: usize,
    pub head_timeout: Duration,
    pub tls_handshake_timeout: Duration,
    pub idle_timeout: Duration,
    pub message_bytes: usize,
    pub watches_per_session: usize,
    pub sessions_per_user: usize,
    pub session_grace: Duration,
    /// Log-ins with a password or a page's token that may fail in ten minutes, for one name and for one address.
    /// Default 10 and 100.
    pub login_tries_per_name: usize,
    pub login_tries_per_address: usize,
    /// The ordered lane of a session; overflow ends it.
    pub lane_messages: usize,
    /// Time that drain gives to open connections.
    pub drain: Duration,
    /// Proxies whose word about a browser is believed.
    pub trusted_proxies: Vec<Network>,
}

/// What the log looks like. Read once, at the start of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Default text.
    pub format: LogFormat,
    /// A level, or `module=level` pairs with commas between them. Default `info`.
    pub level: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned() }
    }
}

impl SsoKey {
    /// Whether tokens of the format can be proved with this key; `fips` lets FIPS keys take part.
    pub fn is_for(&self, format: TokenFormat, fips: bool) -> bool {
        match (&self.material, format) {
            (KeyMaterial::Domino(_), TokenFormat::Domino) => true,
            (KeyMaterial::WebSphere(key), TokenFormat::Ltpa1) => key.is_for(Version::One),
            (KeyMaterial::WebSphere(key), TokenFormat::Ltpa2) => {
                key.is_for(Version::Two) && (fips || !key.is_fips())
            }
            _ => false,
        }
    }
}

impl Default for Sso {
    fn default() -> Self {
        Self {
            domain: None,
            cookies: Vec::new(),
            keys: Vec::new(),
            skew: Duration::from_secs(60),
            charset: Charset::Lmbcs,
            max_lifetime: None,
            realms: Vec::new(),
            fips: false,
            fallback: false,
            origins: Vec::new(),
            login: None,
            names: NameForm::AsIs,
            delegated: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 100_000,
            connections_per_address: 1_000,
            header_bytes: 32 << 10,
            head_timeout: Duration::from_secs(10),
            tls_handshake_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            message_bytes: 64 << 10,
            watches_per_session: 5_000,
            sessions_per_user: 16,
            session_grace: Duration::from_secs(90),
            login_tries_per_name: 10,
            login_tries_per_address: 100,
            lane_messages: 256,
            drain: Duration::from_secs(30),
            trusted_proxies: Vec::new(),
        }
    }
}

impl Default for CommunityTuning {
    fn default() -> Self {
        Self {
            batch: 250,
            batches_in_flight: 4,
            watches_per_login: None,
            linger: Duration::from_secs(300),
            unknown_after: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            login_timeout: Duration::from_secs(30),
            backoff: (Duration::from_secs(1), Duration::from_secs(300)),
            logins_per_second: 200,
            keepalive: Duration::from_secs(60),
        }
    }
}
