//! The gateway of a started estate: the `livename` program with a configuration made for the test.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol::ltpa::websphere::Version;
use serde_json::Value;
use tokio::process::Command;

use super::community::Community;
use super::control::Control;
use super::folder::Folder;
use super::started::Service;
use super::{Estate, EstateError, Found, Started, dialer, take_over};
use crate::actors::Actor;
use crate::clients::{Cast, TokenSource, Tokens};
use crate::plan::{self, Plan, TokenKind};
use crate::tokens::TokenKey;

/// The key that makes WebSphere's tokens. Nobody could make one here, an RSA key that is, and it protects nothing:
/// the estate is on the loopback address, and its people are invented.
const WEBSPHERE: &str = include_str!("websphere.keys");
const PASSWORD: &str = "load test";
/// Certificates are for this name; source addresses below 127.0.0.0/8 reach it too.
const HOST: Ipv4Addr = Ipv4Addr::LOCALHOST;

pub(super) struct Gateway {
    service: Service,
}

/// Where the gateway is, and where it is for browsers that come over http, if that is elsewhere.
struct Addresses {
    url: String,
    plain: Option<String>,
}

/// What the gateway listens for; not nothing.
#[derive(Clone, Copy)]
struct Listens {
    http: bool,
    https: bool,
}

impl Estate {
    /// Starts a community and a gateway before it, upstream first.
    pub(super) async fn start(plan: &Plan, program: Option<PathBuf>) -> Result<Found, EstateError> {
        let program = program.map_or_else(beside_us, Ok)?;
        let folder = Folder::new()?;
        let mut key = [0; 20];
        getrandom::fill(&mut key).map_err(EstateError::Random)?;
        // The observer's token is made with it in any case.
        let domino = folder.write("domino.secret", &STANDARD.encode(key))?;
        let websphere = folder.write("websphere.keys", WEBSPHERE)?;
        folder.write("websphere.password", PASSWORD)?;
        let read = |version| TokenKey::websphere_file(&websphere, &PASSWORD.into(), version, None);
        let key = Arc::new(match plan.estate.token {
            TokenKind::Domino => TokenKey::domino_file(&domino)?,
            TokenKind::Ltpa1 => read(Version::One)?,
            TokenKind::Ltpa2 => read(Version::Two)?,
        });
        let community = Community::start(plan, &folder).await?;
        let mut control = Control::new(community.control);
        let ids: Vec<_> = control.people().await?.into_iter().map(|person| person.id).collect();
        let observer = ids.last().cloned().unwrap_or_default();
        let https = plan.transports.https_percent;
        let listens = Listens { http: https < 100, https: https > 0 };
        if listens.https {
            certificate(&folder)?;
        }
        let text = configuration(plan.estate, listens, key.cookie(), community.listen, &observer);
        let file = folder.write("livename.toml", &text)?;
        let (gateway, addresses) = Gateway::start(&program, &file, &folder, listens).await?;
        let ca = folder.path("estate.pem");
        let (dialer, url) = dialer(&addresses.url, addresses.plain.as_deref(), Some(ca.as_path())).await?;
        // Everybody has read it: whoever kills this program finds nothing left behind.
        drop(folder);
        let version = version(&program).await;
        // The last of all is the observer.
        let count = plan.actors.as_ref().map_or(0, |actors| actors.count);
        let taken: HashSet<String> = ids.iter().rev().take(1 + count).cloned().collect();
        let users = ids.iter().rev().skip(1).take(count);
        let users = users.map(|id| Actor { id: id.clone(), password: None }).collect();
        let source = TokenSource::of(Arc::clone(&key), plan, &ids).await;
        let tokens = Tokens { cookie: key.cookie().to_owned(), source };
        let cast = Cast::new(plan, ids, Some(tokens))?.changing_themselves(plan, |id| taken.contains(id));
        take_over(Some(&mut control), &cast).await;
        let estate = Self {
            cast: Arc::new(cast),
            dialer: Arc::new(dialer),
            gateway: gateway.service.process(),
            metrics: None,
            community: community.process(),
            url,
            version,
            control: Some(control),
            actors: None,
            actors_rate: 0.0,
            changing: plan.population.changing_percent,
            started: Some(Started { gateway, community }),
            part: plan.part,
            clock: None,
        };
        Ok(Found { estate, users, key: Some(key) })
    }
}

impl Gateway {
    async fn start(
        program: &Path,
        config: &Path,
        folder: &Folder,
        listens: Listens,
    ) -> Result<(Self, Addresses), EstateError> {
        let ready = folder.path("gateway.json");
        let mut command = Service::command(program)?;
        command.arg("run").arg("--config").arg(config).arg("--ready-file").arg(&ready);
        command.current_dir(folder.root());
        let what = "gateway";
        let (service, said) = Service::start(what, command, &folder.path("gateway.log"), &ready).await?;
        let url = |scheme: &str| match said.get(scheme).and_then(Value::as_str) {
            Some(addr) => Ok(format!("{scheme}://{addr}")),
            None => Err(EstateError::Start { what, said: format!("no {scheme}: {said}") }),
        };
        let addresses = match listens {
            Listens { https: false, .. } => Addresses { url: url("http")?, plain: None },
            Listens { http: false, .. } => Addresses { url: url("https")?, plain: None },
            _ => Addresses { url: url("https")?, plain: Some(url("http")?) },
        };
        Ok((Self { service }, addresses))
    }

    pub(super) fn casualty(&mut self) -> Option<String> {
        self.service.casualty()
    }

    pub(super) async fn stop(self) {
        self.service.stop().await;
    }
}

/// The gateway's program is installed and built in the same place.
fn beside_us() -> Result<PathBuf, EstateError> {
    let own = std::env::current_exe();
    let own = own.map_err(|error| EstateError::File { file: "livename-load".into(), error })?;
    let program = own.with_file_name("livename");
    if program.exists() { Ok(program) } else { Err(EstateError::NoGateway(program)) }
}

async fn version(program: &Path) -> String {
    let output = Command::new(program).arg("--version").output().await;
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    said.unwrap_or_default()
}

fn certificate(folder: &Folder) -> Result<(), EstateError> {
    let wrong = |error: rcgen::Error| EstateError::Certificate(error.to_string());
    let names = vec![IpAddr::V4(HOST).to_string(), "localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).map_err(wrong)?;
    folder.write("estate.pem", &made.cert.pem())?;
    folder.write("estate.key", &made.signing_key.serialize_pem())?;
    Ok(())
}

/// One awareness route for everybody, limits out of the way.
fn configuration(
    shape: plan::Estate,
    listens: Listens,
    cookie: &str,
    community: SocketAddr,
    observer: &str,
) -> String {
    let listen = [("http", listens.http), ("https", listens.https)].into_iter().filter(|(_, on)| *on);
    let listen: String = listen.map(|(scheme, _)| format!("{scheme} = [\"{HOST}:0\"]\n")).collect();
    let certificate = if listens.https {
        "[[tls.certificate]]\nchain = \"estate.pem\"\nkey = \"estate.key\"\n"
    } else {
        ""
    };
    let format = match shape.token {
        TokenKind::Domino => "\"domino\"",
        TokenKind::Ltpa1 => "\"ltpa1\"\nunsigned_expiry = true",
        TokenKind::Ltpa2 => "\"ltpa2\"",
    };
    let own_presence = if shape.own_logins { "login" } else { "off" };
    let (privacy, observers) = if shape.own_privacy {
        ("own", String::new())
    } else {
        // The name is a text of ours with letters of all scripts, but without quotes.
        let table = format!("[[community.observer]]\nname = \"{observer}\"\nmint = true\n");
        ("trust", table)
    };
    format!(
        r#"# Made for a load test; gone when it ends.
[listen]
{listen}
admin = "{HOST}:0"

{certificate}
[log]
level = "warn"

[[sso.cookie]]
name = "{cookie}"
format = {format}
[[sso.key]]
id = "domino"
format = "domino"
secret_file = "domino.secret"
[[sso.key]]
id = "websphere"
format = "websphere"
key_file = "websphere.keys"
password_file = "websphere.password"

[[community]]
name = "load"
servers = ["{community}"]
own_presence = "{own_presence}"
privacy = "{privacy}"
{observers}
[community.tuning]
logins_per_second = 2000
[community.names]
per_second = 100000
session_per_second = 10000

[[route]]
path = "/livename"
serve = "awareness"
community = "load"
auth = "required"

[[route]]
path = "/stwebapi"
serve = "awareness"
community = "load"
auth = "required"

[limits]
connections = 1000000
connections_per_address = 1000000
sessions_per_user = 1000
"#
    )
}
