//! `livename-load community`: a simulated Sametime community as a process. See `docs/simulator.md`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::Args;
use loadtest_sim::control::Control;
use loadtest_sim::model::{CsvError, Directory, Settings};
use loadtest_sim::{Builder, Clock, Simulator, StartError, TokenCheck, tls};
use serde_json::json;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

use crate::tokens::{self, KeyProblem, read_secret};

/// What the community is made of.
#[derive(Debug, Args)]
pub struct CommunityArgs {
    /// Where clients connect
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1533")]
    listen: SocketAddr,
    /// Invent this many people
    #[arg(long, value_name = "N", default_value_t = 300)]
    people: usize,
    /// The seed of invented people and of what they do
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// People from a CSV file (id,short_name,display_name,mail,password) instead of invented ones
    #[arg(long, value_name = "FILE", conflicts_with = "people")]
    directory: Option<PathBuf>,
    /// Accept LTPA tokens made with the Domino secret in this file (base64)
    #[arg(long, value_name = "FILE")]
    domino_secret_file: Option<PathBuf>,
    /// Accept LTPA tokens made with the keys in this file, which was exported from WebSphere
    #[arg(long, value_name = "FILE", requires = "websphere_password_file")]
    websphere_key_file: Option<PathBuf>,
    /// The password of the key file
    #[arg(long, value_name = "FILE", requires = "websphere_key_file")]
    websphere_password_file: Option<PathBuf>,
    /// A new login of a person ends the earlier ones
    #[arg(long)]
    single_login: bool,
    /// Login types that may log in, in hex (14b4,1700); all if left out
    #[arg(long, value_name = "TYPE,...", value_delimiter = ',', value_parser = login_type)]
    allowed_types: Vec<u16>,
    /// Login types that get chats, in hex, best first
    #[arg(long, value_name = "TYPE,...", value_delimiter = ',', value_parser = login_type)]
    preferred_types: Vec<u16>,
    /// How many people, of a hundred, are online without a client
    #[arg(long, value_name = "PERCENT", default_value_t = 80, value_parser = clap::value_parser!(u8).range(0..=100))]
    online: u8,
    /// Status changes a second, in all, of people online without a client
    #[arg(long, value_name = "PER_SECOND", default_value_t = 0.0)]
    change_rate: f64,
    /// Begin the text of these changes with the time in microseconds since 1970
    #[arg(long)]
    stamp: bool,
    /// Stamp by a clock that is so many milliseconds ahead, as one of another machine is
    #[arg(long, value_name = "MS", allow_negative_numbers = true, default_value_t = 0)]
    clock_shift_ms: i64,
    /// Play working days, this many times faster than life, instead of --online
    #[arg(long, value_name = "SPEED", conflicts_with = "online")]
    day: Option<f64>,
    /// Where to serve the control interface; it has no authentication
    #[arg(long, value_name = "ADDR")]
    control: Option<SocketAddr>,
    /// Write {"listen": ..., "control": ...} here once everything listens
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
    /// Speak TLS too, on the same port: the certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

/// Why the community does not run. The text says what to change.
#[derive(Debug, Error)]
pub enum CommunityError {
    /// A port.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The port of the control interface.
    #[error("cannot listen on {addr} for control: {error}")]
    Control {
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// The directory file.
    #[error(transparent)]
    Directory(#[from] CsvError),
    /// The certificate or its key.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// A file cannot be read or written.
    #[error("{file}: {error}")]
    File {
        /// The file.
        file: String,
        /// What the system says.
        error: io::Error,
    },
    /// The secret or the keys of tokens.
    #[error(transparent)]
    Key(#[from] KeyProblem),
    /// Signals cannot be waited for.
    #[error("cannot wait for signals: {0}")]
    Signals(#[source] io::Error),
}

/// Runs the community until SIGTERM or Ctrl-C.
pub async fn run(arguments: CommunityArgs) -> Result<(), CommunityError> {
    let mut terminated = signal(SignalKind::terminate()).map_err(CommunityError::Signals)?;
    let mut interrupted = signal(SignalKind::interrupt()).map_err(CommunityError::Signals)?;
    let simulator = builder(&arguments)?.start().await?;
    enliven(&arguments, &simulator);
    let control = match arguments.control {
        None => None,
        Some(addr) => {
            let started = Control::start(addr, simulator.clone()).await;
            Some(started.map_err(|error| CommunityError::Control { addr, error })?)
        }
    };
    let people = simulator.directory().len();
    info!(listen = %simulator.addr(), people, "the community listens");
    if let Some(file) = &arguments.ready_file {
        let control = control.as_ref().map(|control| control.addr().to_string());
        let ready = json!({ "listen": simulator.addr().to_string(), "control": control });
        write_whole(file, &format!("{ready}\n"))?;
    }
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    info!("the community stops");
    if let Some(control) = control {
        control.stop().await;
    }
    simulator.shut_down().await;
    Ok(())
}

fn builder(arguments: &CommunityArgs) -> Result<Builder, CommunityError> {
    let settings = Settings {
        single_login: arguments.single_login,
        allowed_types: arguments.allowed_types.iter().copied().collect(),
        preferred_types: arguments.preferred_types.clone(),
        ..Settings::default()
    };
    let mut builder = Simulator::builder()
        .people(arguments.people)
        .seed(arguments.seed)
        .listen(arguments.listen)
        .clock(Clock::ahead(arguments.clock_shift_ms.saturating_mul(1000)))
        .settings(settings);
    if let Some(file) = &arguments.directory {
        builder = builder.directory(Directory::from_csv_file(file)?);
    }
    let mut tokens = TokenCheck::none();
    if let Some(file) = &arguments.domino_secret_file {
        tokens = TokenCheck::domino(tokens::domino_secret(file)?).or(tokens);
    }
    if let (Some(file), Some(password)) = (&arguments.websphere_key_file, &arguments.websphere_password_file)
    {
        tokens = tokens.or(TokenCheck::websphere(tokens::verify_key(file, &read_secret(password)?)?));
    }
    builder = builder.tokens(tokens);
    if let (Some(chain), Some(key)) = (&arguments.tls_cert, &arguments.tls_key) {
        builder = builder.tls(tls::from_files(chain, key)?);
    }
    Ok(builder)
}

/// As servers' settings write it: four hex digits, with or without `0x`.
fn login_type(text: &str) -> Result<u16, std::num::ParseIntError> {
    u16::from_str_radix(text.trim_start_matches("0x"), 16)
}

/// Lets people come and change.
fn enliven(arguments: &CommunityArgs, simulator: &Simulator) {
    if let Some(speed) = arguments.day {
        simulator.play_day(arguments.seed, speed);
    } else {
        // Evenly over the directory, so that every part of it has people online.
        let online = usize::from(arguments.online);
        for (index, person) in simulator.directory().people().iter().enumerate() {
            if (index + 1) * online / 100 > index * online / 100 {
                simulator.login_virtual(&person.id);
            }
        }
    }
    simulator.change_rate(arguments.change_rate, arguments.stamp);
}

/// Whoever waits for the file never sees half of it.
fn write_whole(file: &Path, text: &str) -> Result<(), CommunityError> {
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(format!(".{}", std::process::id()));
    let written = fs::write(&unfinished, text).and_then(|()| fs::rename(&unfinished, file));
    written.map_err(|error| unusable(file, error))
}

fn unusable(file: &Path, error: io::Error) -> CommunityError {
    CommunityError::File { file: file.display().to_string(), error }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        community: CommunityArgs,
    }

    #[tokio::test]
    async fn the_rules_of_a_community_come_from_its_arguments() {
        let line = "community --listen 127.0.0.1:0 --people 3 --single-login --allowed-types 14b4,0x1700 \
                    --preferred-types 1700,14b4";
        let Line { community } = Line::try_parse_from(line.split_whitespace()).unwrap();
        let simulator = builder(&community).unwrap().start().await.unwrap();
        simulator.change_settings(|settings| {
            assert!(settings.single_login);
            assert_eq!(settings.allowed_types, [0x14b4, 0x1700].into());
            assert_eq!(settings.preferred_types, [0x1700, 0x14b4]);
        });
        assert!(Line::try_parse_from(["community", "--allowed-types", "many"]).is_err());
    }
}
