//! Set-ups as an administrator writes them, right and wrong ones.

use std::path::Path;

use super::*;
use crate::items::DocumentKind;

/// Two servers of one domain behind a gateway.
pub(crate) const FULL: &str = r#"
topology = "not-clustered"

[[server]]
role   = "inotes"
name   = "Mail1/Renovation"
domain = "Renovation"
host   = "mail1.renovation.example"

[[server]]
role   = "sametime"
name   = "CN=Sametime/O=Renovation"
domain = "Renovation"
host   = "Sametime.Renovation.example"

[[directory]]
domain = "Renovation"
server = "mail1/renovation"
url    = "https://mail1.renovation.example:8880"
user   = "Setup/Renovation"
password_file = "setup.password"

[sso]
domain     = ".renovation.example"
expiration = 120

[awareness]
for = "all"

[gateway]
host = "im.renovation.example"

[connection]
interval = 15
registration_server = "Mail1/Renovation"

[probe]
user  = "Ann Archer"
password_fd = 3
login = "https://mail1.renovation.example"
other = "Bo Baker"
other_password_file = "bo.password"
events = "https://im.renovation.example"
"#;

fn read(text: &str) -> Result<Setup, Mistakes> {
    parse(Path::new("setup.toml"), text)
}

fn complaints(text: &str) -> String {
    read(text).expect_err("nothing is wrong with it").to_string()
}

#[test]
fn names_come_out_canonical() {
    let setup = read(FULL).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let names: Vec<_> =
        setup.servers.iter().filter_map(|server| server.name.as_ref()).map(ToString::to_string).collect();
    assert_eq!(names, ["CN=Mail1/O=Renovation", "CN=Sametime/O=Renovation"]);
    assert_eq!(setup.servers[1].host.as_str(), "sametime.renovation.example");
    let access = &setup.directories[0];
    assert_eq!(
        (access.path, access.name.as_str(), access.database.as_str()),
        (WritePath::Drapi, "Renovation", "directory")
    );
    assert_eq!(access.url, Some(Url { tls: true, host: "mail1.renovation.example".to_owned(), port: 8880 }));
    let Audience::All { host, applies_to } = &setup.awareness.audience else {
        panic!("{:?}", setup.awareness)
    };
    assert_eq!(host.as_str(), "im.renovation.example");
    assert_eq!(*applies_to, AppliesTo::Servers(vec!["Mail1/Renovation".parse().unwrap()]));
    assert_eq!(
        setup.connection,
        ConnectionOptions { literal: false, interval: 15, registration: "Mail1/Renovation".parse().ok() }
    );
}

#[test]
fn web_servers_and_the_community_are_places() {
    let text = FULL
        .replace(
            "Sametime.Renovation.example\"",
            "Sametime.Renovation.example\"\nweb = \"http://sametime.renovation.example:8080\"",
        )
        .replace("[probe]\n", "[probe]\ncommunity = \"sametime.renovation.example\"\n");
    let setup = read(&text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(setup.servers[0].web, None);
    assert_eq!(setup.servers[1].web.as_ref().map(|web| (web.tls, web.port)), Some((false, 8080)));
    let community = setup.probe.and_then(|probe| probe.community);
    assert_eq!(
        community,
        Some(CommunityServer { host: "sametime.renovation.example".to_owned(), port: 1533 })
    );
    assert_eq!("[::1]:99".parse(), Ok(CommunityServer { host: "::1".to_owned(), port: 99 }));
    for wrong in ["", ":1533", "st1:0", "st1:x", "http://st1", "CN=Sametime/O=Renovation"] {
        assert!(wrong.parse::<CommunityServer>().is_err(), "{wrong}");
    }
    let text = complaints(&text.replace("http://sametime", "sametime"));
    assert!(text.contains("server.web: expected http://host:port"), "{text}");
}

#[test]
fn all_mistakes_are_named_at_once_with_line_and_key() {
    let wrong = FULL
        .replace("expiration = 120", "expiraton = 120")
        .replace("host   = \"mail1.renovation.example\"", "host   = \"10.1.0.5\"")
        .replace("interval = 15", "interval = 3")
        .replace("\".renovation.example\"", "\"renovation.example\"");
    let text = complaints(&wrong);
    for says in [
        "setup.toml:8: server.host: \"10.1.0.5\" is an IP address",
        "sso.domain: the leading dot is missing; write \".renovation.example\"",
        "sso.expiraton: unknown key; did you mean \"expiration\"?",
        "connection.interval: 3 is outside 5 to 360",
    ] {
        assert!(text.contains(says), "no {says:?} in\n{text}");
    }
}

#[test]
fn server_and_host_names_are_not_mixed_up() {
    let server = FULL.replace("name   = \"Mail1/Renovation\"", "name   = \"mail1.renovation.example\"");
    assert!(complaints(&server).contains("server.name: this is a host name, not a server name"));
    let host = FULL.replace("host   = \"mail1.renovation.example\"", "host   = \"Mail1/Renovation\"");
    assert!(complaints(&host).contains("is a server name; here a DNS host name is needed"));
    let flat = FULL.replace("name   = \"Mail1/Renovation\"", "name   = \"Mail1\"");
    assert!(complaints(&flat).contains("full hierarchical name"));
}

#[test]
fn the_gateway_is_refused_where_it_would_break_other_clients() {
    let server =
        FULL.replace("\"im.renovation.example\"\n\n[conn", "\"sametime.renovation.example\"\n\n[conn");
    let text = complaints(&server);
    assert!(text.contains("Refused") && text.contains("home-server routing"), "{text}");
    let person =
        FULL.replace("for = \"all\"", "for = \"mail-servers\"\nsametime_server = \"im.renovation.example\"");
    let text = complaints(&person);
    assert!(text.contains("awareness.sametime_server: is the gateway's host. Refused"), "{text}");
    assert!(text.contains("awareness.for: with a [gateway] write \"all\""), "{text}");
}

#[test]
fn the_domains_have_to_fit_the_topology() {
    assert!(complaints(&FULL.replace("not-clustered", "different-domains")).contains("one Domino domain"));
    let other = FULL.replace("O=Renovation\"\ndomain = \"Renovation\"", "O=Renovation\"\ndomain = \"Sales\"");
    let text = complaints(&other);
    assert!(
        text.contains("write \"different-domains\"")
            && text.contains("no [[directory]] for the domain \"Sales\""),
        "{text}"
    );
}

#[test]
fn passwords_are_never_in_the_file() {
    let text = complaints(&FULL.replace("password_file = \"setup.password\"", "password = \"secret\""));
    assert!(text.contains("passwords are not written here") && !text.contains("secret\""), "{text}");
    assert!(
        complaints(&FULL.replace("https://mail1", "https://me:pw@mail1"))
            .contains("without a path or a user")
    );
}

#[test]
fn sametime_without_domino_has_no_server_document() {
    let text = FULL
        .replace("not-clustered", "sametime-12")
        .replace("name   = \"CN=Sametime/O=Renovation\"\ndomain = \"Renovation\"\n", "")
        .replace(
            "expiration = 120",
            "expiration = 120\n[sso.sametime]\ntoken_format = \"both\"\nlifetime = 120",
        );
    let setup = read(&text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(setup.servers[1].name, None);
    let persons = text.replace("for = \"all\"", "for = \"persons\"\npersons = [\"Ann Archer/Renovation\"]");
    assert!(complaints(&persons).contains("no Server document that a Person document could name"));
}

#[test]
fn a_password_crosses_no_network_in_the_clear_unless_told() {
    let http = FULL.replace("url    = \"https://mail1", "url    = \"http://mail1");
    let text = complaints(&http);
    assert!(
        text.contains("directory.url") && text.contains("in the clear") && text.contains("plain = true"),
        "{text}"
    );
    let ldap = http.replace("http://mail1.renovation.example:8880\"", "ldap://10.1.0.5\"\npath = \"ldap\"");
    assert!(complaints(&ldap).contains("use ldaps://"), "{}", complaints(&ldap));
    let told = http.replace("user   = \"Setup", "plain  = true\nuser   = \"Setup");
    assert!(read(&told).unwrap_or_else(|mistakes| panic!("{mistakes}")).directories[0].plain);
    for host in ["127.0.0.1", "[::1]", "localhost"] {
        let near = http.replace("http://mail1.renovation.example", &format!("http://{host}"));
        assert!(read(&near).is_ok(), "{host}");
    }
}

#[test]
fn each_kind_of_document_has_its_own_way() {
    let ldap = "[[directory]]\nname = \"persons\"\ndomain = \"Renovation\"\npath = \"ldap\"\nurl = \"ldaps://mail1.renovation.example\"\nuser = \"s\"\n";
    let before = FULL.replacen("[[directory]]", &format!("{ldap}[[directory]]"), 1);
    let after = FULL.replacen("[sso]", &format!("{ldap}[sso]"), 1);
    let ways = |text: &str| {
        let setup = read(text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let way =
            |kind| setup.written("renovation", kind).map(|access| access.name.clone()).unwrap_or_default();
        [way(DocumentKind::Person), way(DocumentKind::Server)]
    };
    assert_eq!(ways(&before), ["persons", "Renovation"]);
    assert_eq!(ways(&after), ["Renovation", "Renovation"]);
}
