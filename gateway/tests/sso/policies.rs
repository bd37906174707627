//! What a route does with a request whose token proves nothing, and whom it names to its upstreams.

use crate::support::{Answer, DOMINO_COOKIE, Folder, Program, domino, domino_key, mirror};

const ADA: &str = "CN=Ada Test/O=Example";
const PAGE: (&str, &str) = ("Accept", "text/html,application/xhtml+xml");

fn site() -> (Folder, Program) {
    let folder = Folder::new();
    let mirror = mirror();
    let sso = format!(
        "[sso]\ndomain = \".acme.example\"\nlogin_url = \"https://login.acme.example/in?to={{return}}\"\n{DOMINO_COOKIE}{}",
        domino_key(1)
    );
    let route = |path: &str, more: &str| {
        format!("[[route]]\npath = \"{path}\"\nupstreams = [\"http://{mirror}\"]\n{more}\n")
    };
    let routes = [
        route("/", ""),
        route(
            "/mail",
            "login_url = \"/names.nsf?Login&RedirectTo={return}\"\nidentity_header = \"X-Livename-User\"",
        ),
        route("/open", "auth = \"optional\"\nidentity_header = \"$WSRU\""),
        route("/off", "auth = \"off\""),
        route("/names.nsf", "auth = \"off\""),
    ];
    folder.config(&sso, &routes.concat());
    let program = folder.start();
    (folder, program)
}

fn location(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.header("location").unwrap_or_default())
}

#[test]
fn people_are_sent_to_log_in_and_come_back() {
    let (_folder, program) = site();
    let answer = program.get("/mail/ada.nsf?Open&x=%2F", &[PAGE]);
    let expected = "/names.nsf?Login&RedirectTo=/mail/ada.nsf%3FOpen%26x%3D%252F";
    assert_eq!(location(&answer), (302, expected));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let answer = program.get("/a", &[("Sec-Fetch-Mode", "navigate")]);
    let expected = "https://login.acme.example/in?to=http%3A//mail1.acme.example/a";
    assert_eq!(location(&answer), (302, expected));
    // The reason makes no difference.
    let forged = format!("LtpaToken={}", domino(ADA, 2));
    assert_eq!(location(&program.get("/a", &[PAGE, ("Cookie", &forged)])), (302, expected));
}

#[test]
fn programs_get_401_wherever_they_ask() {
    let (_folder, program) = site();
    let expected = program.get("/a", &[]).body;
    assert!(expected.contains("\"error\":\"token\""), "{expected}");
    for headers in [
        vec![("Accept", "application/json")],
        vec![PAGE, ("X-Requested-With", "XMLHttpRequest")],
        vec![PAGE, ("Sec-Fetch-Mode", "cors")],
        vec![PAGE, ("Upgrade", "websocket"), ("Connection", "upgrade")],
    ] {
        let answer = program.get("/a", &headers);
        assert_eq!((answer.status, answer.body.as_str()), (401, expected.as_str()), "{headers:?}");
    }
}

#[test]
fn nobody_is_sent_on_to_a_foreign_host() {
    let (_folder, program) = site();
    for host in ["evil.example", "acme.example.evil.test", "evilacme.example"] {
        let answer = program.get("/a", &[PAGE, ("Host", host)]);
        assert_eq!(location(&answer), (401, ""), "{host}");
    }
    let answer = program.get("/mail//evil.example/x", &[PAGE]);
    assert!(answer.header("location").is_none_or(|to| to.starts_with("/names.nsf?Login&RedirectTo=/mail")));
}

#[test]
fn upstreams_learn_the_user_only_where_configured_and_never_from_the_browser() {
    let (_folder, program) = site();
    let cookie = format!("LtpaToken={}", domino(ADA, 1));
    let lies = [
        ("X-Livename-User", "CN=Admin"),
        ("X_Livename_User", "CN=Admin"),
        ("$WSRU", "CN=Admin"),
        ("Remote-User", "CN=Admin"),
        ("X-Remote-User", "CN=Admin"),
        ("X-Forwarded-User", "CN=Admin"),
        ("iv-user", "CN=Admin"),
        ("SM_USER", "CN=Admin"),
    ];
    let head = |path: &str, known: bool| {
        let mut headers = lies.to_vec();
        if known {
            headers.push(("Cookie", &cookie));
        }
        let answer = program.get(path, &headers);
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.body.contains("CN=Admin"), "{path}: {}", answer.body);
        answer.body.to_lowercase()
    };
    let named = |header: &str| format!("\r\n{header}: {}\r\n", ADA.to_lowercase());
    assert!(head("/mail/x", true).contains(&named("x-livename-user")));
    assert!(head("/open", true).contains(&named("$wsru")));
    for (path, known) in [("/open", false), ("/off", true), ("/", true)] {
        let head = head(path, known);
        assert!(!head.contains(": cn=ada"), "{path}: {head}");
    }
}
