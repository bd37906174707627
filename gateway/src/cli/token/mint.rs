//! `token mint`: tokens for tests and demonstrations. The token goes to standard output and nowhere else.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};
use protocol::ltpa::domino::{self, DominoSecret};
use protocol::ltpa::keyfile::KeyFile;
use protocol::ltpa::websphere::{SigningKey, Version};
use protocol::ltpa::{Charset, SystemSeconds, lmbcs};
use protocol::secret::Secret;

use super::clock;
use crate::cli::{EXIT_USAGE, fail, say};
use crate::config::{self, KeyMaterial, TokenFormat, read_secret};

/// How long a token for a probe lives, in seconds.
const LIFETIME: u64 = 300;

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("source").required(true).args(["config", "secret_file", "key_file"])))]
pub(super) struct MintArguments {
    /// The user, spelled as the token shall have it
    #[arg(long, value_name = "NAME")]
    user: String,
    /// Take a Domino secret from this configuration: the first one, or that of --key
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Id of the key in the configuration
    #[arg(long, value_name = "ID", requires = "config")]
    key: Option<String>,
    /// File with the value of LTPA_DominoSecret
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Key file that was exported from WebSphere, private key included
    #[arg(long, value_name = "FILE", requires = "password_file")]
    key_file: Option<PathBuf>,
    /// File with the password of the key file
    #[arg(long, value_name = "FILE", requires = "key_file")]
    password_file: Option<PathBuf>,
    /// Format of a token that is made with a key file
    #[arg(long, value_enum, default_value = "ltpa2", requires = "key_file")]
    format: WebSphereFormat,
    /// Realm of a token that is made with a key file, instead of the file's own
    #[arg(long, value_name = "REALM", requires = "key_file")]
    realm: Option<String>,
    /// How long it is valid, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1800)]
    lifetime: u32,
    /// Unix time at which its life begins, in seconds, instead of now
    #[arg(long, value_name = "SECONDS")]
    created: Option<u64>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum WebSphereFormat {
    Ltpa1,
    Ltpa2,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
enum MintError {
    #[error(transparent)]
    Config(#[from] config::ConfigErrors),
    #[error(transparent)]
    File(#[from] config::FileError),
    #[error("{}: {}", .0.display(), .1)]
    Key(PathBuf, String),
    #[error("the configuration has no such key of format \"domino\"; give --secret-file or --key-file")]
    NoKey,
    #[error("the key file names no realm; give --realm")]
    NoRealm,
    #[error("the life of the token ends after the end of time")]
    Time,
    #[error(transparent)]
    Domino(#[from] domino::MintError),
    #[error("{0}")]
    WebSphere(#[from] protocol::ltpa::websphere::MintError),
}

pub(super) fn mint(arguments: &MintArguments) -> ExitCode {
    match made(arguments) {
        Ok(token) => say(&format!("{token}\n")),
        Err(error) => fail(EXIT_USAGE, error),
    }
}

fn made(arguments: &MintArguments) -> Result<String, MintError> {
    let created = arguments.created.unwrap_or_else(clock);
    let lifetime = Duration::from_secs(arguments.lifetime.into()).as_secs();
    let expires = created.checked_add(lifetime).ok_or(MintError::Time)?;
    if let (Some(file), Some(password)) = (&arguments.key_file, &arguments.password_file) {
        return websphere(arguments, file, password, expires);
    }
    let (secret, charset) = match (&arguments.secret_file, &arguments.config) {
        (Some(file), _) => (secret_of_file(file)?, Charset::Lmbcs),
        (None, Some(file)) => secret_of_config(file, arguments.key.as_deref())?,
        (None, None) => return Err(MintError::NoKey),
    };
    let name = spelled(&arguments.user, charset);
    Ok(domino::mint(&name, SystemSeconds(created), SystemSeconds(expires), &secret)?)
}

fn websphere(
    arguments: &MintArguments,
    file: &Path,
    password: &Path,
    expires: u64,
) -> Result<String, MintError> {
    let wrong = |problem: String| MintError::Key(file.to_owned(), problem);
    let (text, password) = (read_secret(file)?, read_secret(password)?);
    let text = std::str::from_utf8(text.expose()).map_err(|_| wrong("is not text".to_owned()))?;
    let keys = KeyFile::read(text, &password).map_err(|error| wrong(error.to_string()))?;
    let realm = arguments.realm.as_deref().or(keys.realm()).ok_or(MintError::NoRealm)?;
    let version = match arguments.format {
        WebSphereFormat::Ltpa1 => Version::One,
        WebSphereFormat::Ltpa2 => Version::Two,
    };
    let expires_ms = expires.checked_mul(1000).ok_or(MintError::Time)?;
    Ok(SigningKey::new(&keys)?.mint(version, realm, &arguments.user, expires_ms)?)
}

fn secret_of_file(file: &Path) -> Result<DominoSecret, MintError> {
    let text = read_secret(file)?;
    std::str::from_utf8(text.expose())
        .ok()
        .and_then(|text| DominoSecret::from_base64(text).ok())
        .ok_or_else(|| MintError::Key(file.to_owned(), domino::BadSecret.to_string()))
}

/// Cookie with a token for a user, made with the first Domino secret of a gateway's configuration.
pub(in crate::cli) fn cookie_of_config(file: &Path, user: &str) -> Result<Secret, String> {
    let config = config::load(file).map_err(|error| error.to_string())?;
    let domino = config.sso.cookies.iter().find(|cookie| cookie.format == TokenFormat::Domino);
    let cookie = domino.ok_or_else(|| format!("{}: no cookie has the format \"domino\"", file.display()))?;
    let (secret, charset) = secret_of_config(file, None).map_err(|error| error.to_string())?;
    let created = clock();
    let expires = SystemSeconds(created.saturating_add(LIFETIME));
    let token = domino::mint(&spelled(user, charset), SystemSeconds(created), expires, &secret);
    let token = token.map_err(|error| error.to_string())?;
    Ok(Secret::new(format!("{}={token}", cookie.name).into_bytes()))
}

fn spelled(user: &str, charset: Charset) -> Vec<u8> {
    match charset {
        Charset::Lmbcs => lmbcs::encode(user),
        Charset::Utf8 => user.as_bytes().to_vec(),
    }
}

fn secret_of_config(file: &Path, id: Option<&str>) -> Result<(DominoSecret, Charset), MintError> {
    let config = config::load(file)?;
    let mut keys = config.sso.keys.iter().filter(|key| id.is_none_or(|id| key.id == id));
    let secret = keys.find_map(|key| match &key.material {
        KeyMaterial::Domino(secret) => DominoSecret::from_bytes(secret.expose()).ok(),
        KeyMaterial::WebSphere(_) => None,
    });
    Ok((secret.ok_or(MintError::NoKey)?, config.sso.charset))
}
