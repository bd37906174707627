//! `setup verify`: the checks, then a real login.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use gateway_setup::config::{Audience, CommunityServer, Probe};
use gateway_setup::directory::{password, tls};
use gateway_setup::ini::{IniError, IniFile};
use gateway_setup::verify::{self, Outcome, Resolve, Seen, Verification, Way, check, log_in};
use protocol::secret::Secret;

use super::FileArguments;
use super::community::{community, look, with_password, with_token};
use super::desk::{Desk, run};
use super::probe::{Door, awareness};
use crate::cli::token::{cookie_of_config, cookie_of_file};
use crate::cli::{EXIT_USAGE, fail, say};
use crate::community::Account;

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
    /// File with the token or cookie of the first user, instead of logging in; with --other-token
    #[arg(long, value_name = "FILE", requires = "other_token", conflicts_with = "mint_with")]
    token: Option<PathBuf>,
    /// The same of the other user
    #[arg(long, value_name = "FILE", requires = "token")]
    other_token: Option<PathBuf>,
    /// Community server at which both users log in directly, before there is a gateway (C18)
    #[arg(long, value_name = "HOST:PORT")]
    community: Option<CommunityServer>,
    /// Log in to the community as this gateway's configuration says: servers, TLS, login type, form of the token
    #[arg(long, value_name = "FILE")]
    gateway: Option<PathBuf>,
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
        let open = if arguments.outside { Desk::offline } else { Desk::new };
        let mut desk = open(&arguments.file.config)?;
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
        outside(&desk, seen, &resolve, arguments, &mut verification).await?;
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

/// C7, C14 to C16, then the community itself and awareness through the gateway: C18 and C19.
async fn outside(
    desk: &Desk,
    seen: Option<Seen<'_>>,
    resolve: &Resolve,
    arguments: &VerifyArguments,
    verification: &mut Verification,
) -> Result<(), ExitCode> {
    let checks = &mut verification.checks;
    let Some(probe) = &desk.setup.probe else {
        checks.extend(verify::network(&desk.setup, seen, resolve, None, None).await.0);
        let text = "there are no [probe] accounts in setup.toml";
        checks.extend(["C18", "C19"].map(|id| check(id, Outcome::Unknown, text)));
        return Ok(());
    };
    let server = arguments.community.as_ref().or(probe.community.as_ref());
    let community = community(arguments.gateway.as_deref(), server, resolve);
    let community = community.map_err(|error| usage(&error))?;
    let webs = desk.setup.servers.iter().filter_map(|server| server.web.as_ref());
    let is_tls = webs.chain([&probe.login]).chain(&probe.events).any(|url| url.tls);
    let config = if is_tls { Some(tls(probe.ca.as_deref()).map_err(|error| usage(&error))?) } else { None };

    let proofs = match arguments.given(probe).map_err(|error| usage(&error))? {
        Some((one, other)) => {
            let way = Some((probe, Way::Cookies(&one)));
            checks.extend(verify::network(&desk.setup, seen, resolve, way, config.clone()).await.0);
            Proofs { tokens: Ok((one, other)), passwords: None }
        }
        None => {
            let one = password(&probe.password, &probe.user).map_err(|error| usage(&error))?;
            let other = password(&probe.other_password, &probe.other).map_err(|error| usage(&error))?;
            let way = Some((probe, Way::Password(&one)));
            let network = verify::network(&desk.setup, seen, resolve, way, config.clone()).await;
            checks.extend(network.0);
            let mut client = resolve.client(&probe.login, config.clone());
            let tokens = match (network.1, log_in(&mut client, &probe.other, &other).await) {
                (None, _) => Err("there is no token to log in with (C14)".to_owned()),
                (_, Err(error)) => Err(format!("the other user cannot log in: {error}")),
                (Some(one), Ok(other)) => Ok((one.cookies, other.cookies)),
            };
            Proofs { tokens, passwords: Some((one, other)) }
        }
    };

    let (c18, direct) = match (&community, proofs.accounts(probe)) {
        (Some(community), Some((one, other))) => {
            let (c18, c19) = look(community, one, other).await;
            (c18, Some(c19))
        }
        (Some(_), None) => (check("C18", Outcome::Unknown, "there is no token to log in with"), None),
        (None, _) => {
            let text = "no community server is named (--community, --gateway, or [probe] community), so nobody has logged in there";
            (check("C18", Outcome::Unknown, text), None)
        }
    };
    checks.push(c18);
    checks.push(match (&probe.events, proofs.tokens, direct) {
        (Some(events), Ok((one, other)), _) => {
            let door =
                Door { url: events, path: &probe.events_path, resolve, tls: config, page: &probe.login };
            match awareness(&door, &one, &other).await {
                Ok(seen) => check("C19", Outcome::Pass, format!("{seen}{}", note(desk, probe))),
                Err(error) => check("C19", Outcome::Fail, error.to_string()),
            }
        }
        (Some(_), Err(reason), _) => check("C19", Outcome::Unknown, reason),
        (None, _, Some(direct)) => direct,
        (None, ..) => {
            let text = "neither the gateway's event channel ([probe] events) nor a community server is named";
            check("C19", Outcome::Unknown, text)
        }
    });
    Ok(())
}

fn usage(error: &dyn std::fmt::Display) -> ExitCode {
    fail(EXIT_USAGE, format!("probe: {error}"))
}

/// What the two users have to prove themselves with.
struct Proofs {
    /// As Cookie headers, or why there are none.
    tokens: Result<(Secret, Secret), String>,
    /// `None` if tokens were given.
    passwords: Option<(Secret, Secret)>,
}

impl Proofs {
    /// Tokens, else passwords: whether the community works does not depend on the mail server's login.
    fn accounts(&self, probe: &Probe) -> Option<(Account, Account)> {
        match (&self.tokens, &self.passwords) {
            (Ok((one, other)), _) => with_token(&probe.user, one).zip(with_token(&probe.other, other)),
            (Err(_), Some((one, other))) => {
                Some((with_password(&probe.user, one), with_password(&probe.other, other)))
            }
            (Err(_), None) => None,
        }
    }
}

impl VerifyArguments {
    /// The tokens of the two users as Cookie headers, if they are not to log in.
    fn given(&self, probe: &Probe) -> Result<Option<(Secret, Secret)>, String> {
        if let Some(file) = &self.mint_with {
            return Ok(Some((cookie_of_config(file, &probe.user)?, cookie_of_config(file, &probe.other)?)));
        }
        let files = self.token.as_ref().zip(self.other_token.as_ref());
        files.map(|(one, other)| Ok((cookie_of_file(one)?, cookie_of_file(other)?))).transpose()
    }
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
