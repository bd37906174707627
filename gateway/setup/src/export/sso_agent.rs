//! The agent for the Web SSO Configuration document: the only kind of program that can touch it, because it
//! is encrypted (domino-directory.md 1.3, 3.6). It records and compares; it writes only if told, and whether the
//! encryption of a program reaches all servers is not known.

use std::fmt::Write;

use super::script::{literal, remark};
use super::{UNTRIED, dxl::marks};
use crate::config::Setup;
use crate::items::{DocumentKind, ItemTable, Setting};
use crate::plan::{Action, DocumentPlan};

const FIXED: &str = include_str!("sso_agent.lss");

/// The settings that may be shown. The secret is not among them.
const SHOWN: [Setting; 8] = [
    Setting::SsoName,
    Setting::SsoOrganization,
    Setting::SsoDomain,
    Setting::SsoExpiration,
    Setting::SsoServers,
    Setting::SsoIdle,
    Setting::SsoIdleMinutes,
    Setting::SsoTokenFormat,
];

/// The agent, if the plan leaves anything to do in such a document.
pub(super) fn file(setup: &Setup, table: &ItemTable, documents: &[&DocumentPlan]) -> Option<String> {
    let document = documents
        .iter()
        .find(|document| document.kind == DocumentKind::Sso && document.action != Action::Leave)?;
    let name = &setup.sso.name;
    let key = match setup.sso.organization.as_deref() {
        None | Some("") => name.clone(),
        Some(organization) => format!("{organization}:{name}"),
    };
    let wanted = |setting| document.items.iter().find(|item| item.setting == setting);
    let mut checks = String::new();
    for item in &document.items {
        let Some(item_name) = &item.item else { continue };
        remark(&mut checks, "\t", &marks(item));
        let texts = item.wanted.texts().join("; ");
        let _ = writeln!(checks, "\tCall CheckItem(d, \"{item_name}\", {})", literal(&texts));
    }
    let shown: String = SHOWN
        .into_iter()
        .filter_map(|setting| table.name(setting))
        .map(|item| format!("\tCall Record(d, \"{item}\")\n"))
        .collect();
    let servers = wanted(Setting::SsoServers).map(|item| item.wanted.texts()).unwrap_or_default();
    let list: String = servers
        .iter()
        .enumerate()
        .map(|(index, server)| format!("\twanted({index}) = {}\n", literal(server)))
        .collect();
    let first = servers.first().map_or("\"\"".to_owned(), |server| literal(server));
    let mut out = String::new();
    remark(&mut out, "", UNTRIED);
    out.push_str(
        &FIXED
            .replace("@KEY@", &literal(&key))
            .replace("@SERVERS_ITEM@", table.name(Setting::SsoServers).map_or("", |item| item.as_str()))
            .replace("@FIRST_SERVER@", &first)
            .replace("@LAST@", &servers.len().saturating_sub(1).to_string())
            .replace("@RECORD@\n", &shown)
            .replace("@COMPARE@\n", &checks)
            .replace("@SERVERS@\n", &list),
    );
    Some(out)
}
