//! What a browser's recording says about awareness (browser-side.md 1 to 5).
//!
//! Exchanges come one at a time; what is kept of them is a count and a few places for each check.

mod access;
mod cookies;
mod family;

use std::collections::BTreeMap;

use super::Gateway;
use super::finding::{Finding, Severity};
use super::har::{Exchange, Kind, Scheme};
use super::report::Report;
use crate::items::Mark;
use family::Family;

/// Different things that are remembered of one check; more are counted as the last one.
const MOST_SUBJECTS: usize = 20;
/// Places that are remembered of each.
const MOST_PLACES: usize = 5;

/// Everything the checks have seen so far.
#[derive(Debug)]
pub(super) struct Browser {
    gateway: Option<String>,
    sightings: BTreeMap<(Check, String), Sighting>,
    /// Pages of mail files that were opened.
    mail_pages: u64,
    /// Requests for anything of Sametime's.
    sametime: u64,
    shows_cookies: bool,
}

/// A check over recordings. The order is that of the report, within one severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Check {
    MixedContent,
    HttpPage,
    LocalScripts,
    OldTemplate,
    Template,
    Redirect,
    Cors,
    Policy,
    HostOnlyCookie,
    CookieDomain,
    SecureCookie,
    HttpOnlyCookie,
    SameSite,
    NoAnswer,
    Refused,
    Failed,
    Applet,
    DesktopClient,
    Family,
}

/// How often something was seen, and where first.
#[derive(Debug, Default)]
struct Sighting {
    count: u64,
    places: Vec<String>,
}

impl Browser {
    pub(super) fn new(gateway: &Gateway) -> Self {
        Self {
            gateway: gateway.host.as_ref().map(|host| host.to_ascii_lowercase()),
            sightings: BTreeMap::new(),
            mail_pages: 0,
            sametime: 0,
            shows_cookies: false,
        }
    }

    /// Looks at one exchange.
    pub(super) fn take(&mut self, exchange: &Exchange) {
        self.shows_cookies |= exchange.shows_cookies || !exchange.cookies.is_empty();
        let family = Family::of(exchange);
        self.mail_page(exchange, family);
        cookies::take(self, exchange);
        let Some(family) = family else { return };
        if family == Family::Desktop {
            return self.see(Check::DesktopClient, "", exchange);
        }
        if family.is_sametime() {
            self.sametime += 1;
            self.see(Check::Family, family.name(), exchange);
            self.schemes(exchange);
            self.scripts(exchange, family);
            access::take(self, exchange, family);
        }
    }

    /// The mail page: which design it has.
    fn mail_page(&mut self, exchange: &Exchange, family: Option<Family>) {
        let Some(Family::Mail { forms }) = family else { return };
        self.mail_pages += u64::from(exchange.kind == Kind::Document);
        match forms {
            Some(5 | 6) => self.see(Check::OldTemplate, "", exchange),
            Some(release) => self.see(Check::Template, &format!("Forms{release}.nsf"), exchange),
            None => {}
        }
        if let (Kind::Document, Some(gateway)) = (exchange.kind, self.gateway.clone()) {
            for directive in access::forbidden(&exchange.policies, &exchange.url.origin, &gateway) {
                self.see(Check::Policy, directive, exchange);
            }
        }
    }

    /// The scheme of the page beside that of Sametime.
    fn schemes(&mut self, exchange: &Exchange) {
        let Some(page) = &exchange.page else { return };
        match (page.scheme, exchange.url.origin.scheme) {
            (Scheme::Https, Scheme::Http) => {
                self.see(Check::MixedContent, &exchange.url.origin.to_string(), exchange)
            }
            (Scheme::Http, Scheme::Https) => {
                self.see(Check::HttpPage, &exchange.url.origin.to_string(), exchange)
            }
            _ => {}
        }
    }

    /// Whether scripts come from the mail server itself, and whether an applet is asked for.
    fn scripts(&mut self, exchange: &Exchange, family: Family) {
        let own = exchange.page.as_ref().is_some_and(|page| page.host == exchange.url.origin.host);
        if own && family.is_script() && self.gateway.as_ref() != Some(&exchange.url.origin.host) {
            self.see(Check::LocalScripts, &exchange.url.origin.host, exchange);
        }
        let path = exchange.url.path.to_ascii_lowercase();
        if [".jar", ".class", ".cab"].iter().any(|end| path.ends_with(end)) {
            self.see(Check::Applet, "", exchange);
        }
    }

    fn see(&mut self, check: Check, subject: &str, exchange: &Exchange) {
        let mut key = (check, subject.to_owned());
        if !self.sightings.contains_key(&key) {
            let known =
                self.sightings.range((check, String::new())..).take_while(|((one, _), _)| *one == check);
            if known.count() >= MOST_SUBJECTS {
                key.1 = "others".into();
            }
        }
        let sighting = self.sightings.entry(key).or_default();
        sighting.count += 1;
        if sighting.places.len() < MOST_PLACES {
            sighting.places.push(format!("entry {}: {}", exchange.number, exchange.url));
        }
    }

    /// Turns what was seen into findings.
    pub(super) fn judge(self, file: &str, gateway: &Gateway, report: &mut Report) {
        report.findings.extend(self.silence(file));
        for ((check, subject), sighting) in &self.sightings {
            let mut finding = family::finding(*check, subject, gateway);
            for place in &sighting.places {
                finding = finding.at(format!("{file}, {place}"));
            }
            finding.more_places = sighting.count.saturating_sub(sighting.places.len() as u64);
            report.add(finding);
        }
        if !self.shows_cookies {
            let what = "The recording was exported without cookies: their flags could not be looked at";
            report.add(Finding::new("cookies-hidden", Severity::Note, what).at(file).because(
                Mark::Inferred,
                "browser-side.md 5",
                "good for privacy; to have the flags checked, hand in the Set-Cookie lines with their values removed",
            ));
        }
    }

    /// A recording in which nothing of Sametime happens.
    fn silence(&self, file: &str) -> Option<Finding> {
        if self.sametime > 0 {
            return None;
        }
        let finding = if self.mail_pages == 0 {
            Finding::new(
                "no-mail-page",
                Severity::Warning,
                "The recording shows neither a mail page nor Sametime",
            )
            .because(
                Mark::Inferred,
                "browser-side.md 1.1",
                "record again: open the developer tools, then load the mail page, wait a minute, export",
            )
        } else {
            let what =
                "The mail page never asks for anything of Sametime: instant messaging is off for this user";
            Finding::new("user-preference", Severity::Blocker, what)
                .because(
                    Mark::Inferred,
                    "browser-side.md 1.1, domino-directory.md 1.6 and 5 (C20)",
                    "either the user's own preference is off, or neither document names a Sametime server",
                )
                .add("iNotes, Preferences of this user", "enable instant messaging")
                .add(
                    "Configuration Settings document, iNotes tab, or Person document",
                    "a Sametime server for this user",
                )
        };
        Some(finding.at(file))
    }
}
