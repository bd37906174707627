//! TOML values as types, and back as literals for `print-config`.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use protocol::ltpa::Charset;
use toml::de::DeValue;

use super::{
    AccessFormat, AuthPolicy, Cors, LogFormat, NameForm, Network, OriginHeader, OwnPresence, ProxyVersion,
    Redirect, Retry, SametimeProtocol, TokenForm, TokenFormat,
};

/// Something that one value of the file can be read as.
pub(super) trait FromValue: Sized {
    /// Completes "expected …".
    fn expected() -> String;
    fn read(value: &DeValue<'_>) -> Result<Self, Wrong>;
    /// As it is written in a file.
    fn literal(&self) -> String;
}

/// Why a value cannot be read.
pub(super) enum Wrong {
    /// Of another type.
    Type,
    /// Of the right type; the text says what is wrong with it.
    Value(String),
}

/// An enum whose values have names in the file.
pub(super) trait Words: Copy + PartialEq + 'static {
    const WORDS: &'static [(&'static str, Self)];
}

/// The privacy modes that a file may name; not all are built.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum PrivacyWord {
    Own,
    Probe,
    Trust,
}

/// The key formats that a file may name.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum KeyWord {
    Domino,
    Websphere,
}

/// The oldest TLS that is spoken to an upstream.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum TlsWord {
    Tls12,
    Tls13,
}

/// How pages may log in.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum LoginWord {
    Token,
    Password,
    Anonymous,
}

/// What becomes of chats.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum ChatWord {
    Refused,
    Here,
}

/// Where a redirect leads.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum SchemeWord {
    Http,
    Https,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum ServeWord {
    Awareness,
}

/// One segment of a path.
pub(super) struct AffinityId(pub(super) String);

/// `"0x14b4"` or a number.
#[derive(Clone, Copy)]
pub(super) struct LoginType(pub(super) u16);

/// A string as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

macro_rules! words {
    ($type:ty: $($word:literal = $variant:ident),+) => {
        impl Words for $type {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];
        }
    };
}

words!(OwnPresence: "login" = Login, "off" = Off);
words!(PrivacyWord: "own" = Own, "probe" = Probe, "trust" = Trust);
words!(TokenForm: "raw" = Raw, "string" = String, "dh" = Dh);
words!(Redirect: "reconnect" = Reconnect, "continue" = Continue);
words!(AuthPolicy: "required" = Required, "optional" = Optional, "off" = Off);
words!(SametimeProtocol: "page" = Page, "http" = Http, "https" = Https);
words!(Charset: "lmbcs" = Lmbcs, "utf-8" = Utf8);
words!(NameForm: "as_is" = AsIs, "domino" = Domino, "ldap" = Ldap);
words!(AccessFormat: "json" = Json, "combined" = Combined);
words!(LogFormat: "text" = Text, "json" = Json);
words!(TokenFormat: "domino" = Domino, "ltpa1" = Ltpa1, "ltpa2" = Ltpa2);
words!(KeyWord: "domino" = Domino, "websphere" = Websphere);
words!(LoginWord: "token" = Token, "password" = Password, "anonymous" = Anonymous);
words!(ChatWord: "refused" = Refused, "here" = Here);
words!(SchemeWord: "http" = Http, "https" = Https);
words!(Cors: "upstream" = Upstream, "gateway" = Gateway);
words!(OriginHeader: "upstream" = Upstream, "page" = Page);
words!(ServeWord: "awareness" = Awareness);
words!(Retry: "unsent" = Unsent, "idempotent" = Idempotent);
words!(ProxyVersion: "v1" = V1, "v2" = V2);
words!(TlsWord: "1.2" = Tls12, "1.3" = Tls13);

impl<T: Words> FromValue for T {
    fn expected() -> String {
        let words: Vec<_> = T::WORDS.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        words.join(" or ")
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let text = text(value)?;
        let found = T::WORDS.iter().find(|(word, _)| *word == text);
        found
            .map(|(_, value)| *value)
            .ok_or_else(|| Wrong::Value(format!("expected {}, found \"{text}\"", Self::expected())))
    }

    fn literal(&self) -> String {
        let word = T::WORDS.iter().find(|(_, value)| value == self).map_or("", |(word, _)| *word);
        quoted(word)
    }
}

impl FromValue for String {
    fn expected() -> String {
        "a string".to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        match text(value)? {
            "" => Err(Wrong::Value("must not be empty".to_owned())),
            text => Ok(text.to_owned()),
        }
    }

    fn literal(&self) -> String {
        quoted(self)
    }
}

impl FromValue for bool {
    fn expected() -> String {
        "true or false".to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        value.as_bool().ok_or(Wrong::Type)
    }

    fn literal(&self) -> String {
        self.to_string()
    }
}

macro_rules! numbers {
    ($($type:ty),+) => {$(
        impl FromValue for $type {
            fn expected() -> String {
                "a whole number".to_owned()
            }

            fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
                number(value)?.try_into().map_err(|_| Wrong::Value(format!("must be within 0 and {}", <$type>::MAX)))
            }

            fn literal(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

numbers!(u32, usize);

impl FromValue for LoginType {
    fn expected() -> String {
        "a login type such as \"0x14b4\"".to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let wrong = || Wrong::Value("expected a login type from \"0x0000\" to \"0xffff\"".to_owned());
        let DeValue::String(text) = value else {
            return number(value)?.try_into().map(Self).map_err(|_| wrong());
        };
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).ok_or_else(wrong)?;
        u16::from_str_radix(digits, 16).map(Self).map_err(|_| wrong())
    }

    fn literal(&self) -> String {
        format!("\"0x{:04x}\"", self.0)
    }
}

impl FromValue for AffinityId {
    fn expected() -> String {
        "the id itself such as \"st01\"".to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        if value.as_bool().is_some() {
            // As it was written once.
            let wrong = "write the id itself, such as \"st01\", instead of true; leave the key out for none";
            return Err(Wrong::Value(wrong.to_owned()));
        }
        let id = text(value)?;
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if id.is_empty() || matches!(id, "." | "..") || !id.bytes().all(legal) {
            let wrong = format!("expected one segment of the path such as \"st01\", found {}", quoted(id));
            return Err(Wrong::Value(wrong));
        }
        Ok(Self(id.to_owned()))
    }

    fn literal(&self) -> String {
        quoted(&self.0)
    }
}

impl FromValue for Duration {
    fn expected() -> String {
        "a duration such as \"250ms\", \"5s\", \"5min\" or \"1h\"".to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let text = text(value)?;
        let wrong = || Wrong::Value(format!("expected {}, found \"{text}\"", Self::expected()));
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (count, unit) = text.split_at_checked(digits).ok_or_else(wrong)?;
        let factor =
            UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor).ok_or_else(wrong)?;
        let millis = count.parse::<u64>().ok().and_then(|count| count.checked_mul(factor));
        millis.map(Self::from_millis).ok_or_else(wrong)
    }

    fn literal(&self) -> String {
        let millis = u64::try_from(self.as_millis()).unwrap_or(u64::MAX);
        let (unit, factor) = UNITS
            .iter()
            .find(|(_, factor)| millis > 0 && millis.is_multiple_of(*factor))
            .unwrap_or(&("ms", 1));
        format!("\"{}{unit}\"", millis / factor)
    }
}

/// Largest first; factors to milliseconds.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1)];

macro_rules! addresses {
    ($($type:ty: $expected:literal),+) => {$(
        impl FromValue for $type {
            fn expected() -> String {
                $expected.to_owned()
            }

            fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
                parsed(value, $expected)
            }

            fn literal(&self) -> String {
                quoted(&self.to_string())
            }
        }
    )+};
}

addresses!(
    SocketAddr: "an IP address and a port such as \"0.0.0.0:80\" or \"[::]:80\"",
    IpAddr: "an IP address such as \"10.1.0.5\"",
    Network: "an address or a network such as \"10.1.0.0/16\""
);

fn parsed<T: FromStr + Display>(value: &DeValue<'_>, expected: &str) -> Result<T, Wrong> {
    let text = text(value)?;
    text.parse().map_err(|_| Wrong::Value(format!("expected {expected}, found \"{text}\"")))
}

fn text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, Wrong> {
    value.as_str().ok_or(Wrong::Type)
}

fn number(value: &DeValue<'_>) -> Result<i64, Wrong> {
    let integer = value.as_integer().ok_or(Wrong::Type)?;
    i64::from_str_radix(integer.as_str(), integer.radix())
        .map_err(|_| Wrong::Value("the number is too large".to_owned()))
}
