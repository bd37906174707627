//! The set-up as types that cannot be wrong.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Serialize;

use crate::items::DocumentKind;
use crate::names::{DnsDomain, HostName, NotesName};

/// The port of a community server.
pub const COMMUNITY_PORT: u16 = 1533;

/// Everything that `setup.toml` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    pub topology: Topology,
    /// In the order of the file: the first one of a domain that reaches a kind of document writes it, the others
    /// are compared.
    pub directories: Vec<Access>,
    /// At least one of each role.
    pub servers: Vec<Server>,
    pub sso: Sso,
    pub awareness: Awareness,
    pub gateway: Option<Gateway>,
    pub connection: ConnectionOptions,
    /// File that overrides entries of the item table.
    pub items: Option<PathBuf>,
    /// Whether items are written that neither their form nor any document has.
    pub force_items: bool,
    pub probe: Option<Probe>,
}

impl Setup {
    /// The mail servers.
    pub fn inotes(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter().filter(|server| server.role == Role::Inotes)
    }

    /// The Sametime servers.
    pub fn sametime(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter().filter(|server| server.role == Role::Sametime)
    }

    /// The Domino domains that have a directory here, each once, in the order of the file.
    pub fn domains(&self) -> Vec<&str> {
        let mut domains: Vec<&str> = Vec::new();
        for directory in &self.directories {
            if !domains.iter().any(|known| known.eq_ignore_ascii_case(&directory.domain)) {
                domains.push(&directory.domain);
            }
        }
        domains
    }

    /// The Domino domains of the mail servers, each once.
    pub fn mail_domains(&self) -> Vec<&str> {
        let mut domains: Vec<&str> = Vec::new();
        for server in self.inotes() {
            if !domains.iter().any(|known| known.eq_ignore_ascii_case(&server.domain)) {
                domains.push(&server.domain);
            }
        }
        domains
    }

    /// The access through which a domain's documents of a kind are written, as `Estate::written`.
    pub fn written(&self, domain: &str, kind: DocumentKind) -> Option<&Access> {
        let mut accesses =
            self.directories.iter().filter(|access| access.domain.to_lowercase() == domain.to_lowercase());
        accesses.clone().find(|access| access.path.reaches(kind)).or_else(|| accesses.next())
    }
}

/// How the servers' directories relate (domino-directory.md 1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topology {
    /// One domain, Sametime clustered with the registration server: no Connection documents.
    SameDomain,
    /// One domain, not clustered with the registration server.
    NotClustered,
    /// Two domains with a directory each.
    DifferentDomains,
    /// Sametime 12 without Domino: LTPA keys are imported, names are those of LDAP.
    Sametime12,
}

/// What a server does here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Inotes,
    Sametime,
}

/// One server of the procedure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub role: Role,
    /// `None` only for a Sametime 12 server, which has no Server document.
    pub name: Option<NotesName>,
    /// Its Domino domain.
    pub domain: String,
    pub host: HostName,
    /// Its web server, for checks from outside, if it is not where the probe's user logs in.
    pub web: Option<Url>,
}

/// One way to a replica of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    pub name: String,
    /// Domino domain whose directory it is.
    pub domain: String,
    /// The server that is asked, if it is one of the set-up.
    pub server: Option<NotesName>,
    pub path: WritePath,
    /// `https://mail1.renovation.example:8880`, `ldaps://…`; absent for files.
    pub url: Option<Url>,
    /// DRAPI: name of the scope. DAS: path of the database.
    pub database: String,
    /// LDAP: where the search starts.
    pub base: String,
    pub user: Option<String>,
    pub password: Password,
    /// PEM file with the authorities that are trusted; the system's if absent.
    pub ca: Option<PathBuf>,
    /// Whether the password may cross a network in the clear.
    pub plain: bool,
    /// Documents a request asks for at most.
    pub page: u32,
}

/// How documents are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WritePath {
    /// Domino REST API.
    Drapi,
    /// Domino Access Services.
    Das,
    /// LDAP: only the Sametime server of persons.
    Ldap,
    /// Nothing is reached from here: files and instructions.
    Files,
}

impl WritePath {
    /// Whether documents of a kind can be written this way.
    pub fn reaches(self, kind: DocumentKind) -> bool {
        self != Self::Ldap || kind == DocumentKind::Person
    }
}

/// Where a service is. Credentials in a URL are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    pub tls: bool,
    /// Host name or address, IPv6 without brackets.
    pub host: String,
    pub port: u16,
}

impl Url {
    /// Whether what is sent there can be read on a network.
    pub fn is_open(&self) -> bool {
        let loopback = match self.host.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => self.host.eq_ignore_ascii_case("localhost"),
        };
        !self.tls && !loopback
    }
}

/// Where a password comes from. Never from the file itself, an argument or a plain variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Password {
    File(PathBuf),
    /// A file descriptor that the caller has opened.
    Descriptor(u32),
    /// The terminal.
    Prompt,
}

/// Single sign-on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sso {
    /// Name of the configuration: `LtpaToken`.
    pub name: String,
    pub domain: DnsDomain,
    /// Minutes; `None` leaves Domino's own.
    pub expiration: Option<u32>,
    /// The site's organization where servers use Internet Sites; blank otherwise.
    pub organization: Option<String>,
    pub method: SsoMethod,
    /// What the keys' other user says of its tokens (Sametime 12).
    pub peer: Option<PeerTokens>,
}

/// How users prove themselves to Sametime (domino-directory.md 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SsoMethod {
    Ltpa,
    /// The old databases; Server and SSO documents are left alone.
    SecretsAndTokens,
}

/// The token settings on the Sametime side, compared with those of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerTokens {
    pub format: TokenFormat,
    /// Minutes.
    pub lifetime: u32,
}

/// Which tokens are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenFormat {
    Ltpa1,
    Ltpa2,
    Both,
}

impl TokenFormat {
    /// The cookies, for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ltpa1 => "LtpaToken",
            Self::Ltpa2 => "LtpaToken2",
            Self::Both => "LtpaToken and LtpaToken2",
        }
    }
}

/// Who gets awareness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awareness {
    pub audience: Audience,
    /// Whether a Person document that names another Sametime server is changed.
    pub overwrite: bool,
}

/// See [`Awareness`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody of the mail servers, by host name in the Configuration Settings document.
    All { host: HostName, applies_to: AppliesTo },
    /// Everybody whose mail is on one of the mail servers, by server name in the Person documents.
    MailServers { sametime: NotesName },
    /// Those who are listed, by server name in the Person documents.
    Persons { names: Vec<NotesName>, sametime: NotesName },
}

/// Which Configuration Settings documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppliesTo {
    /// The default document, for all servers of the domain.
    Everything,
    /// One document for each.
    Servers(Vec<NotesName>),
}

/// The gateway in front of Sametime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    pub host: HostName,
    pub http: bool,
    pub https: bool,
}

/// Choices about Connection documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionOptions {
    /// Server names instead of domain names in the domain fields, as the procedure says word by word.
    pub literal: bool,
    /// Minutes.
    pub interval: u32,
    /// The server on which people are registered, if it is not the first mail server.
    pub registration: Option<NotesName>,
}

/// Accounts for the checks that log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The user who looks.
    pub user: String,
    pub password: Password,
    /// Where this user logs in, `https://mail1.renovation.example`.
    pub login: Url,
    /// The user who is looked at.
    pub other: String,
    pub other_password: Password,
    /// Where the gateway's event channel is.
    pub events: Option<Url>,
    /// Its path there: `/livename/v1/events`, below the path of the gateway's route.
    pub events_path: String,
    /// The community server at which both log in directly.
    pub community: Option<CommunityServer>,
    pub ca: Option<PathBuf>,
}

/// Where a community server listens: `sametime.renovation.example`, with or without `:1533`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommunityServer {
    /// Host name or address, IPv6 without brackets.
    pub host: String,
    pub port: u16,
}

/// A text that says no such place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected HOST or HOST:PORT, such as sametime.renovation.example:1533")]
pub struct BadCommunityServer;

impl FromStr for CommunityServer {
    type Err = BadCommunityServer;

    fn from_str(text: &str) -> Result<Self, BadCommunityServer> {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, port.parse().map_err(|_| BadCommunityServer)?)
            }
            _ => (text, COMMUNITY_PORT),
        };
        let host = host.trim_matches(['[', ']']);
        if host.is_empty() || port == 0 || host.contains(['/', '@', '?', '#', ' ', '=']) {
            return Err(BadCommunityServer);
        }
        Ok(Self { host: host.to_owned(), port })
    }
}
