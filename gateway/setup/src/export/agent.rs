//! A LotusScript agent that does what the plan says (domino-directory.md 3.6). It changes nothing until its
//! `DRY_RUN` is set to False, looks before it writes, and can run again. Servers wait for the SSO document, as in
//! `apply`: for its `SSO_CHECKED`, unless the plan has seen that the document is right.

use std::fmt::Write;

use super::dxl::marks;
use super::script::{holds_name, literal, remark};
use super::{UNTRIED, carried, is_carried, keys, texts, unid};
use crate::config::{Audience, Setup};
use crate::items::{DocumentKind, ItemKind, ItemTable, Setting};
use crate::names::NotesName;
use crate::plan::{Action, DocumentPlan, ItemPlan};

/// The part that is the same for every plan.
const FIXED: &str = include_str!("agent.lss");
/// Persons that one procedure of the agent handles: LotusScript limits the size of procedures.
const PERSONS_PER_SUB: usize = 100;

pub(super) fn file(
    setup: &Setup,
    table: &ItemTable,
    directory: &str,
    documents: &[&DocumentPlan],
    sso_is_right: bool,
) -> Option<String> {
    let mut subs: Vec<String> = Vec::new();
    let mut calls = String::new();
    for document in documents.iter().filter(|document| is_carried(document)) {
        if document.kind == DocumentKind::Person {
            continue;
        }
        if let Some(text) = one(table, document, subs.len() + 1) {
            let call = format!("Call Document{}", subs.len() + 1);
            let _ = match document.kind {
                DocumentKind::Server | DocumentKind::WebSite => writeln!(
                    calls,
                    "\tIf SSO_CHECKED Then\n\t\t{call}\n\tElse\n\t\tCall Waits({})\n\tEnd If",
                    literal(&document.title)
                ),
                _ => writeln!(calls, "\t{call}"),
            };
            subs.push(text);
        }
    }
    let is_mail_directory = setup
        .inotes()
        .filter_map(|server| setup.written(&server.domain, DocumentKind::Person))
        .any(|access| access.name == directory);
    if is_mail_directory {
        for (index, text) in persons(setup, table).into_iter().enumerate() {
            let _ = writeln!(calls, "\tCall Persons{}", index + 1);
            subs.push(text.replace("Sub Persons\n", &format!("Sub Persons{}\n", index + 1)));
        }
    }
    if subs.is_empty() {
        return None;
    }
    let mut out = String::new();
    remark(&mut out, "", UNTRIED);
    remark(&mut out, "", &format!("For names.nsf of: {directory}"));
    let overwrite = if setup.awareness.overwrite { "True" } else { "False" };
    let checked = if sso_is_right { "True" } else { "False" };
    let fixed = FIXED
        .replace("@OVERWRITE@", overwrite)
        .replace("@SSO_CHECKED@", checked)
        .replace("@CALLS@\n", &calls);
    out.push_str(&fixed);
    for sub in subs {
        out.push('\n');
        out.push_str(&sub);
    }
    Some(out)
}

/// The procedure for one document; none if it could not be found again.
fn one(table: &ItemTable, document: &DocumentPlan, number: usize) -> Option<String> {
    let mut formula = match &document.form_type {
        Some(kind) => format!("Type = {}", super::script::formula_text(kind)),
        None => format!("Form = {}", super::script::formula_text(&document.form)),
    };
    // A connection that only routes mail is another document.
    if let (DocumentKind::Connection, Some(tasks)) = (document.kind, table.name(Setting::ConnectionTasks)) {
        let _ = write!(formula, " & @IsMember(\"replication\"; @LowerCase({tasks}))");
    }
    match (keys(table, document), unid(document)) {
        (Some(keys), _) => {
            for (item, name) in keys {
                let _ = write!(formula, " & {}", holds_name(item, &name));
            }
        }
        (None, Some(_)) => formula = "@False".to_owned(),
        (None, None) => return None,
    }
    let mut out = String::new();
    remark(&mut out, "", &format!("{}: {}", document.kind, document.title));
    let form = if document.action == Action::Create { document.form.as_str() } else { "" };
    let _ = writeln!(
        out,
        "Sub Document{number}\n\tDim d As NotesDocument\n\tDim touched As Integer\n\tDim title As String\n\ttitle = {}",
        literal(&document.title)
    );
    let _ = writeln!(
        out,
        "\tSet d = Target(title, \"{}\", {}, {}, {})\n\tIf d Is Nothing Then Exit Sub",
        unid(document).unwrap_or(""),
        literal(&formula),
        literal(form),
        literal(document.form_type.as_deref().unwrap_or("")),
    );
    for (index, (name, item)) in carried(document).enumerate() {
        remark(&mut out, "\t", &marks(item));
        if item.setting == Setting::ConnectionTasks {
            let _ = writeln!(out, "\tCall WantMember(d, touched, title, \"{name}\", \"Replication\")");
            continue;
        }
        let value = value(&mut out, item, index + 1);
        let names = if item.kind.is_names() { "True" } else { "False" };
        let _ = writeln!(out, "\tCall Want(d, touched, title, \"{name}\", {value}, {names})");
    }
    let _ = writeln!(out, "\tCall Finish(d, touched, title)\nEnd Sub");
    Some(out)
}

/// The expression for a value; a list is put into an array first.
fn value(out: &mut String, item: &ItemPlan, number: usize) -> String {
    let texts = texts(item.kind, &item.wanted);
    match (item.kind, texts.as_slice()) {
        (ItemKind::Number, [number]) if number.parse::<f64>().is_ok() => format!("Cdbl(\"{number}\")"),
        (_, [only]) => literal(only),
        (_, several) => {
            let last = several.len().saturating_sub(1);
            let _ = writeln!(out, "\tDim list{number}(0 To {last}) As String");
            for (index, text) in several.iter().enumerate() {
                let _ = writeln!(out, "\tlist{number}({index}) = {}", literal(text));
            }
            format!("list{number}")
        }
    }
}

/// The procedures for Person documents: found by mail server or by name, whether or not the plan saw them.
fn persons(setup: &Setup, table: &ItemTable) -> Vec<String> {
    let (Some(item), Some(name), Some(mail)) = (
        table.name(Setting::PersonSametimeServer),
        table.name(Setting::PersonName),
        table.name(Setting::PersonMailServer),
    ) else {
        return Vec::new();
    };
    let wanted = |sametime: &NotesName| literal(&sametime.canonical());
    match &setup.awareness.audience {
        Audience::All { .. } => Vec::new(),
        Audience::MailServers { sametime } => {
            let servers = setup.inotes().filter_map(|server| server.name.as_ref());
            let any: Vec<String> = servers.map(|server| holds_name(mail, &server.canonical())).collect();
            let formula = format!("Type = \"Person\" & ({})", any.join(" | "));
            vec![format!(
                "Sub Persons\n\tCall PersonsOf({}, \"{item}\", {})\nEnd Sub\n",
                literal(&formula),
                wanted(sametime)
            )]
        }
        Audience::Persons { names, sametime } => {
            let call = |person: &NotesName| {
                let formula = format!("Type = \"Person\" & {}", holds_name(name, &person.canonical()));
                format!("\tCall PersonsOf({}, \"{item}\", {})\n", literal(&formula), wanted(sametime))
            };
            let sub = |some: &[NotesName]| {
                format!("Sub Persons\n{}End Sub\n", some.iter().map(call).collect::<String>())
            };
            names.chunks(PERSONS_PER_SUB).map(sub).collect()
        }
    }
}
