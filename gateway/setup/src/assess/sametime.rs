//! What `sametime.ini` of a community server or multiplexer says about the gateway's logins (vp-wire.md 4, 5).
//!
//! The same settings are read from the environment file of a Sametime 12 container.

use super::Gateway;
use super::finding::{Finding, Severity};
use super::notes::{contradictions, place, shown};
use super::report::Report;
use crate::ini::{Entry, IniFile};
use crate::items::Mark;

const CLIENTS: &str = "vp-wire.md 4";
const REJECTING: &str = "HCL Sametime 9.0.1 help, \"Rejecting forwarded log-ins\"";
const SINGLE: &str = "HCL Sametime help, \"Configuring the single login type\"; vp-wire.md 4";
const MINIMUM: &str =
    "HCL Sametime 9.0.1 help, \"Specifying the minimum allowed client version\"; vp-wire.md 4";

/// Up to here the server tests what a client can do, and the gateway passes; above it wants a version number.
const TESTED_LEVEL: u32 = 25;

pub(super) fn judge(file: &str, ini: &IniFile, gateway: &Gateway, report: &mut Report) {
    let rules = [
        trusted_clients,
        allowed_types,
        forwarded,
        minimum_version,
        single_login,
        preferred,
        token_name,
        token_kinds,
        pending_time,
    ];
    for rule in rules {
        report.findings.extend(rule(file, ini, gateway));
    }
    report.findings.extend(contradictions(file, ini));
}

fn trusted_clients(file: &str, ini: &IniFile, gateway: &Gateway) -> Option<Finding> {
    const CHECK: &str = "trusted-clients";
    let Some(entry) = ini.find("VPMX_TRUSTED_CLIENT_IPS") else {
        return Some(fine(CHECK, file, "VPMX_TRUSTED_CLIENT_IPS is not set: every address may log in"));
    };
    let listed: Vec<&str> = entry.list().collect();
    let is_listed = |address: &&std::net::IpAddr| listed.iter().any(|one| one.parse() == Ok(**address));
    let missing: Vec<String> =
        gateway.addresses.iter().filter(|address| !is_listed(address)).map(ToString::to_string).collect();
    if missing.is_empty() && !gateway.addresses.is_empty() {
        return Some(fine(CHECK, &place(file, entry), "VPMX_TRUSTED_CLIENT_IPS lists the gateway"));
    }
    let (what, then) = match missing.as_slice() {
        [] => (
            "Only listed addresses may log in; which is the gateway's was not said",
            "ADDRESS-OF-THE-GATEWAY".into(),
        ),
        missing => {
            ("Only listed addresses may log in, and the gateway's is not among them", missing.join(","))
        }
    };
    let list = [listed.join(","), then].join(",");
    Some(
        Finding::new(CHECK, Severity::Blocker, what)
            .because(
                Mark::Verified,
                REJECTING,
                "VPMX_TRUSTED_CLIENT_IPS: once the list has an entry, the multiplexer turns everybody else away",
            )
            .at(place(file, entry))
            .change(place(file, entry), &shown(entry), Some(entry.with(&list))),
    )
}

fn allowed_types(file: &str, ini: &IniFile, gateway: &Gateway) -> Option<Finding> {
    const CHECK: &str = "allowed-login-types";
    let Some(entry) = ini.find("VPS_ALLOWED_LOGIN_TYPES") else {
        return Some(fine(
            CHECK,
            file,
            "VPS_ALLOWED_LOGIN_TYPES is not set: every kind of client may log in",
        ));
    };
    if lists(entry, gateway.login_type) {
        return Some(fine(
            CHECK,
            &place(file, entry),
            "VPS_ALLOWED_LOGIN_TYPES lists the gateway's login type",
        ));
    }
    let own = gateway.login_type;
    let what = format!("The login type of the gateway, {own:04X}, is not among the allowed ones");
    Some(
        Finding::new(CHECK, Severity::Blocker, what)
            .because(
                Mark::Verified,
                CLIENTS,
                "the server refuses logins of other types; or give the gateway one that is listed, with \
                 `login_type` in livename.toml",
            )
            .at(place(file, entry))
            .change(place(file, entry), &shown(entry), Some(with_type(entry, own))),
    )
}

fn forwarded(file: &str, ini: &IniFile, _: &Gateway) -> Option<Finding> {
    const CHECK: &str = "forwarded-logins";
    let Some(entry) = ini.find("VP_REJECT_FORWARDED_LOGINS").filter(|entry| entry.is_on()) else {
        return Some(fine(CHECK, file, "Logins are forwarded to a user's home server"));
    };
    Some(
        Finding::new(CHECK, Severity::Blocker, "Logins at another server than the user's home server are refused")
            .because(
                Mark::Verified,
                REJECTING,
                "VP_REJECT_FORWARDED_LOGINS=1: with more than one home server or cluster the gateway gets in only \
                 where it starts. Allow forwarding for it, or run one gateway for each home cluster. With a single \
                 server this is no blocker",
            )
            .at(place(file, entry))
            .change(place(file, entry), &shown(entry), Some(entry.with("0"))),
    )
}

fn minimum_version(file: &str, ini: &IniFile, _: &Gateway) -> Option<Finding> {
    const CHECK: &str = "minimum-version";
    let wanted =
        |name: &'static str| ini.find(name).and_then(|entry| Some((entry, entry.value.parse::<u32>().ok()?)));
    let levels = [wanted("ST_MINIMAL_CLIENT_VERSION"), wanted("VP_SECURITY_LEVEL")];
    let Some((entry, _)) = levels.into_iter().flatten().find(|(_, level)| *level > TESTED_LEVEL) else {
        return Some(fine(CHECK, file, "No minimum client version above what the gateway passes"));
    };
    // The older name counts only where the newer one is absent.
    let force = ini.find("ST_FORCE_LOGOUT_OLD_CLIENT_VERSION");
    let tolerant = force.is_some_and(|entry| entry.value == "0");
    let severity = if tolerant { Severity::Warning } else { Severity::Blocker };
    let mut finding = Finding::new(CHECK, severity, format!("{} asks for newer clients", entry.name))
        .because(
            Mark::Inferred,
            MINIMUM,
            "up to level 25 the server tests the client, which the gateway passes; above, it compares a version \
             that the client names, and how the gateway's is read is not published. Old clients get an announcement \
             or are logged out. All servers of a community need the same value",
        )
        .at(place(file, entry));
    if !tolerant {
        let section = "[Config]";
        finding = match force {
            Some(force) => finding.change(place(file, force), &shown(force), Some(force.with("0"))),
            None => finding.add(format!("{file}, {section}"), "ST_FORCE_LOGOUT_OLD_CLIENT_VERSION=0"),
        };
    }
    Some(finding)
}

fn single_login(file: &str, ini: &IniFile, gateway: &Gateway) -> Option<Finding> {
    const CHECK: &str = "single-login";
    let Some(entry) = ini.find("VP_ONLY_SINGLE_LOGIN_ALLOWED").filter(|entry| entry.is_on()) else {
        return Some(fine(CHECK, file, "A user may be logged in with several clients"));
    };
    let own = gateway.login_type;
    let excluded = ini.find("VPS_EXCLUDED_LOGIN_TYPES");
    if let Some(list) = excluded.filter(|list| lists(list, own)) {
        let what = "Single login is on, and the gateway's login type is excluded from it";
        return Some(fine(CHECK, &place(file, list), what));
    }
    let finding = Finding::new(CHECK, Severity::Blocker, "A user may be logged in with one client only")
        .because(
            Mark::Verified,
            SINGLE,
            "VP_ONLY_SINGLE_LOGIN_ALLOWED=1: opening the mail page would log out the user's Sametime client, and \
             the other way round",
        )
        .at(place(file, entry));
    Some(match excluded {
        Some(list) => finding.change(place(file, list), &shown(list), Some(with_type(list, own))),
        None => {
            finding.add(format!("{file}, [{}]", entry.section), format!("VPS_EXCLUDED_LOGIN_TYPES={own:04X}"))
        }
    })
}

fn preferred(file: &str, ini: &IniFile, gateway: &Gateway) -> Option<Finding> {
    let entry = ini.find("VPS_PREFERRED_LOGIN_TYPES").filter(|entry| lists(entry, gateway.login_type))?;
    let own = gateway.login_type;
    let rest: Vec<&str> = entry.list().filter(|text| kind(text) != Some(own)).collect();
    Some(
        Finding::new("preferred-types", Severity::Warning, "Chats may be delivered to the gateway's login")
            .because(
                Mark::Inferred,
                CLIENTS,
                "VPS_PREFERRED_LOGIN_TYPES ranks the gateway's type; it shows awareness and takes no chats",
            )
            .at(place(file, entry))
            .change(place(file, entry), &shown(entry), Some(entry.with(&rest.join(",")))),
    )
}

fn token_name(file: &str, ini: &IniFile, _: &Gateway) -> Option<Finding> {
    let entry = ini.find("ST_TOKEN_TYPE").filter(|entry| !entry.value.eq_ignore_ascii_case("LtpaToken"))?;
    Some(
        Finding::new("token-name", Severity::Warning, "Sametime takes another SSO document than LtpaToken")
            .because(
                Mark::Verified,
                "domino-directory.md 1.3",
                "ST_TOKEN_TYPE: the Web SSO Configuration document of this name must be the one that the mail servers \
                 use, or tokens of mail users are refused",
            )
            .at(place(file, entry))
            .change(place(file, entry), &shown(entry), Some(entry.with("LtpaToken"))),
    )
}

fn token_kinds(file: &str, ini: &IniFile, _: &Gateway) -> Option<Finding> {
    let entry = ini.find("ST_AUTH_TOKEN")?;
    let kinds = entry.value.split_once(':').map_or(entry.value.as_str(), |(_, kinds)| kinds);
    if kinds.split(',').any(|kind| kind.trim().eq_ignore_ascii_case("ltpa")) {
        return Some(fine("token-kinds", &place(file, entry), "ST_AUTH_TOKEN takes LTPA tokens"));
    }
    let then = entry.with(&format!("Fork:{kinds},Ltpa"));
    Some(
        Finding::new("token-kinds", Severity::Blocker, "The community takes no LTPA tokens")
            .because(
                Mark::Verified,
                "browser-side.md 3.8, ltpa.md 7",
                "ST_AUTH_TOKEN lists the kinds that are tried; keys have to be imported too, and the token's life \
                 time must be that of the Domino document",
            )
            .at(place(file, entry))
            .change(place(file, entry), &shown(entry), Some(then)),
    )
}

fn pending_time(file: &str, ini: &IniFile, _: &Gateway) -> Option<Finding> {
    let entry = ini.find("VP_MAX_PENDING_TIME");
    let seconds = entry.and_then(|entry| entry.value.parse::<u32>().ok()).unwrap_or(0);
    if (1..=55).contains(&seconds) {
        return None;
    }
    let finding = Finding::new(
        "pending-polls",
        Severity::Note,
        "Polls of old clients may stay unanswered for ever",
    )
    .because(
        Mark::Verified,
        "browser-side.md 2.4",
        "VP_MAX_PENDING_TIME: matters only where old clients tunnel through the gateway's bridge, whose time \
             limit would cut them",
    );
    Some(match entry {
        Some(entry) => {
            finding.at(place(file, entry)).change(place(file, entry), &shown(entry), Some(entry.with("25")))
        }
        None => finding.at(file).add(format!("{file}, [Config]"), "VP_MAX_PENDING_TIME=25"),
    })
}

fn fine(check: &'static str, at: &str, what: &str) -> Finding {
    Finding::new(check, Severity::Fine, what).at(at).because(Mark::Verified, CLIENTS, "")
}

/// Whether a list of login types, hexadecimal with or without `0x`, has this one.
fn lists(entry: &Entry, own: u16) -> bool {
    entry.list().any(|text| kind(text) == Some(own))
}

fn kind(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("0x").or(text.strip_prefix("0X")).unwrap_or(text);
    u16::from_str_radix(digits, 16).ok()
}

fn with_type(entry: &Entry, own: u16) -> String {
    entry.with(&format!("{},{own:04X}", entry.list().collect::<Vec<_>>().join(",")))
}
