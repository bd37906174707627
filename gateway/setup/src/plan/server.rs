//! Server documents, or Web Site documents where a server loads Internet Sites: multi-server sessions, the
//! SSO configuration, name and password (domino-directory.md 1.4, 1.5, 2.1, 2.2). None is ever created.

use super::item::want;
use super::{Action, Draft, Level, SsoCase, Step};
use crate::config::{Role, Server, SsoMethod};
use crate::estate::{Document, Replica};
use crate::items::{DocumentKind, ItemTable, Setting};
use crate::names::{HostName, NotesName};

/// `HTTP_EnableSessionAuth`: several servers share sessions by SSO.
pub(crate) const MULTI_SERVER: &str = "2";
/// The same item: each server has its own sessions.
pub(crate) const SINGLE_SERVER: &str = "1";

/// Where a server's session settings are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings<'a> {
    pub(crate) document: &'a Document,
    pub(crate) session: Setting,
    pub(crate) sso: Setting,
    pub(crate) password: Setting,
    pub(crate) password_tls: Setting,
}

/// The Server documents of a name.
pub(crate) fn of_name<'a>(table: &ItemTable, replica: &'a Replica, name: &NotesName) -> Vec<&'a Document> {
    replica
        .of(DocumentKind::Server)
        .filter(|document| document.has_name(table, Setting::ServerName, name))
        .collect()
}

/// Whether a server takes its web settings from Internet Sites.
pub(crate) fn loads_sites(table: &ItemTable, document: &Document) -> bool {
    document.text(table, Setting::ServerInternetSites) == "1"
}

/// The document that holds a server's effective session settings; `None` if there is no such document.
pub(crate) fn settings<'a>(
    table: &ItemTable,
    replica: &'a Replica,
    document: &'a Document,
    host: &HostName,
) -> Option<Settings<'a>> {
    if !loads_sites(table, document) {
        return Some(Settings {
            document,
            session: Setting::ServerSession,
            sso: Setting::ServerSso,
            password: Setting::ServerPassword,
            password_tls: Setting::ServerPasswordTls,
        });
    }
    let has_host = |site: &&Document| {
        let addresses =
            site.value(table, Setting::SiteAddresses).map(|value| value.texts()).unwrap_or_default();
        addresses.iter().any(|address| address.eq_ignore_ascii_case(host.as_str()))
    };
    let document = replica.of(DocumentKind::WebSite).find(has_host)?;
    Some(Settings {
        document,
        session: Setting::SiteSession,
        sso: Setting::SiteSso,
        password: Setting::SitePassword,
        password_tls: Setting::SitePasswordTls,
    })
}

/// Case B if every mail server is on multi-server SSO already.
pub(super) fn case(draft: &Draft<'_>) -> SsoCase {
    if draft.setup.sso.method == SsoMethod::SecretsAndTokens {
        return SsoCase::None;
    }
    let mut all = true;
    for server in draft.setup.inotes() {
        let Some(replica) = draft
            .written(&server.domain, DocumentKind::Server)
            .filter(|replica| replica.sees(DocumentKind::Server))
        else {
            return SsoCase::Unseen;
        };
        let Some(name) = &server.name else { continue };
        let on = of_name(draft.table, replica, name).first().is_some_and(|document| {
            let settings = settings(draft.table, replica, document, &server.host);
            settings
                .is_some_and(|settings| settings.document.text(draft.table, settings.session) == MULTI_SERVER)
        });
        all &= on;
    }
    if all { SsoCase::B } else { SsoCase::A }
}

pub(super) fn plan(draft: &mut Draft<'_>) {
    for server in &draft.setup.servers {
        let Some(name) = &server.name else { continue };
        let Some(replica) = draft.written(&server.domain, DocumentKind::Server) else { continue };
        let step = match server.role {
            Role::Inotes => Step::InotesServer,
            Role::Sametime => Step::SametimeServer,
        };
        if !replica.sees(DocumentKind::Server) {
            unseen(draft, replica, step, name);
            continue;
        }
        match of_name(draft.table, replica, name).as_slice() {
            [] => {
                let text = format!(
                    "{}: there is no Server document for {name}: a wrong name, or not replicated. Server documents are never created from here",
                    replica.access
                );
                draft.find(Level::Refusal, "no-server-document", text);
            }
            [document] => {
                host(draft, document, server, name);
                one(draft, replica, step, server, document, name);
            }
            several => {
                let text = format!(
                    "{}: there are {} Server documents for {name}; delete all but one",
                    replica.access,
                    several.len()
                );
                draft.find(Level::Refusal, "duplicate", text);
            }
        }
    }
}

fn wants(draft: &Draft<'_>, session: Setting, sso: Setting, password: Setting) -> Vec<super::item::Want> {
    vec![
        want(session, MULTI_SERVER, "sessions are shared by all servers of the SSO configuration"),
        want(sso, draft.setup.sso.name.as_str(), "the configuration whose key signs the tokens"),
        want(password, "1", "people log in with name and password"),
    ]
}

fn one(
    draft: &mut Draft<'_>,
    replica: &Replica,
    step: Step,
    server: &Server,
    document: &Document,
    name: &NotesName,
) {
    let Some(settings) = settings(draft.table, replica, document, &server.host) else {
        let text = format!(
            "{name} loads Internet Sites, and no Web Site document lists its host {}. Add the host to the site's document",
            server.host
        );
        draft.find(Level::Warning, "no-web-site", text);
        return;
    };
    let mut wants = wants(draft, settings.session, settings.sso, settings.password);
    // Only where the form or the document shows that the item exists, or the server speaks TLS at all.
    let tls = document.text(draft.table, Setting::ServerTlsPort) == "1";
    if tls {
        wants.push(want(settings.password_tls, "1", "people log in over TLS"));
    }
    let step_word = if step == Step::InotesServer { "A3" } else { "B2" };
    let why = format!(
        "{step_word}. A server that is not on the SSO configuration takes no tokens of the others; takes effect when HTTP is restarted"
    );
    let title = if settings.document.kind == DocumentKind::WebSite {
        format!("{} (Web Site of {name})", settings.document.text(draft.table, Setting::SiteName))
    } else {
        name.canonical()
    };
    let plan = draft.update(replica, step, settings.document, wants, title, &why);
    // Servers that share a site share its document.
    if !draft.documents.iter().any(|known| known.unid == plan.unid && known.directory == plan.directory) {
        draft.documents.push(plan);
    }
}

/// Its host name is something to look at, not to write: it may be another one for a reason (`cut_over`).
fn unseen(draft: &mut Draft<'_>, replica: &Replica, step: Step, name: &NotesName) {
    let wants = wants(draft, Setting::ServerSession, Setting::ServerSso, Setting::ServerPassword);
    let why = "it exists but cannot be read from here; Server documents are never created";
    let mut plan = draft.create(replica, step, DocumentKind::Server, wants, name.canonical(), why);
    plan.action = Action::Update;
    for item in plan.items.iter_mut().filter(|item| item.action == Action::Create) {
        item.action = Action::Update;
    }
    draft.documents.push(plan);
}

/// The host name that the directory gives for the server, against the one of `setup.toml`.
fn host(draft: &mut Draft<'_>, document: &Document, server: &Server, name: &NotesName) {
    let found = document.text(draft.table, Setting::ServerHost);
    if let Some(gateway) = &draft.setup.gateway
        && found.eq_ignore_ascii_case(gateway.host.as_str())
    {
        let text = format!(
            "the Server document of {name} has the gateway's host name. Refused: Connect clients and the servers' home-server routing \
             would reach the gateway. Give the server its own host name back"
        );
        draft.find(Level::Refusal, "gateway-in-server-document", text);
        return;
    }
    let problem = match found.parse::<HostName>() {
        Ok(host) if host == server.host => return,
        Ok(host) if !host.is_below(&draft.setup.sso.domain) => {
            format!("is not below {}: browsers send no cookie there", draft.setup.sso.domain)
        }
        Ok(_) => format!("differs from {} in setup.toml", server.host),
        Err(error) => error.to_string(),
    };
    let text = format!(
        "the Server document of {name} has the Internet host name \"{found}\": {problem}. It is left as it is"
    );
    draft.find(Level::Warning, "host-name", text);
}
