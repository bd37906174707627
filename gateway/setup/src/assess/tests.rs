use std::fs;

use serde_json::{Value, json};

use super::*;

/// A folder of its own for a test, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("livename-assess-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn gateway() -> Gateway {
    Gateway {
        host: Some("im.renovation.example".into()),
        addresses: vec!["10.1.0.5".parse().unwrap()],
        login_type: USUAL_LOGIN_TYPE,
    }
}

fn judge(name: &str, notes: &str, sametime: &str) -> Report {
    let folder = Folder::new(name);
    let sources = Sources {
        notes: vec![folder.file("notes.ini", notes)],
        sametime: vec![folder.file("sametime.ini", sametime)],
        har: Vec::new(),
    };
    assess(&sources, &gateway()).unwrap()
}

fn recorded(name: &str, entries: Value) -> Report {
    let folder = Folder::new(name);
    let har = json!({"log": {"pages": [], "entries": entries}});
    let sources = Sources { har: vec![folder.file("page.har", &har.to_string())], ..Sources::default() };
    assess(&sources, &gateway()).unwrap()
}

fn of<'a>(report: &'a Report, check: &str) -> &'a Finding {
    report
        .findings()
        .iter()
        .find(|finding| finding.check == check)
        .unwrap_or_else(|| panic!("no {check}: {report}"))
}

fn severity(report: &Report, check: &str) -> Severity {
    of(report, check).severity
}

/// The lines that a finding wants, without the file's folder.
fn lines(report: &Report, check: &str) -> Vec<(Option<String>, Option<String>)> {
    of(report, check).changes.iter().map(|change| (change.now.clone(), change.then.clone())).collect()
}

fn changed(now: &str, then: &str) -> (Option<String>, Option<String>) {
    (Some(now.into()), Some(then.into()))
}

const MAIL: &str = "https://mail1.renovation.example/mail/aarcher.nsf/iNotes/Welcome/";

fn mail_page(headers: Value) -> Value {
    json!({"_resourceType": "document", "request": {"method": "GET", "url": MAIL},
           "response": {"status": 200, "headers": headers, "content": {"mimeType": "text/html"}}})
}

fn call(url: &str, status: u16, headers: Value) -> Value {
    json!({"_resourceType": "xhr",
           "request": {"method": "GET", "url": url,
                       "headers": [{"name": "Referer", "value": "https://mail1.renovation.example/"},
                                   {"name": "Origin", "value": "https://mail1.renovation.example"}]},
           "response": {"status": status, "headers": headers}})
}

#[test]
fn an_open_server_is_go() {
    let report = judge("open", "[Notes]\nServerName=Mail1/Renovation\n", "[Config]\nVP_SECURITY_LEVEL=25\n");
    assert!(report.is_go(), "{report}");
    let text = report.to_string();
    assert!(text.contains("GO as far as these files show: no blocker, 0 warnings."), "{text}");
    assert!(text.contains("Not handed in, so not looked at: HAR."), "{text}");
}

#[test]
fn every_setting_that_keeps_the_gateway_out_is_named_with_its_new_line() {
    let report = judge(
        "closed",
        "[Notes]\nHTTPNoSession=1\niNotes_WA_SametimeProtocol=http\n",
        "[Connectivity]\nVPMX_TRUSTED_CLIENT_IPS=10.0.0.1, 10.0.0.2\nVP_REJECT_FORWARDED_LOGINS=1\n[Config]\n\
         VPS_ALLOWED_LOGIN_TYPES=1003,130D\nVP_ONLY_SINGLE_LOGIN_ALLOWED=1\nVPS_EXCLUDED_LOGIN_TYPES=1002\n\
         ST_MINIMAL_CLIENT_VERSION=6510\nST_FORCE_LOGOUT_OLD_CLIENT_VERSION=1\n",
    );
    assert!(!report.is_go());
    let wanted = [
        ("no-session", (Some("HTTPNoSession=1".into()), None)),
        ("protocol", (Some("iNotes_WA_SametimeProtocol=http".into()), None)),
        (
            "trusted-clients",
            changed(
                "VPMX_TRUSTED_CLIENT_IPS=10.0.0.1, 10.0.0.2",
                "VPMX_TRUSTED_CLIENT_IPS=10.0.0.1,10.0.0.2,10.1.0.5",
            ),
        ),
        ("forwarded-logins", changed("VP_REJECT_FORWARDED_LOGINS=1", "VP_REJECT_FORWARDED_LOGINS=0")),
        (
            "allowed-login-types",
            changed("VPS_ALLOWED_LOGIN_TYPES=1003,130D", "VPS_ALLOWED_LOGIN_TYPES=1003,130D,14B4"),
        ),
        ("single-login", changed("VPS_EXCLUDED_LOGIN_TYPES=1002", "VPS_EXCLUDED_LOGIN_TYPES=1002,14B4")),
        (
            "minimum-version",
            changed("ST_FORCE_LOGOUT_OLD_CLIENT_VERSION=1", "ST_FORCE_LOGOUT_OLD_CLIENT_VERSION=0"),
        ),
    ];
    for (check, line) in wanted {
        assert_eq!(severity(&report, check), Severity::Blocker, "{check}");
        assert_eq!(lines(&report, check)[0], line, "{check}");
    }
    assert!(of(&report, "trusted-clients").places[0].ends_with("sametime.ini:2"));
    assert!(report.to_string().contains("NO-GO: 7 blockers"), "{report}");
}

#[test]
fn lists_that_have_the_gateway_are_in_order_in_any_spelling() {
    let report = judge(
        "listed",
        "",
        "VPMX_TRUSTED_CLIENT_IPS=10.1.0.5\nSTI__Config__VPS_ALLOWED_LOGIN_TYPES=0x1003, 14b4\n\
         VP_ONLY_SINGLE_LOGIN_ALLOWED=1\nVPS_EXCLUDED_LOGIN_TYPES=14B4\nST_AUTH_TOKEN=Fork:Jwt,Ltpa\n",
    );
    for check in ["trusted-clients", "allowed-login-types", "single-login", "token-kinds"] {
        assert_eq!(severity(&report, check), Severity::Fine, "{check}");
    }
}

#[test]
fn a_container_file_gets_its_own_spelling_back() {
    let report = judge("container", "", "STI__ST_BB_NAMES__ST_AUTH_TOKEN=Jwt,Saml\n");
    let line = changed(
        "STI__ST_BB_NAMES__ST_AUTH_TOKEN=Jwt,Saml",
        "STI__ST_BB_NAMES__ST_AUTH_TOKEN=Fork:Jwt,Saml,Ltpa",
    );
    assert_eq!(lines(&report, "token-kinds"), [line]);
}

#[test]
fn mixed_content_and_scripts_from_the_mail_server_are_seen() {
    let script = "https://mail1.renovation.example/sametime/stlinks/stlinks.js";
    let report = recorded(
        "mixed",
        json!([
            mail_page(json!([])),
            call("http://st1.renovation.example/stwebapi/user/connect?username=SECRET", 0, json!([])),
            {"request": {"url": script}, "response": {"status": 200}},
            {"request": {"url": "http://localhost:59449/stwebapi/x"}},
        ]),
    );
    assert_eq!(severity(&report, "mixed-content"), Severity::Blocker);
    assert_eq!(severity(&report, "local-scripts"), Severity::Blocker);
    assert_eq!(severity(&report, "desktop-client"), Severity::Note);
    assert!(
        of(&report, "mixed-content").places[0]
            .contains("entry 2: http://st1.renovation.example/stwebapi/user/connect")
    );
    assert!(!report.to_string().contains("SECRET") && !report.to_string().contains("aarcher"), "{report}");
}

#[test]
fn redirects_cors_and_refusals_of_calls_are_seen() {
    let host = "https://st1.renovation.example";
    let allowed = json!([{"name": "Access-Control-Allow-Origin", "value": "https://mail1.renovation.example"},
                         {"name": "Access-Control-Allow-Credentials", "value": "true"}]);
    let report = recorded(
        "calls",
        json!([
            mail_page(json!([])),
            call(
                &format!("{host}/stwebapi/presence"),
                302,
                json!([{"name": "Location", "value": "/names.nsf?Login"}])
            ),
            call(&format!("{host}/stwebapi/presence"), 401, json!([])),
            call(&format!("{host}/stwebapi/status"), 500, allowed.clone()),
        ]),
    );
    assert!(of(&report, "redirected-calls").what.ends_with("https://st1.renovation.example/names.nsf"));
    assert_eq!(of(&report, "cors").places.len(), 2, "the third answer is readable");
    assert_eq!(severity(&report, "refused"), Severity::Warning);
    assert_eq!(severity(&report, "failed"), Severity::Warning);
    let good = recorded(
        "good",
        json!([mail_page(json!([])), call(&format!("{host}/stwebapi/presence"), 200, allowed)]),
    );
    assert!(good.is_go(), "{good}");
}

#[test]
fn cookie_flags_are_judged_without_the_cookie() {
    let cookies = |value: &str| json!([mail_page(json!([{"name": "Set-Cookie", "value": value}]))]);
    let report = recorded("cookies-1", cookies("LtpaToken=SECRET; HttpOnly; SameSite=None"));
    assert_eq!(severity(&report, "cookie-host-only"), Severity::Blocker);
    assert_eq!(severity(&report, "cookie-http-only"), Severity::Warning);
    assert_eq!(severity(&report, "cookie-same-site"), Severity::Warning);
    assert!(!report.json().to_string().contains("SECRET"));
    let other = recorded("cookies-2", cookies("LtpaToken2=SECRET; domain=.elsewhere.example"));
    assert_eq!(severity(&other, "cookie-domain"), Severity::Blocker);
    let right = recorded("cookies-3", cookies("LtpaToken=SECRET; domain=.renovation.example"));
    assert!(right.findings().iter().all(|finding| !finding.check.starts_with("cookie")), "{right}");
}

#[test]
fn a_mail_page_without_sametime_means_that_it_is_switched_off() {
    let report = recorded("silent", json!([mail_page(json!([]))]));
    assert_eq!(severity(&report, "user-preference"), Severity::Blocker);
    assert_eq!(severity(&recorded("empty", json!([])), "no-mail-page"), Severity::Warning);
}

#[test]
fn the_design_of_the_mail_file_is_read_from_its_forms() {
    let forms = |release: &str| {
        let url =
            format!("https://mail1.renovation.example/iNotes/Forms{release}.nsf/h_ResourcesByName/x.js");
        recorded(&format!("forms-{release}"), json!([{"request": {"url": url}, "response": {"status": 200}}]))
    };
    assert_eq!(severity(&forms("6"), "old-template"), Severity::Blocker);
    assert!(of(&forms("85"), "template").what.contains("Forms85.nsf"));
}

#[test]
fn a_content_policy_must_let_the_page_reach_the_gateway() {
    let policy = |value: &str| {
        let entries = json!([mail_page(json!([{"name": "Content-Security-Policy", "value": value}]))]);
        recorded("policy", entries)
            .findings()
            .iter()
            .filter(|finding| finding.check == "content-policy")
            .count()
    };
    assert_eq!(policy("default-src 'self'"), 2);
    assert_eq!(policy("default-src 'self' *.renovation.example; img-src *"), 0);
    assert_eq!(policy("connect-src https://im.renovation.example:443; script-src 'self'"), 1);
    assert_eq!(policy("frame-ancestors 'self'"), 0);
}

#[test]
fn thousands_of_sightings_become_one_finding() {
    let entries: Vec<Value> = (0..3000)
        .map(|n| call(&format!("http://st{n}.renovation.example/stwebapi/x"), 200, json!([])))
        .collect();
    let report = recorded("many", json!(entries));
    let mixed: Vec<&Finding> =
        report.findings().iter().filter(|finding| finding.check == "mixed-content").collect();
    assert_eq!(mixed.len(), 21);
    let seen: u64 = mixed.iter().map(|finding| finding.places.len() as u64 + finding.more_places).sum();
    assert_eq!(seen, 3000);
    assert!(mixed.iter().all(|finding| finding.places.len() <= 5));
}

#[test]
fn every_finding_names_its_reason_and_its_source() {
    let report = judge(
        "reasons",
        "iNotes_WA_SametimeProtocol=x\n",
        "ST_TOKEN_TYPE=Other\nVPS_PREFERRED_LOGIN_TYPES=14B4\n",
    );
    for finding in report.findings() {
        assert!(!finding.source.is_empty(), "{}", finding.check);
        assert!(finding.severity == Severity::Fine || !finding.why.is_empty(), "{}", finding.check);
    }
}
