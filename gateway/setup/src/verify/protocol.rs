//! C21: `iNotes_WA_SametimeProtocol` fits the schemes of the pages and of what they call. Pure: the `notes.ini`
//! of the mail servers is handed in.

use super::{Check, Outcome, check};
use crate::config::{Server, Setup};
use crate::ini::IniFile;

const NAME: &str = "iNotes_WA_SametimeProtocol";

/// Judges the setting. A file goes by its name; none is needed to say what the setting has to be.
pub fn protocol(setup: &Setup, notes: &[(String, IniFile)]) -> Check {
    let wanted = match wanted(setup) {
        Ok(wanted) => wanted,
        Err((outcome, reason)) => return check("C21", outcome, reason),
    };
    let should = match wanted {
        Wanted::Unset => "has to be unset".to_owned(),
        Wanted::UnsetOr(scheme) => format!("has to be unset, or {scheme}"),
        Wanted::Only(scheme) => format!("has to be {scheme}"),
    };
    if notes.is_empty() {
        let text = format!("it {should}; no notes.ini was given to look into (--notes-ini)");
        return check("C21", Outcome::Unknown, text);
    }
    for (file, ini) in notes {
        let entry = ini.find(NAME);
        let value = entry.map(|entry| entry.value.to_ascii_lowercase());
        let value = value.as_deref().map(|value| value.trim_end_matches(['/', ':']));
        let right = match (value, wanted) {
            (None, Wanted::Unset | Wanted::UnsetOr(_)) => true,
            (Some(value), Wanted::Only(scheme) | Wanted::UnsetOr(scheme)) => value == scheme,
            _ => false,
        };
        if right {
            continue;
        }
        let text = match entry {
            Some(entry) => format!("{file}:{}: {NAME}={}; it {should}", entry.line, entry.value),
            None => format!("{file}: {NAME} is not set; it {should}"),
        };
        return check("C21", Outcome::Fail, text);
    }
    let servers = setup.inotes().count();
    if notes.len() < servers {
        let text = format!("right in {} notes.ini; there are {servers} mail servers", notes.len());
        return check("C21", Outcome::Unknown, text);
    }
    check("C21", Outcome::Pass, format!("as it {should}, it is in {} notes.ini", notes.len()))
}

#[derive(Clone, Copy)]
enum Wanted {
    Unset,
    UnsetOr(&'static str),
    Only(&'static str),
}

fn wanted(setup: &Setup) -> Result<Wanted, (Outcome, String)> {
    let unknown = |text: &str| Err((Outcome::Unknown, text.to_owned()));
    let called = match &setup.gateway {
        Some(gateway) if gateway.http && gateway.https => return Ok(Wanted::Unset),
        Some(gateway) => Some(gateway.https),
        None => same(setup.sametime().map(|server| server.web.as_ref().map(|web| web.tls))),
    };
    let Some(called) = called else {
        return unknown(
            "the scheme of the Sametime servers is not known; write web = \"http://…\" or \"https://…\" in their [[server]]",
        );
    };
    let Some(pages) = same(setup.inotes().map(|server| pages(setup, server))) else {
        return unknown(
            "the scheme of the mail pages is not known, or differs; write web = \"https://…\" in the [[server]] of each mail server",
        );
    };
    let scheme = word(called);
    match (pages == called, &setup.gateway) {
        (true, _) => Ok(Wanted::UnsetOr(scheme)),
        (false, None) => Ok(Wanted::Only(scheme)),
        (false, Some(_)) => {
            let why = if pages {
                "blocked as mixed content"
            } else {
                "cross-site, and browsers send no cookies with it"
            };
            let text = format!(
                "mail pages are {} and the gateway listens on {scheme} only: whatever {NAME} says, what the pages ask is {why}",
                word(pages)
            );
            Err((Outcome::Fail, text))
        }
    }
}

/// Whether a mail server's pages are https.
fn pages(setup: &Setup, server: &Server) -> Option<bool> {
    let login = setup.probe.as_ref().map(|probe| &probe.login);
    let login = login.filter(|login| login.host.eq_ignore_ascii_case(server.host.as_str()));
    server.web.as_ref().or(login).map(|url| url.tls)
}

/// What all of them say; `None` if one says nothing, or two differ.
fn same(mut all: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let first = all.next()??;
    all.all(|other| other == Some(first)).then_some(first)
}

fn word(tls: bool) -> &'static str {
    if tls { "https" } else { "http" }
}
