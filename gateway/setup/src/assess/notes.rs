//! What `notes.ini` of a mail server says about awareness (browser-side.md 1.2, domino-directory.md 3.7).

use super::Gateway;
use super::finding::{Finding, Severity};
use super::har::Address;
use super::report::Report;
use crate::ini::{Entry, IniFile};
use crate::items::Mark;

/// Design files of the iNotes page that read `notes.ini` instead of the Configuration Settings document.
const OLD_FORMS: [&str; 2] = ["forms5.nsf", "forms6.nsf"];

const CONFIGURATION: &str = "Configuration Settings document, iNotes tab, Instant Messaging";

pub(super) fn judge(file: &str, ini: &IniFile, gateway: &Gateway, report: &mut Report) {
    for rule in [protocol, host_for_all, proxy, sessions, forms, trace, name_format] {
        report.findings.extend(rule(file, ini, gateway));
    }
    report.findings.extend(contradictions(file, ini));
}

/// `file:line`.
pub(super) fn place(file: &str, entry: &Entry) -> String {
    format!("{file}:{}", entry.line)
}

/// Lines of one name that say different things, which both kinds of file may have.
pub(super) fn contradictions(file: &str, ini: &IniFile) -> Vec<Finding> {
    let name = |entry: &Entry| {
        let name = entry.name.to_ascii_lowercase();
        ["inotes_wa_", "httpnosession", "vp_", "vps_", "vpmx_", "st_"]
            .iter()
            .any(|start| name.starts_with(start))
    };
    let pairs = ini.contradictions().into_iter().filter(|(_, later)| name(later)).take(20);
    pairs
        .map(|(first, later)| {
            let what = format!("{} is set twice with different values", later.name);
            Finding::new("contradiction", Severity::Warning, what)
                .because(
                    Mark::Unknown,
                    "domino-directory.md 3.7",
                    "which of the two counts is not published; the first is taken here",
                )
                .at(place(file, first))
                .at(place(file, later))
        })
        .collect()
}

fn protocol(file: &str, ini: &IniFile, _: &Gateway) -> Option<Finding> {
    const SOURCE: &str = "browser-side.md 1.4, domino-directory.md 5 (C21)";
    let Some(entry) = ini.find("iNotes_WA_SametimeProtocol") else {
        let what = "iNotes_WA_SametimeProtocol is not set: pages use their own scheme";
        return Some(
            Finding::new("protocol", Severity::Fine, what).because(Mark::Inferred, SOURCE, "").at(file),
        );
    };
    let value = entry.value.to_ascii_lowercase();
    let (severity, why) = match value.trim_end_matches("://").trim_end_matches(':') {
        "http" => (Severity::Blocker, "browsers block an http URL on an https page as mixed content"),
        "https" => (Severity::Warning, "on an http page an https URL is another site: cookies may stay away"),
        _ => (Severity::Warning, "only http and https are known as values"),
    };
    let what = "iNotes_WA_SametimeProtocol is set; a gateway that listens on http and https needs it unset";
    Some(
        Finding::new("protocol", severity, what)
            .because(Mark::Inferred, SOURCE, why)
            .at(place(file, entry))
            .change(place(file, entry), &shown(entry), None)
            .add(
                "server console, so that it lasts until then",
                "set configuration iNotes_WA_SametimeProtocol=",
            ),
    )
}

fn host_for_all(file: &str, ini: &IniFile, gateway: &Gateway) -> Option<Finding> {
    let entry = ini.find("iNotes_WA_SametimeServer")?;
    let host = gateway.host.as_deref();
    if host.is_some_and(|host| host.eq_ignore_ascii_case(&entry.value)) {
        return None;
    }
    let finding = Finding::new(
        "old-host-setting",
        Severity::Warning,
        "iNotes_WA_SametimeServer is set: only mail files of the Domino 6 design still read it",
    )
    .because(
        Mark::Verified,
        "browser-side.md 1.1, domino-directory.md 1.6",
        "newer mail files read the Configuration Settings document only; a value here misleads, and sends mail \
         files of the old design past the gateway",
    )
    .at(place(file, entry))
    .change(place(file, entry), &shown(entry), host.map(|host| entry.with(host)));
    Some(
        finding
            .add(CONFIGURATION, "instant messaging server host name for all users: the gateway's host name"),
    )
}

fn proxy(file: &str, ini: &IniFile, gateway: &Gateway) -> Option<Finding> {
    let entry = ini.find("iNotes_WA_SametimeProxyServerSSL")?;
    let finding = |severity, what: &str| {
        Finding::new("proxy-url", severity, what).at(place(file, entry)).because(
            Mark::Verified,
            "browser-side.md 1.2",
            "this setting is the base URL of the Sametime Proxy; pages go there without asking any other",
        )
    };
    let Some(address) = Address::parse(&entry.value) else {
        let what = "iNotes_WA_SametimeProxyServerSSL is no URL";
        return Some(finding(Severity::Warning, what).change(
            place(file, entry),
            &shown(entry),
            gateway.host.as_deref().map(|host| entry.with(&format!("https://{host}"))),
        ));
    };
    let host = gateway.host.as_deref()?;
    if address.origin.host.eq_ignore_ascii_case(host) {
        return Some(finding(Severity::Fine, "iNotes_WA_SametimeProxyServerSSL names the gateway"));
    }
    let what = "iNotes_WA_SametimeProxyServerSSL names another host than the gateway";
    let then = entry.with(&format!("https://{host}"));
    Some(finding(Severity::Blocker, what).change(place(file, entry), &shown(entry), Some(then)))
}

fn sessions(file: &str, ini: &IniFile, _: &Gateway) -> Option<Finding> {
    let entry = ini.find("HTTPNoSession").filter(|entry| entry.is_on())?;
    Some(
        Finding::new("no-session", Severity::Blocker, "HTTPNoSession=1 ends session and LTPA logins")
            .because(
                Mark::Verified,
                "domino-directory.md 3.7",
                "without a session there is no token, and the gateway cannot know who a browser is",
            )
            .at(place(file, entry))
            .change(place(file, entry), &shown(entry), None),
    )
}

fn forms(file: &str, ini: &IniFile, _: &Gateway) -> Option<Finding> {
    let entry = ini.find("iNotes_WA_FormsFiles")?;
    let old = |form: &&str| OLD_FORMS.iter().any(|old| form.to_ascii_lowercase().ends_with(old));
    let kept: Vec<&str> = entry.list().filter(|form| !old(form)).collect();
    if kept.len() == entry.list().count() {
        return None;
    }
    Some(
        Finding::new("old-template", Severity::Warning, "iNotes pages of the Domino 6 design are still allowed")
            .because(
                Mark::Inferred,
                "browser-side.md 1.1",
                "mail files of that design ignore the Configuration Settings document; replace their design first",
            )
            .at(place(file, entry))
            .change(place(file, entry), &shown(entry), Some(entry.with(&kept.join(",")))),
    )
}

fn trace(file: &str, ini: &IniFile, _: &Gateway) -> Option<Finding> {
    let entry = ini.find("DEBUG_SSO_TRACE_LEVEL").filter(|entry| entry.value != "0")?;
    Some(
        Finding::new("sso-trace", Severity::Warning, "DEBUG_SSO_TRACE_LEVEL writes token data into the log")
            .because(Mark::Verified, "domino-directory.md 3.7", "whoever reads the log can read tokens")
            .at(place(file, entry))
            .change(place(file, entry), &shown(entry), None),
    )
}

fn name_format(file: &str, ini: &IniFile, _: &Gateway) -> Option<Finding> {
    let entry = ini.find("iNotes_WA_SametimeNameFormat")?;
    Some(
        Finding::new("name-format", Severity::Note, "iNotes_WA_SametimeNameFormat is set")
            .because(
                Mark::Unknown,
                "browser-side.md 1.2",
                "its values are not published; if names stay dark, try without it",
            )
            .at(place(file, entry)),
    )
}

/// The line as it stands. Only for settings that hold no secret.
pub(super) fn shown(entry: &Entry) -> String {
    entry.with(&entry.value)
}
