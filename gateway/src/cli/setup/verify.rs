//! `setup verify`: the checks, then a real login.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use gateway_setup::config::{Audience, Probe};
use gateway_setup::directory::{password, tls};
use gateway_setup::ini::{IniError, IniFile};
use gateway_setup::verify::{self, Outcome, Resolve, Seen, Verification, Way, check, log_in};

use super::FileArguments;
use super::desk::{Desk, run};
use super::probe::{Door, awareness};
use crate::cli::token::cookie_of_config;
use crate::cli::{EXIT_USAGE, fail, say};

#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    file: FileArguments,
    /// Address to use for a name that DNS does not have yet: HOST:PORT:ADDRESS:PORT; may be given again
    #[arg(long, value_name = "HOST:PORT:ADDRESS:PORT", value_parser = resolution)]
    resolve: Vec<((String, u16), SocketAddr)>,
    /// Make the tokens of the two users with the Domino secret of this gateway's configuration, instead of logging in
    #[arg(long, value_name = "FILE")]
    mint_with: Option<PathBuf>,
    /// notes.ini of a mail server, for the setting of the protocol (C21); may be given again
    #[arg(long, value_name = "FILE")]
    notes_ini: Vec<PathBuf>,
    /// Leave the documents out: only look from outside
    #[arg(long)]
    outside: bool,
    /// Count what cannot be seen from here as failed
    #[arg(long)]
    strict: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn verify(arguments: &VerifyArguments) -> ExitCode {
    run(async {
        let mut desk = Desk::new(&arguments.file.config)?;
        let resolve = Resolve(arguments.resolve.iter().cloned().collect());
        let notes = notes(&arguments.notes_ini)?;
        let mut verification = Verification::default();
        let mut read = None;
        if !arguments.outside {
            let (plan, estate) = desk.plan().await?;
            let users = verify::test_users(&desk.setup, &desk.table, &mut desk.opened).await;
            let users = users.map_err(|error| fail(1, error))?;
            verification.checks = verify::documents(&desk.setup, &desk.table, &estate, &plan, &users);
            read = Some(estate);
        }
        verification.checks.push(verify::protocol(&desk.setup, &notes));
        let seen = read.as_ref().map(|estate| Seen { estate, table: &desk.table });
        outside(&desk, seen, &resolve, arguments.mint_with.as_deref(), &mut verification).await?;
        let verification = verification.sorted();
        let text = if arguments.json {
            format!("{}\n", serde_json::to_string_pretty(&verification).unwrap_or_default())
        } else {
            verification.to_string()
        };
        let said = say(&text);
        Ok(if said == ExitCode::SUCCESS {
            ExitCode::from(verification.exit_code(arguments.strict))
        } else {
            said
        })
    })
}

/// C7, C14 to C16, then awareness through the gateway: C18 and C19.
async fn outside(
    desk: &Desk,
    seen: Option<Seen<'_>>,
    resolve: &Resolve,
    mint: Option<&Path>,
    verification: &mut Verification,
) -> Result<(), ExitCode> {
    let usage = |error: &dyn std::fmt::Display| fail(EXIT_USAGE, format!("probe: {error}"));
    let Some(probe) = &desk.setup.probe else {
        verification.checks.extend(verify::network(&desk.setup, seen, resolve, None, None).await.0);
        let text = "there are no [probe] accounts in setup.toml";
        verification.checks.extend(["C18", "C19"].map(|id| check(id, Outcome::Unknown, text)));
        return Ok(());
    };
    let is_tls = probe.login.tls || probe.events.as_ref().is_some_and(|events| events.tls);
    let config = if is_tls { Some(tls(probe.ca.as_deref()).map_err(|error| usage(&error))?) } else { None };
    let by_hand = "this is not tried from here: two users of ordinary Sametime clients have to do it";
    verification.checks.push(check("C18", Outcome::Unknown, by_hand));
    let tokens = match mint {
        Some(file) => {
            let of = |user: &str| cookie_of_config(file, user).map_err(|error| usage(&error));
            let (one, other) = (of(&probe.user)?, of(&probe.other)?);
            let way = Some((probe, Way::Cookies(&one)));
            let network = verify::network(&desk.setup, seen, resolve, way, config.clone()).await;
            verification.checks.extend(network.0);
            Ok((one, other))
        }
        None => {
            let secret = password(&probe.password, &probe.user).map_err(|error| usage(&error))?;
            let other = password(&probe.other_password, &probe.other).map_err(|error| usage(&error))?;
            let network = verify::network(
                &desk.setup,
                seen,
                resolve,
                Some((probe, Way::Password(&secret))),
                config.clone(),
            )
            .await;
            verification.checks.extend(network.0);
            let mut client = resolve.client(&probe.login, config.clone());
            match (network.1, log_in(&mut client, &probe.other, &other).await) {
                (None, _) => Err("there is no token to log in with (C14)".to_owned()),
                (_, Err(error)) => Err(format!("the other user cannot log in: {error}")),
                (Some(one), Ok(other)) => Ok((one.cookies, other.cookies)),
            }
        }
    };
    verification.checks.push(match (tokens, &probe.events) {
        (_, None) => {
            let text = "there is no address of the gateway's event channel ([probe] events)";
            check("C19", Outcome::Unknown, text)
        }
        (Err(reason), _) => check("C19", Outcome::Unknown, reason),
        (Ok((one, other)), Some(events)) => {
            let door =
                Door { url: events, path: &probe.events_path, resolve, tls: config, page: &probe.login };
            match awareness(&door, &one, &other).await {
                Ok(seen) => check("C19", Outcome::Pass, format!("{seen}{}", note(desk, probe))),
                Err(error) => check("C19", Outcome::Fail, error.to_string()),
            }
        }
    });
    Ok(())
}

/// The files by their names.
fn notes(paths: &[PathBuf]) -> Result<Vec<(String, IniFile)>, ExitCode> {
    let read = |path: &PathBuf| Ok((path.display().to_string(), IniFile::read(path)?));
    paths.iter().map(read).collect::<Result<_, IniError>>().map_err(|error| fail(EXIT_USAGE, error))
}

/// Says so if the pages of users go elsewhere.
fn note(desk: &Desk, probe: &Probe) -> String {
    match (&desk.setup.awareness.audience, &probe.events) {
        (Audience::All { host, .. }, Some(events)) if host.as_str() != events.host => {
            format!("; through {}, while pages are sent to {host}", events.host)
        }
        _ => String::new(),
    }
}

fn resolution(text: &str) -> Result<((String, u16), SocketAddr), String> {
    let parsed = || {
        let (host, rest) = text.split_once(':')?;
        let (port, address) = rest.split_once(':')?;
        Some(((host.to_lowercase(), port.parse().ok()?), address.parse().ok()?))
    };
    parsed().ok_or_else(|| {
        "expected host:port:address:port, such as im.renovation.example:443:10.1.0.5:443".to_owned()
    })
}
