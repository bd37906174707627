//! Configuration: one TOML file, read and checked in full before anything starts.
//!
//! `section` reads the document key by key and gathers mistakes, `check` makes the types of `checked` from
//! it, `keys` has every key with its meaning. Files that the configuration names are opened here too: a
//! configuration that loads can be run.

mod access_log;
mod check;
mod checked;
mod errors;
mod explain;
mod files;
mod keys;
mod login_page;
mod logins;
mod moment;
mod names;
mod network;
mod origin;
mod pages;
mod pilot;
mod redirect;
mod rewrite;
mod section;
#[cfg(test)]
mod tests;
pub mod tls;
mod unknown;
mod upstream;
mod value;

use std::net::SocketAddr;
use std::path::Path;

use toml::de::DeTable;

use section::Reader;
use value::FromValue;

pub use access_log::{AccessFormat, AccessLogging};
pub use rewrite::{Address, Rewrite};

pub use checked::*;
pub use errors::{ConfigError, ConfigErrors};
pub use files::{FileError, read_secret};
pub use keys::reference;
pub use login_page::LoginPage;
pub use logins::Logins;
pub use moment::Moment;
pub use names::NameTuning;
pub use network::{Network, NetworkError, in_any};
pub use origin::{Origin, is_below};
pub use pages::{Cors, OriginHeader, PageRules};
pub use pilot::Pilot;
pub use redirect::SchemeRedirect;
pub use upstream::{
    Check, Health, PoolBounds, ProxyVersion, Retry, SametimeProtocol, Upstream, UpstreamRoute,
};

/// The configuration of a file, or everything that is wrong with it.
pub fn load(path: &Path) -> Result<Config, ConfigErrors> {
    load_with_text(path).map(|(config, _)| config)
}

/// The effective configuration as TOML: what the file says and the defaults of what it does not say. Files
/// appear by absolute name, secrets never.
pub fn print(path: &Path) -> Result<String, ConfigErrors> {
    load_with_text(path).map(|(_, text)| text)
}

/// Only the admin address, from a file that may be wrong otherwise: a reload has to reach the program to
/// be refused by it.
pub fn admin_address(path: &Path) -> Result<SocketAddr, ConfigErrors> {
    let text = read(path)?;
    let (document, _) = DeTable::parse_recoverable(&text);
    let admin = document.get_ref().get("listen").and_then(|listen| listen.get_ref().get("admin"));
    Ok(admin.and_then(|admin| SocketAddr::read(admin.get_ref()).ok()).unwrap_or(check::DEFAULT_ADMIN))
}

/// The place of addresses that cannot be listened on, with what is wrong with each.
pub fn taken_addresses(path: &Path, taken: &[(SocketAddr, String)]) -> ConfigErrors {
    let text = read(path).unwrap_or_default();
    let (document, _) = DeTable::parse_recoverable(&text);
    let listen = document.get_ref().get("listen").map(|listen| listen.get_ref());
    let place = |address: &SocketAddr| {
        for key in ["http", "https", "admin"] {
            let Some(value) = listen.and_then(|listen| listen.get(key)) else { continue };
            let single = std::slice::from_ref(value);
            let values = value.get_ref().as_array().map_or(single, |array| array.as_ref());
            let found = values.iter().find(|value| SocketAddr::read(value.get_ref()).ok() == Some(*address));
            if let Some(found) = found {
                let before = text.get(..found.span().start).unwrap_or_default();
                return (before.matches('\n').count() + 1, key);
            }
        }
        // Only the admin address has a default.
        (0, "admin")
    };
    let errors = taken.iter().map(|(address, message)| {
        let (line, key) = place(address);
        let (key, message) = (format!("listen.{key}"), message.clone());
        ConfigError { file: path.to_owned(), line, key, message }
    });
    ConfigErrors(errors.collect())
}

fn load_with_text(path: &Path) -> Result<(Config, String), ConfigErrors> {
    let text = read(path)?;
    let reader = Reader::new(path, &text);
    let (document, mistakes) = DeTable::parse_recoverable(&text);
    for mistake in &mistakes {
        reader.wrong(mistake.span().map_or(0, |span| span.start), "", mistake.message());
    }
    // What is left of a broken document would be blamed for what the breakage has swallowed.
    reader.finish()?;
    let root = reader.root(document.get_ref());
    let config = check::document(&root);
    unknown::check(&reader, &root);
    reader.finish()?;
    Ok((config, reader.effective()))
}

fn read(path: &Path) -> Result<String, ConfigErrors> {
    std::fs::read_to_string(path).map_err(|error| whole(path, format!("cannot be read: {error}")))
}

fn whole(path: &Path, message: String) -> ConfigErrors {
    ConfigErrors(vec![ConfigError { file: path.to_owned(), line: 0, key: String::new(), message }])
}
