//! Settings outside the directory: `notes.ini` of the mail servers (domino-directory.md 3.7).

use std::fmt::Write;

use super::UNTRIED;
use crate::config::Setup;
use crate::items::Mark;

/// One variable.
pub(super) struct IniLine {
    pub(super) name: &'static str,
    /// None: the variable has to go.
    pub(super) value: Option<String>,
    pub(super) why: &'static str,
    pub(super) mark: Mark,
    pub(super) source: &'static str,
    /// Only for some estates: shown, and left to the administrator.
    pub(super) optional: bool,
}

/// The lines that every estate of this set-up needs.
pub(super) fn to_set(setup: &Setup) -> impl Iterator<Item = IniLine> {
    lines(setup).into_iter().filter(|line| !line.optional)
}

pub(super) fn file(setup: &Setup) -> String {
    let mut out = format!(
        "# {UNTRIED}\n# For every mail server. On the console: set configuration NAME=VALUE (an empty value removes it). If the\n\
         # NOTES.INI Settings tab of a Configuration document names the variable, change it there: that tab wins in the end.\n\
         # Then restart HTTP: tell http restart\n"
    );
    for line in lines(setup) {
        let _ = write!(out, "\n# {} [{}: {}]\n", line.why, line.mark, line.source);
        let mark = if line.optional { "# only if it applies: " } else { "" };
        let _ = writeln!(out, "{mark}set configuration {}={}", line.name, line.value.unwrap_or_default());
    }
    out
}

fn lines(setup: &Setup) -> Vec<IniLine> {
    let mut lines = Vec::new();
    let Some(gateway) = &setup.gateway else { return lines };
    let (value, why) = match (gateway.http, gateway.https) {
        (false, true) => (Some("https"), "The gateway listens on https only"),
        (true, false) => (Some("http"), "The gateway listens on http only; pages on https get no awareness"),
        _ => (
            None,
            "The gateway listens on http and https: pages use their own scheme only where this is unset",
        ),
    };
    lines.push(IniLine {
        name: "iNotes_WA_SametimeProtocol",
        value: value.map(str::to_owned),
        why,
        mark: Mark::Inferred,
        source: "domino-directory.md 5 (C21)",
        optional: false,
    });
    lines.push(IniLine {
        name: "iNotes_WA_SametimeServer",
        value: Some(gateway.host.to_string()),
        why: "Mail files of the Domino 6 design read this, and not the Configuration Settings document",
        mark: Mark::Verified,
        source: "V27",
        optional: true,
    });
    if gateway.https {
        lines.push(IniLine {
            name: "iNotes_WA_SametimeProxyServerSSL",
            value: Some(format!("https://{}", gateway.host)),
            why: "Pages that use the Sametime Proxy (Verse, newer iNotes) take its URL from here",
            mark: Mark::Verified,
            source: "V48",
            optional: true,
        });
    }
    lines
}
