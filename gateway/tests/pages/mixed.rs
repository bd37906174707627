//! Page scheme × gateway scheme × cookie flags: each cell works, or the page is told which flag is in the way.
//! `docs/mixed-estates.md` has the table that comes out of this.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

use crate::browser::{self, Browser};
use crate::site::{Site, id, people};

const SCHEMES: [&str; 2] = ["http", "https"];
const SAME_SITE: [&str; 3] = ["", "; SameSite=Lax", "; SameSite=None"];
const MARKS: (&str, &str) = ("<!-- results begin -->\n", "<!-- results end -->");

#[derive(Clone, Copy)]
struct Cookie {
    secure: bool,
    http_only: bool,
    same_site: &'static str,
}

impl Cookie {
    fn all() -> impl Iterator<Item = Self> {
        SAME_SITE.into_iter().flat_map(|same_site| {
            [false, true].into_iter().flat_map(move |secure| {
                [false, true].into_iter().map(move |http_only| Self { secure, http_only, same_site })
            })
        })
    }

    fn flags(self) -> String {
        let flag = |on: bool, text| if on { text } else { "" };
        format!("{}{}{}", flag(self.secure, "; Secure"), flag(self.http_only, "; HttpOnly"), self.same_site)
    }

    /// What is in the way, by the rules of browsers; the page's error has to say this.
    fn hurdle(self, page: &str, gateway: &str) -> Option<&'static str> {
        let none = self.same_site.ends_with("None");
        match (page, gateway) {
            ("https", "http") => Some("Mixed content"),
            ("http", _) if self.secure => Some("Secure"),
            (_, _) if none && !self.secure => Some("SameSite"),
            ("http", "https") => Some("SameSite"),
            _ => None,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mix_of_schemes_and_cookie_flags_works_or_is_explained() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(2)).await;
    site.online([id(1)]);
    let mut browser = site.browser().await;
    let mut table = String::from(
        "| cookie | http page, http gateway | http page, https gateway | https page, http gateway | https page, https gateway |\n\
         | --- | --- | --- | --- | --- |\n",
    );
    for cookie in Cookie::all() {
        let _ = write!(table, "| `LtpaToken{}` |", cookie.flags());
        for page in SCHEMES {
            for gateway in SCHEMES {
                let outcome = visit(&mut browser, &site, page, gateway, cookie).await;
                match cookie.hurdle(page, gateway) {
                    None => assert_eq!(outcome, "works", "{page} → {gateway}{}", cookie.flags()),
                    Some(hurdle) => {
                        let named = outcome != "works" && outcome.contains(hurdle);
                        assert!(named, "{page} → {gateway}{}: {outcome}", cookie.flags());
                    }
                }
                let _ = write!(table, " {} |", brief(&outcome));
            }
        }
        table.push('\n');
    }
    compare(&table);
}

/// What a page shows that is opened after a log-in at the mail server over its own scheme.
async fn visit(browser: &mut Browser, site: &Site, page: &str, gateway: &str, cookie: Cookie) -> String {
    browser.forget_cookies().await;
    site.log_in(browser, page, &id(0), 600, &cookie.flags()).await;
    // A browser lets no https page load a script over http: only a copy on the mail server can say why.
    let copy = if (page, gateway) == ("https", "http") { "copy=1" } else { "" };
    browser.open(&site.page(page, gateway, "links", copy)).await;
    browser.wait_for("window.outcome").await;
    match browser.value("window.outcome").await {
        Value::String(outcome) if outcome == "works" => {
            browser.value("addRow('CN=Person 1/O=Renovation')").await;
            browser.wait_for("document.querySelector('.livename[data-status=active]')").await;
            outcome
        }
        Value::String(outcome) => outcome,
        other => panic!("{other}"),
    }
}

/// The words of an error that say what to change.
fn brief(outcome: &str) -> String {
    if outcome == "works" {
        return "works".to_owned();
    }
    let named = ["Mixed content", "Secure", "SameSite"].into_iter().filter(|word| outcome.contains(word));
    format!("error: {}", named.collect::<Vec<_>>().join(", "))
}

/// The table in the docs is this one. `LIVENAME_WRITE_DOCS=1` makes it so.
fn compare(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/mixed-estates.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(MARKS.0).expect("the table's beginning is marked");
    let (written, after) = rest.split_once(MARKS.1).expect("the table's end is marked");
    if std::env::var_os("LIVENAME_WRITE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{}{table}{}{after}", MARKS.0, MARKS.1)).unwrap();
    } else {
        assert_eq!(
            written, table,
            "docs/mixed-estates.md is out of date: run this with LIVENAME_WRITE_DOCS=1"
        );
    }
}
