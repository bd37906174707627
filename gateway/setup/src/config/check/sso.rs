//! `[sso]` and `[gateway]`: one domain for all cookies.

use crate::config::checked::{Gateway, PeerTokens, Server, Sso, SsoMethod, TokenFormat, Topology};
use crate::names::{DnsDomain, HostName, NotesName};
use settings::Section;

pub(super) fn sso(section: &Section<'_>, topology: Option<Topology>, servers: &[Server]) -> Option<Sso> {
    let domain =
        section.must::<DnsDomain>("domain", "write the DNS domain of the cookies, \".renovation.example\"");
    if let Some(domain) = &domain {
        for server in servers.iter().filter(|server| !server.host.is_below(domain)) {
            let text =
                format!("{} is not below {domain}: browsers would not send the cookie there", server.host);
            section.wrong("domain", text);
        }
    }
    let methods = [("ltpa", SsoMethod::Ltpa), ("secrets-and-tokens", SsoMethod::SecretsAndTokens)];
    let method = section.word("auth", &methods).unwrap_or(SsoMethod::Ltpa);
    let peer = peer(&section.table("sametime"));
    if topology == Some(Topology::Sametime12) {
        if peer.is_none() {
            let text = "is missing; state token_format and lifetime of the Sametime side, so that both can be compared";
            section.wrong("sametime", text);
        }
        if method == SsoMethod::SecretsAndTokens {
            section.wrong(
                "auth",
                "Sametime 12 knows no secrets and tokens; its LTPA keys are imported into the SSO document",
            );
        }
    }
    let name = section.text("name").unwrap_or("LtpaToken").to_owned();
    let expiration = section.number("expiration", 1..=10080);
    let organization = section.text("organization").filter(|text| !text.is_empty()).map(str::to_owned);
    section.no_others();
    Some(Sso { name, domain: domain?, expiration, organization, method, peer })
}

fn peer(section: &Section<'_>) -> Option<PeerTokens> {
    let formats = [("ltpa1", TokenFormat::Ltpa1), ("ltpa2", TokenFormat::Ltpa2), ("both", TokenFormat::Both)];
    let format = section.word("token_format", &formats);
    let lifetime = section.number("lifetime", 1..=10080);
    section.no_others();
    Some(PeerTokens { format: format?, lifetime: lifetime? })
}

/// The gateway may not have the host name of a server: whoever looks a server up would reach the gateway
/// (Connect logins, home-server routing).
pub(super) fn gateway(section: &Section<'_>, servers: &[Server], sso: Option<&Sso>) -> Option<Gateway> {
    if !section.is_there() {
        return None;
    }
    let host: Option<HostName> =
        section.must("host", "write the gateway's own DNS host name, \"im.renovation.example\"");
    let (http, https) = (section.flag("http", true), section.flag("https", true));
    section.no_others();
    let host = host?;
    if !http && !https {
        section.wrong("https", "a gateway that listens on neither http nor https serves nobody");
    }
    if let Some(server) = servers.iter().find(|server| server.host == host) {
        let who = server.name.as_ref().map_or("a Sametime server".to_owned(), NotesName::canonical);
        let text = format!(
            "is also the host of {who}. Refused: as the Internet host name of a Server document it would send Connect clients \
             and the servers' own home-server routing to the gateway, which speaks neither. Give the gateway a name of its own"
        );
        section.wrong("host", text);
    }
    if let Some(sso) = sso.filter(|sso| !host.is_below(&sso.domain)) {
        section.wrong(
            "host",
            format!("{host} is not below {}: browsers would not send the cookie there", sso.domain),
        );
    }
    Some(Gateway { host, http, https })
}
