//! `[[community]]`.

use std::sync::Arc;

use protocol::secret::Secret;

use super::{names, rest};
use crate::config::section::{Given, Section};
use crate::config::value::{LoginType, PrivacyWord, quoted};
use crate::config::{
    Community, CommunityTls, KeyMaterial, Observer, ObserverCredential, OwnPresence, Privacy, Redirect, Sso,
    TokenForm, files, tls,
};

/// Port of the community servers' own protocol.
const VP_PORT: u16 = 1533;
/// Client type that Sametime 9 and later know as a web client.
const USUAL_LOGIN_TYPE: u16 = 0x14b4;

const WHY_OWN_PRESENCE: &str = "it must be stated: \"login\" logs each user of a page in to the community as well, so that \
     others see that user; \"off\" only shows others";
const WHY_PRIVACY: &str = "it must be stated: \"own\" watches through each user's own login, which is exact and costs the \
     servers what it costs today; \"trust\" shares watches through observers, and may show a person to somebody whom that \
     person hides from";

/// A community's name, and the rest if nothing is wrong with it.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) community: Option<Arc<Community>>,
}

pub(super) fn read(root: &Section<'_>, sso: &Sso) -> Vec<Named> {
    let mut all: Vec<Named> = Vec::new();
    for section in root.tables("community") {
        let name = section.must::<String>("name", "give the community a name");
        let community = community(&section, name.as_ref(), sso);
        let Some(Given { value: name, at }) = name else { continue };
        let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !name.chars().all(legal) || name.len() > 64 {
            section.wrong_at(at, "name", "use up to 64 letters, digits, \".\", \"_\" and \"-\"");
        }
        if all.iter().any(|known| known.name == name) {
            section.wrong_at(at, "name", format!("there is another community {}", quoted(&name)));
        }
        all.push(Named { name, community: community.map(Arc::new) });
    }
    all
}

fn community(section: &Section<'_>, name: Option<&Given<String>>, sso: &Sso) -> Option<Community> {
    let servers = servers(section);
    let own_presence = section.must("own_presence", WHY_OWN_PRESENCE).map(|given| given.value);
    let privacy = section.must("privacy", WHY_PRIVACY).map(|given| given.value);
    let login_type = section.or("login_type", LoginType(USUAL_LOGIN_TYPE)).0;
    let token_form = section.or("token_form", TokenForm::Raw);
    let redirect = section.or("redirect", Redirect::Reconnect);
    let source_addresses = section.list("source_addresses").into_iter().map(|given| given.value).collect();
    let tls = community_tls(section);
    let host_map = host_map(section);
    let observers =
        section.tables("observer").iter().filter_map(|one| observer(one, sso)).collect::<Vec<_>>();
    let tuning = rest::tuning(&section.table("tuning"));
    let names = names::read(&section.table("names"));
    let privacy = choice(section, own_presence, privacy);
    Some(Community {
        name: name?.value.clone(),
        servers,
        host_map,
        own_presence: own_presence?,
        privacy: privacy?,
        login_type,
        token_form,
        redirect,
        tls,
        source_addresses,
        observers,
        tuning,
        names,
    })
}

/// Which pairs of `own_presence` and `privacy` can work.
fn choice(section: &Section<'_>, own: Option<OwnPresence>, privacy: Option<PrivacyWord>) -> Option<Privacy> {
    match (privacy?, own) {
        (PrivacyWord::Probe, _) => {
            section.wrong(
                "privacy",
                "\"probe\" is not built yet; use \"own\", or \"trust\" if the community has no privacy lists",
            );
            None
        }
        (PrivacyWord::Own, Some(OwnPresence::Off)) => {
            section.wrong("privacy", "\"own\" needs own_presence = \"login\": without it there is no login to watch through; use \"trust\" with \"off\"");
            None
        }
        (PrivacyWord::Own, _) => Some(Privacy::Own),
        (PrivacyWord::Trust, _) => {
            if !section.has("observer") {
                section.wrong(
                    "privacy",
                    "\"trust\" watches through observers; add at least one [[community.observer]]",
                );
            }
            Some(Privacy::Trust)
        }
    }
}

fn servers(section: &Section<'_>) -> Vec<String> {
    let given = section.list::<String>("servers");
    if given.is_empty() {
        let text = "give at least one server, such as [\"st1.acme.example:1533\"]";
        if !section.has("servers") {
            section.wrong("servers", format!("is missing; {text}"));
        } else if section.is_empty_list("servers") {
            section.wrong("servers", text);
        }
    }
    let mut servers = Vec::new();
    for given in given {
        match host_port(&given.value) {
            Some(server) => servers.push(server),
            None => section.wrong_at(given.at, "servers", not_a_server(&given.value)),
        }
    }
    servers
}

fn host_map(section: &Section<'_>) -> Vec<(String, String)> {
    let mut map = Vec::new();
    for host in section.tables("host") {
        let from = host.must::<String>("from", "give the server name that redirects contain");
        let to = host.must::<String>("to", "give the host that can be reached from here");
        let (Some(from), Some(to)) = (from, to) else { continue };
        match host_port(&to.value) {
            Some(to) => map.push((from.value, to)),
            None => host.wrong_at(to.at, "to", not_a_server(&to.value)),
        }
    }
    map
}

fn community_tls(section: &Section<'_>) -> Option<CommunityTls> {
    let section = section.given_table("tls")?;
    let server_name = section.value::<String>("server_name").map(|given| given.value);
    if let Some(name) = &server_name
        && rustls_pki_types::ServerName::try_from(name.as_str()).is_err()
    {
        section.wrong("server_name", format!("{} is not a host name", quoted(name)));
    }
    let client = client(&section)?;
    Some(CommunityTls { client, server_name })
}

/// TLS settings from a table with `ca`.
fn client(section: &Section<'_>) -> Option<Arc<rustls::ClientConfig>> {
    let ca = section.path("ca");
    match tls::client(ca.as_ref().map(|given| given.value.as_path())) {
        Ok(client) => Some(client),
        Err(error) => {
            let hint =
                if section.has("ca") { "" } else { "; give the file with the authorities' certificates" };
            section.wrong("ca", format!("{error}{hint}"));
            None
        }
    }
}

fn observer(section: &Section<'_>, sso: &Sso) -> Option<Observer> {
    let name = section.must::<String>("name", "give the user name of the login");
    let password = section.path("password_file");
    let token = section.path("token_file");
    let mint = section.or("mint", false);
    let ways = usize::from(section.has("password_file"))
        + usize::from(section.has("token_file"))
        + usize::from(mint);
    if ways != 1 {
        section.wrong("name", "give exactly one of password_file, token_file and mint = true");
        return None;
    }
    let credential = if let Some(file) = password {
        let password = secret_file(section, "password_file", &file)?;
        ObserverCredential::Password(password)
    } else if let Some(file) = token {
        secret_file(section, "token_file", &file)?;
        ObserverCredential::TokenFile(file.value)
    } else {
        let secret = sso.keys.iter().find_map(|key| match &key.material {
            KeyMaterial::Domino(secret) => Some(secret.clone()),
            KeyMaterial::WebSphere(_) => None,
        });
        let Some(secret) = secret else {
            section.wrong("mint", "needs a key that signs; add [[sso.key]] of format \"domino\"");
            return None;
        };
        ObserverCredential::Mint(secret)
    };
    Some(Observer { name: name?.value, credential })
}

fn secret_file(section: &Section<'_>, key: &'static str, file: &Given<std::path::PathBuf>) -> Option<Secret> {
    files::read_secret(&file.value).map_err(|error| section.wrong(key, error.to_string())).ok()
}

/// `host:port` from a host with or without port.
fn host_port(text: &str) -> Option<String> {
    let authority: http::uri::Authority = text.parse().ok()?;
    let host = authority.host();
    if host.is_empty() || text.contains('@') {
        return None;
    }
    match (text.len() - host.len(), authority.port_u16()) {
        (0, None) => Some(format!("{host}:{VP_PORT}")),
        (_, Some(port)) if port > 0 => Some(format!("{host}:{port}")),
        _ => None,
    }
}

fn not_a_server(text: &str) -> String {
    format!("{} is not a server; write host or host:port", quoted(text))
}
