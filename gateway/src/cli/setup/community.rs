//! C18 and, without a gateway to ask, C19: two users log in to the community as the gateway would log them in.

use std::path::Path;

use gateway_setup::config::CommunityServer;
use gateway_setup::verify::{Check, Outcome, Resolve, check};
use protocol::ltpa::{Charset, domino};
use protocol::secret::Secret;

use crate::community::{Account, Rehearsal, Trouble, rehearse};
use crate::config::{
    self, Community, CommunityTls, CommunityTuning, NameTuning, OwnPresence, Privacy, Redirect, TokenForm,
};
use crate::hub::Proof;

/// The login type of an iNotes client, as the gateway's own configuration has it by default.
const LOGIN_TYPE: u16 = 0x14b4;

/// The community to log in to: as a gateway's configuration has it, or a server with the usual settings. `None` if
/// neither is named.
pub(super) fn community(
    gateway: Option<&Path>,
    server: Option<&CommunityServer>,
    resolve: &Resolve,
) -> Result<Option<Community>, String> {
    let mut community = match (gateway, server) {
        (Some(file), _) => {
            let config = config::load(file).map_err(|errors| errors.to_string())?;
            let first = config.communities.first();
            let first = first.ok_or_else(|| format!("{}: there is no [[community]]", file.display()))?;
            Community::clone(first)
        }
        (None, Some(_)) => usual(),
        (None, None) => return Ok(None),
    };
    if let Some(CommunityServer { host, port }) = server {
        community.servers =
            vec![if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }];
    }
    for server in &mut community.servers {
        let Ok(CommunityServer { host, port }) = server.parse() else { continue };
        if let Some(address) = resolve.0.get(&(host.to_lowercase(), port)) {
            *server = address.to_string();
            if let Some(CommunityTls { server_name, .. }) = &mut community.tls {
                server_name.get_or_insert(host);
            }
        }
    }
    Ok(Some(community))
}

fn usual() -> Community {
    Community {
        name: "community".to_owned(),
        servers: Vec::new(),
        host_map: Vec::new(),
        own_presence: OwnPresence::Login,
        privacy: Privacy::Own,
        login_type: LOGIN_TYPE,
        token_form: TokenForm::Raw,
        redirect: Redirect::Reconnect,
        tls: None,
        source_addresses: Vec::new(),
        observers: Vec::new(),
        tuning: CommunityTuning::default(),
        names: NameTuning::default(),
    }
}

/// An account that proves itself by the token of a Cookie header. A token of Domino's own format says who it is
/// for; others go with the name of `setup.toml`.
pub(super) fn with_token(user: &str, cookies: &Secret) -> Option<Account> {
    let text = std::str::from_utf8(cookies.expose()).ok()?;
    let mut pairs = text.split(';').filter_map(|pair| pair.trim().split_once('='));
    let first = pairs.clone().find(|(name, _)| *name == "LtpaToken").or_else(|| pairs.next());
    let token = first.map(|(_, value)| value.trim_matches('"'))?;
    let said = domino::claims(token, Charset::Lmbcs).ok().and_then(|claims| claims.user.ok());
    let name = said.unwrap_or_else(|| user.to_owned());
    Some(Account { name, proof: Proof::Token(Secret::from(token)) })
}

/// An account that proves itself by its password.
pub(super) fn with_password(user: &str, password: &Secret) -> Account {
    Account { name: user.to_owned(), proof: Proof::Password(password.clone()) }
}

/// C18, and what was seen of the other user's status.
pub(super) async fn look(community: &Community, one: Account, two: Account) -> (Check, Check) {
    let how = match one.proof {
        Proof::Password(_) => "their passwords",
        _ => "their tokens",
    };
    let at = community.servers.join(", ");
    let judged = rehearse(community, one, two).await;
    let c18 = match &judged {
        Err(trouble) | Ok(Rehearsal { message: Err(trouble), .. }) => {
            check("C18", Outcome::Fail, trouble.to_string())
        }
        Ok(_) => {
            let text = format!("both log in at {at} with {how}, see each other, and a message arrives");
            check("C18", Outcome::Pass, text)
        }
    };
    (c18, change(judged))
}

fn change(judged: Result<Rehearsal, Trouble>) -> Check {
    match judged {
        Err(_) => check("C19", Outcome::Unknown, "there was no login to the community (C18)"),
        Ok(Rehearsal { change: Err(trouble), .. }) => check("C19", Outcome::Fail, trouble.to_string()),
        Ok(Rehearsal { change: Ok(took), .. }) => {
            let took = took.as_millis();
            let text = format!(
                "a change from active to away was seen after {took} ms, and the way back; in the community itself, no page or gateway was asked ([probe] events)"
            );
            check("C19", Outcome::Pass, text)
        }
    }
}
