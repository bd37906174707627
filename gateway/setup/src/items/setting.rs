//! The settings that the procedure touches or looks at, whatever their items are called.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

/// A kind of document. The order is that of writing (domino-directory.md 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentKind {
    Connection,
    Sso,
    Server,
    WebSite,
    Configuration,
    Person,
}

impl DocumentKind {
    /// All of them, in the order of writing.
    pub const ALL: [Self; 6] =
        [Self::Connection, Self::Sso, Self::Server, Self::WebSite, Self::Configuration, Self::Person];

    /// The table's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Sso => "sso",
            Self::Server => "server",
            Self::WebSite => "web-site",
            Self::Configuration => "configuration",
            Self::Person => "person",
        }
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connection => "Connection document",
            Self::Sso => "Web SSO Configuration document",
            Self::Server => "Server document",
            Self::WebSite => "Web Site document",
            Self::Configuration => "Configuration Settings document",
            Self::Person => "Person document",
        })
    }
}

macro_rules! settings {
    ($($kind:ident { $($name:ident = $word:literal,)+ })+) => {
        /// One setting of one kind of document.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Setting {
            $($(#[doc = concat!("`", $word, "`")] $name,)+)+
        }

        impl Setting {
            /// All of them, kind by kind.
            pub const ALL: &[Self] = &[$($(Self::$name,)+)+];

            /// The kind of document it is in.
            pub fn kind(self) -> DocumentKind {
                match self {
                    $($(Self::$name)|+ => DocumentKind::$kind,)+
                }
            }

            /// The table's word for it, without the kind: `source`.
            pub fn word(self) -> &'static str {
                match self {
                    $($(Self::$name => $word,)+)+
                }
            }
        }
    };
}

settings! {
    Connection {
        ConnectionLink = "link",
        ConnectionSource = "source",
        ConnectionSourceDomain = "source-domain",
        ConnectionDestination = "destination",
        ConnectionDestinationDomain = "destination-domain",
        ConnectionPort = "port",
        ConnectionEnabled = "enabled",
        ConnectionTasks = "tasks",
        ConnectionInterval = "interval",
        ConnectionFiles = "files",
    }
    Sso {
        SsoName = "name",
        SsoOrganization = "organization",
        SsoDomain = "domain",
        SsoExpiration = "expiration",
        SsoServers = "servers",
        SsoSecret = "secret",
        SsoIdle = "idle",
        SsoIdleMinutes = "idle-minutes",
        SsoTokenFormat = "token-format",
    }
    Server {
        ServerName = "name",
        ServerHost = "host",
        ServerSession = "session",
        ServerSso = "sso",
        ServerPassword = "password",
        ServerPasswordTls = "password-tls",
        ServerTlsPort = "tls-port",
        ServerInternetSites = "internet-sites",
        ServerDomain = "domain",
    }
    WebSite {
        SiteName = "name",
        SiteOrganization = "organization",
        SiteAddresses = "addresses",
        SiteServers = "servers",
        SitePassword = "password",
        SitePasswordTls = "password-tls",
        SiteSession = "session",
        SiteSso = "sso",
    }
    Configuration {
        ConfigurationAppliesTo = "applies-to",
        ConfigurationDefault = "default",
        ConfigurationImEnabled = "im-enabled",
        ConfigurationImHost = "im-host",
        ConfigurationSecrets = "secrets",
    }
    Person {
        PersonName = "name",
        PersonShortName = "short-name",
        PersonMailServer = "mail-server",
        PersonMailFile = "mail-file",
        PersonSametimeServer = "sametime-server",
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind().word(), self.word())
    }
}

impl FromStr for Setting {
    type Err = String;

    /// As it is shown: `configuration.im-host`.
    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Self::ALL.iter().copied();
        known().find(|setting| setting.to_string() == text).ok_or_else(|| {
            let words: Vec<String> = known().map(|setting| setting.to_string()).collect();
            format!("there is no setting \"{text}\"; known are {}", words.join(", "))
        })
    }
}

impl Serialize for Setting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
