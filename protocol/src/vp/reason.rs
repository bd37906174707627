//! Why channels and sessions end, and whether to come back: vp-wire.md 10.

use std::fmt;

/// A return code. The top bit means failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reason(pub u32);

/// What to do after a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Connect again, with growing pauses.
    Backoff,
    /// Connect again, but only once.
    Once,
    /// Connect again with a new token; this one will never do.
    FreshToken,
    /// Connect where the server said.
    Follow,
    /// Not before a person changed something.
    Never,
}

impl Reason {
    /// Whether it is a failure.
    pub fn is_failure(self) -> bool {
        self.0 & 0x8000_0000 != 0
    }

    /// What to do when a session ended with this.
    ///
    /// A code that the notes give no rule for gets [`Retry::Backoff`], unless it says that this user or this
    /// version is not wanted: logging in again could then lock the account, and never help.
    pub fn retry(self) -> Retry {
        match self {
            Self::SIGNED_ON_AGAIN => Retry::Once,
            Self::TOKEN_INVALID | Self::TOKEN_EXPIRED | Self::TOKEN_IP_MISMATCH => Retry::FreshToken,
            Self::CONNECT_ELSEWHERE | Self::REDIRECTED => Retry::Follow,
            Self::VERSION_MISMATCH
            | Self::PROTOCOL_ERROR
            | Self::USER_RESTRICTED
            | Self::INCORRECT_LOGIN
            | Self::ENCRYPTION_MISMATCH
            | Self::UNREGISTERED
            | Self::ALREADY_SIGNED_ON
            | Self::BAD_NAME
            | Self::WRONG_PRIVILEGE
            | Self::TWO_SERVERS
            | Self::TWO_SERVERS_2
            | Self::OTHER_COMPUTER
            | Self::ALREADY_ELSEWHERE
            | Self::HOME_SERVER_TOO_OLD => Retry::Never,
            Self::NOT_AUTHORISED
            | Self::VERSION_UNSUPPORTED
            | Self::USER_NOT_TRUSTED
            | Self::USER_REMOVED => Retry::Never,
            _ => Retry::Backoff,
        }
    }

    /// The code in a few words; `None` if it has no known meaning.
    pub fn text(self) -> Option<&'static str> {
        NAMED.iter().find(|(reason, _)| *reason == self).map(|(_, text)| *text)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:#010x})", self.text().unwrap_or("unknown reason"), self.0)
    }
}

/// Makes the constants and their texts from one table.
macro_rules! reasons {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        impl Reason {
            $(#[doc = concat!("The code for: ", $text, ".")]
            pub const $name: Self = Self($code);)*
        }

        const NAMED: &[(Reason, &str)] = &[$((Reason::$name, $text)),*];
    };
}

reasons! {
    OK = 0x0000_0000, "fine";
    PENDING = 0x0000_0001, "accepted, served later";
    FAILED = 0x8000_0000, "failed";
    INVALID_REQUEST = 0x8000_0001, "invalid request or state";
    NOT_LOGGED_IN = 0x8000_0002, "not logged in";
    NOT_AUTHORISED = 0x8000_0003, "not authorised";
    ABORTED = 0x8000_0004, "aborted";
    NO_SUCH_ELEMENT = 0x8000_0005, "no such element";
    NO_SUCH_USER = 0x8000_0006, "no such user";
    BAD_DATA = 0x8000_0007, "bad data";
    NOT_IMPLEMENTED = 0x8000_0008, "not implemented";
    UNKNOWN = 0x8000_0009, "unknown error";
    OUT_OF_RESOURCES = 0x8000_000a, "out of resources";
    CHANNEL_UNSUPPORTED = 0x8000_000b, "channel unsupported";
    CHANNEL_EXISTS = 0x8000_000c, "channel exists already";
    SERVICE_UNSUPPORTED = 0x8000_000d, "service unsupported";
    PROTOCOL_UNSUPPORTED = 0x8000_000e, "protocol unsupported";
    PROTOCOL_UNSUPPORTED_2 = 0x8000_000f, "protocol unsupported";
    VERSION_UNSUPPORTED = 0x8000_0010, "version unsupported";
    USER_NOT_TRUSTED = 0x8000_0011, "user invalid or not trusted";
    ALREADY_INITIALISED = 0x8000_0013, "already initialised";
    NOT_OWNER = 0x8000_0014, "not the owner";
    TOKEN_INVALID = 0x8000_0015, "token invalid";
    TOKEN_EXPIRED = 0x8000_0016, "token expired";
    TOKEN_IP_MISMATCH = 0x8000_0017, "token made for another address";
    PORT_IN_USE = 0x8000_0018, "port in use";
    NETWORK = 0x8000_0019, "network error";
    NO_MASTER_CHANNEL = 0x8000_001a, "no master channel";
    ALREADY_SUBSCRIBED = 0x8000_001b, "subscribed already";
    NOT_SUBSCRIBED = 0x8000_001c, "not subscribed";
    ENCRYPTION_FAILED = 0x8000_001d, "encryption unsupported or failed";
    ENCRYPTION_NOT_READY = 0x8000_001e, "encryption not initialised";
    ENCRYPTION_TOO_WEAK = 0x8000_001f, "encryption too weak";
    ENCRYPTION_BAD_DATA = 0x8000_0020, "encryption data invalid";
    NO_COMMON_ENCRYPTION = 0x8000_0021, "no common encryption";
    CONNECT_ELSEWHERE = 0x8000_0022, "channel destroyed, connect elsewhere";
    REDIRECTED = 0x8000_0023, "channel redirected";
    VERSION_MISMATCH = 0x8000_0200, "version mismatch";
    NO_BUFFERS = 0x8000_0201, "no buffers";
    NOT_IN_USE = 0x8000_0202, "not in use";
    NO_SOCKETS = 0x8000_0203, "no sockets";
    HARDWARE = 0x8000_0204, "hardware error";
    NETWORK_DOWN = 0x8000_0205, "network down";
    HOST_DOWN = 0x8000_0206, "host down";
    HOST_UNREACHABLE = 0x8000_0207, "host unreachable";
    TCP = 0x8000_0208, "TCP/IP error";
    MESSAGE_TOO_LARGE = 0x8000_0209, "message too large";
    PROXY = 0x8000_020a, "proxy error";
    SERVER_FULL = 0x8000_020b, "server full";
    SERVER_SILENT = 0x8000_020c, "server does not respond";
    CANNOT_CONNECT = 0x8000_020d, "cannot connect";
    USER_REMOVED = 0x8000_020e, "user removed";
    PROTOCOL_ERROR = 0x8000_020f, "protocol error";
    USER_RESTRICTED = 0x8000_0210, "user restricted";
    INCORRECT_LOGIN = 0x8000_0211, "incorrect user name or password";
    ENCRYPTION_MISMATCH = 0x8000_0212, "encryption mismatch";
    UNREGISTERED = 0x8000_0213, "user not registered";
    VERIFICATION_DOWN = 0x8000_0214, "verification service down";
    IDLE_TOO_LONG = 0x8000_0216, "idle for too long";
    GUEST_NAME_IN_USE = 0x8000_0217, "guest name in use";
    ALREADY_SIGNED_ON = 0x8000_0218, "signed on already";
    SIGNED_ON_AGAIN = 0x8000_0219, "signed on again";
    BAD_NAME = 0x8000_021a, "bad name";
    REGISTRATION_MODE = 0x8000_021b, "wrong registration mode";
    WRONG_PRIVILEGE = 0x8000_021c, "wrong privilege";
    NEED_EMAIL = 0x8000_021d, "e-mail address required";
    DNS = 0x8000_021e, "name look-up failed";
    DNS_FATAL = 0x8000_021f, "name look-up failed for good";
    HOST_NOT_FOUND = 0x8000_0220, "host not found";
    CONNECTION_BROKEN = 0x8000_0221, "connection broken";
    CONNECTION_ABORTED = 0x8000_0222, "connection aborted";
    CONNECTION_REFUSED = 0x8000_0223, "connection refused";
    CONNECTION_RESET = 0x8000_0224, "connection reset";
    CONNECTION_TIMED_OUT = 0x8000_0225, "connection timed out";
    CONNECTION_CLOSED = 0x8000_0226, "connection closed";
    TWO_SERVERS = 0x8000_0227, "logged in on two servers";
    TWO_SERVERS_2 = 0x8000_0228, "logged in on two servers";
    OTHER_COMPUTER = 0x8000_0229, "logged in from another computer";
    ALREADY_ELSEWHERE = 0x8000_022a, "logged in elsewhere already";
    SERVER_UNREACHABLE = 0x8000_022b, "server unreachable or misconfigured";
    HOME_SERVER_TOO_OLD = 0x8000_022c, "home server too old";
    RELOGIN = 0x8000_022d, "logged out, log in again";
    PEER_OFFLINE = 0x8000_2000, "not online";
    PEER_DND = 0x8000_2001, "does not want to be disturbed";
    OTHER_NAME = 0x8000_2002, "logged in under another name";
    IM_TYPE_RESERVED = 0x8000_2003, "message type reserved";
    IM_TYPE_TAKEN = 0x8000_2004, "message type registered already";
    IM_TYPE_UNKNOWN = 0x8000_2005, "message type not registered";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_shows_its_text_and_code() {
        assert_eq!(Reason::INCORRECT_LOGIN.to_string(), "incorrect user name or password (0x80000211)");
        assert_eq!(Reason(0x8000_7777).to_string(), "unknown reason (0x80007777)");
        assert!(Reason::FAILED.is_failure() && !Reason::OK.is_failure());
    }

    /// The reconnect policy at the end of vp-wire.md 10, code by code.
    #[test]
    fn retries_follow_the_policy() {
        let expected = |code: u32| match code {
            0x0206..=0x020d | 0x0214 | 0x0221..=0x0226 | 0x022b | 0x022d => Some(Retry::Backoff),
            0x0219 => Some(Retry::Once),
            0x0015..=0x0017 => Some(Retry::FreshToken),
            0x0022 | 0x0023 => Some(Retry::Follow),
            0x0200 | 0x020f..=0x0213 | 0x0218 | 0x021a | 0x021c | 0x0227..=0x022a | 0x022c => {
                Some(Retry::Never)
            }
            _ => None,
        };
        let mut checked = 0;
        for low in 0..0x0300 {
            let Some(retry) = expected(low) else { continue };
            assert_eq!(Reason(0x8000_0000 | low).retry(), retry, "{low:#x}");
            checked += 1;
        }
        assert_eq!(checked, 37);
    }
}
