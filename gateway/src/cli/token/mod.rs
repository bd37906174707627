//! `token`: looks into tokens, judges them as the gateway would, and makes some for tests.
//!
//! Tokens and secrets come from files or standard input, never as arguments: every user of a machine can
//! read the arguments of its processes.

mod delegated;
mod input;
mod inspect;
mod mint;
mod problem;
mod vectors;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};
use protocol::ltpa::ring::KeyRing;

pub(super) use input::cookie_of_file;
pub(super) use mint::cookie_of_config;

use super::{EXIT_USAGE, fail};
use crate::auth;
use crate::config::{self, Config};

#[derive(Debug, Args)]
pub(super) struct TokenArguments {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Say in plain words what a token is and what is wrong with it
    Inspect(ShownArguments),
    /// Judge a token as the gateway would: exit code 0 and JSON if it is valid, 1 if it is refused
    Verify(VerifyArguments),
    /// Make a token, for tests and demonstrations; needs the key
    Mint(mint::MintArguments),
}

/// Where a token comes from, and what judges it.
#[derive(Debug, Args)]
struct ShownArguments {
    /// File with a token, a cookie (`LtpaToken=…`) or a Cookie header; standard input if left out
    #[arg(value_name = "FILE")]
    input: Option<PathBuf>,
    /// The configuration file with the cookies and keys
    #[arg(long, value_name = "FILE", default_value = "livename.toml")]
    config: PathBuf,
    /// Unix time to judge at, in seconds, instead of the clock
    #[arg(long, value_name = "SECONDS")]
    now: Option<u64>,
}

#[derive(Debug, Args)]
struct VerifyArguments {
    #[command(flatten)]
    shown: ShownArguments,
    /// Read test vectors, one JSON object a line, and write one result a line; no configuration is read
    #[arg(long, conflicts_with_all = ["config", "now"])]
    json_lines: bool,
}

pub(super) fn token(arguments: TokenArguments) -> ExitCode {
    match arguments.command {
        TokenCommand::Inspect(shown) => inspect::inspect(&shown),
        TokenCommand::Verify(VerifyArguments { shown, json_lines: true }) => {
            vectors::judge(shown.input.as_deref())
        }
        TokenCommand::Verify(VerifyArguments { shown, .. }) => verify::verify(&shown),
        TokenCommand::Mint(arguments) => mint::mint(&arguments),
    }
}

/// The configuration with its ring, or the exit code of what is wrong. There is no ring where a community judges all
/// tokens.
fn site(shown: &ShownArguments) -> Result<(Config, Option<KeyRing>), ExitCode> {
    let config = config::load(&shown.config).map_err(|errors| fail(EXIT_USAGE, errors))?;
    match auth::ring(&config.sso) {
        Ok(None) if config.sso.delegated.is_none() => {
            let text = "there is no key to judge with; add [[sso.key]]";
            Err(fail(EXIT_USAGE, format!("{}: {text}", shown.config.display())))
        }
        Ok(ring) => Ok((config, ring)),
        Err(error) => Err(fail(EXIT_USAGE, error)),
    }
}

fn clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
