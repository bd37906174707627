//! A plan as files, for what no program reaches: an administrator imports, runs or follows them.
//!
//! | file | for | by |
//! | --- | --- | --- |
//! | `create.dxl`, `update.dxl` | a running server | importing with a Notes session |
//! | `agent.lss` | a running server | an agent in the Notes client or on the server |
//! | `sso-agent.lss` | the encrypted SSO document: records, compares, and writes only when told | an owner of that document |
//! | `one-touch.json` | a server that is set up for the first time | `server -autoconf` |
//! | `notes-ini.txt` | settings outside the directory | console or editor |
//! | `by-hand.md` | everything: what to do, in order, with what each value rests on | a person |
//!
//! Making the files is pure; [`write()`] puts them into a folder. Implements domino-directory.md 3.1, 3.2, 3.6 and 3.7.
//! None of the files has been tried on a live server, and each says so.

mod agent;
mod by_hand;
mod dxl;
mod folder;
mod ini_lines;
mod one_touch;
mod script;
mod sso_agent;

use crate::config::Setup;
use crate::estate::{ItemName, Value};
use crate::items::{DocumentKind, ItemKind, ItemTable, Setting};
use crate::names::NotesName;
use crate::plan::{Action, DocumentPlan, ItemPlan, Plan, SsoState};

pub use folder::{WriteError, Written, write};

/// What every file says of itself.
const UNTRIED: &str =
    "Made by `livename setup export`. Not tried on a live Domino server: read it before it is used.";

/// One file, not yet written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportFile {
    /// Without folder.
    pub name: String,
    pub text: String,
}

/// Every file of a plan. Several directories get files of their own, told apart by the access's name.
pub fn files(setup: &Setup, table: &ItemTable, plan: &Plan) -> Vec<ExportFile> {
    let mut directories: Vec<&str> = Vec::new();
    for document in &plan.documents {
        if !directories.contains(&document.directory.as_str()) {
            directories.push(&document.directory);
        }
    }
    let mut files = Vec::new();
    for (index, directory) in directories.iter().enumerate() {
        let mut add = |stem: &str, extension: &str, text: Option<String>| {
            let name = match directories.len() {
                1 => format!("{stem}.{extension}"),
                _ => format!("{stem}-{}-{}.{extension}", index + 1, slug(directory)),
            };
            files.extend(text.map(|text| ExportFile { name, text }));
        };
        let documents: Vec<&DocumentPlan> =
            plan.documents.iter().filter(|document| document.directory == *directory).collect();
        add("create", "dxl", dxl::file(&documents, Action::Create));
        add("update", "dxl", dxl::file(&documents, Action::Update));
        let is_right = plan.sso_states().get(*directory).is_none_or(|state| *state == SsoState::Right);
        add("agent", "lss", agent::file(setup, table, directory, &documents, is_right));
        add("sso-agent", "lss", sso_agent::file(setup, table, &documents));
        add("one-touch", "json", one_touch::file(setup, table, &documents));
    }
    files.push(ExportFile { name: "notes-ini.txt".into(), text: ini_lines::file(setup) });
    let names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
    files.push(ExportFile { name: "by-hand.md".into(), text: by_hand::file(plan, &names) });
    files
}

/// The items of a document that a file can carry: their names and types are known.
fn carried(document: &DocumentPlan) -> impl Iterator<Item = (&ItemName, &ItemPlan)> {
    let writable = |item: &&ItemPlan| item.action.writes() && item.kind != ItemKind::Unknown;
    document.items.iter().filter(writable).filter_map(|item| Some((item.item.as_ref()?, item)))
}

/// Whether files carry a document at all. The SSO document is for its own agent.
fn is_carried(document: &DocumentPlan) -> bool {
    document.kind != DocumentKind::Sso
        && document.action.writes()
        && !document.is_pointless()
        && carried(document).next().is_some()
}

/// What tells a document from others of its kind, where no universal id is known: item and wanted text.
fn keys<'a>(table: &'a ItemTable, document: &DocumentPlan) -> Option<Vec<(&'a ItemName, String)>> {
    let wanted = |setting: Setting| {
        let item = document.items.iter().find(|item| item.setting == setting)?;
        Some((table.name(setting)?, item.wanted.first()))
    };
    let title = |setting: Setting| {
        let name: NotesName = document.title.parse().ok()?;
        Some((table.name(setting)?, name.canonical()))
    };
    match document.kind {
        DocumentKind::Connection => {
            Some(vec![wanted(Setting::ConnectionSource)?, wanted(Setting::ConnectionDestination)?])
        }
        DocumentKind::Server => Some(vec![title(Setting::ServerName)?]),
        DocumentKind::Person => Some(vec![title(Setting::PersonName)?]),
        DocumentKind::Configuration => Some(vec![wanted(Setting::ConfigurationAppliesTo)?]),
        DocumentKind::Sso | DocumentKind::WebSite => None,
    }
}

/// The universal id, where the access gives one: LDAP names its entries otherwise.
fn unid(document: &DocumentPlan) -> Option<&str> {
    let unid = document.unid.as_ref()?.0.as_str();
    (unid.len() == 32 && unid.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(unid)
}

/// The texts of a value; for an item with a single value exactly one.
fn texts(kind: ItemKind, value: &Value) -> Vec<String> {
    let texts = value.texts();
    if kind.is_list() || !texts.is_empty() { texts } else { vec![String::new()] }
}

/// A part of a file name.
fn slug(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    text.chars().take(40).map(plain).collect()
}
