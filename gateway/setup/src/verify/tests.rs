//! Checks against estates in memory, each with one thing wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;
use crate::config::{self, Setup};
use crate::estate::{Document, Estate, Replica, Unid, Value};
use crate::ini::IniFile;
use crate::items::{DocumentKind, ItemTable};
use crate::plan;

const SETUP: &str = r#"
topology = "same-domain"
[[server]]
role   = "inotes"
name   = "Mail1/Renovation"
domain = "Renovation"
host   = "mail1.renovation.example"
[[server]]
role   = "sametime"
name   = "Sametime/Renovation"
domain = "Renovation"
host   = "sametime.renovation.example"
[[directory]]
domain = "Renovation"
url    = "https://mail1.renovation.example"
user   = "Setup"
[sso]
domain = ".renovation.example"
[awareness]
for = "mail-servers"
[probe]
user  = "Ann Archer/Renovation"
other = "Bo Baker/Renovation"
login = "https://mail1.renovation.example"
"#;

fn setup(text: &str) -> Setup {
    config::parse(Path::new("setup.toml"), text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn table() -> ItemTable {
    let text = "[item.sso]\nservers = { item = \"LTPA_Servers\", type = \"names-list\" }\n[item.configuration]\nim-host = { item = \"ImHost\", type = \"text\" }\n";
    ItemTable::built_in().overridden(text).unwrap()
}

fn document(kind: DocumentKind, unid: &str, items: &[(&str, &[&str])]) -> Document {
    let items: BTreeMap<_, _> = items
        .iter()
        .map(|(name, values)| {
            let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
            (name.parse().unwrap(), Value::Texts(values))
        })
        .collect();
    Document { kind, unid: Unid(unid.to_owned()), revision: None, items }
}

fn server(name: &str, host: &str, session: &str) -> Document {
    let canonical = format!("CN={name}/O=Renovation");
    let items: [(&str, &[&str]); 5] = [
        ("ServerName", &[&canonical]),
        ("SMTPFullHostDomain", &[host]),
        ("HTTP_EnableSessionAuth", &[session]),
        ("HTTP_SSOCfg", &["LtpaToken"]),
        ("HTTP_TCPNP", &["1"]),
    ];
    document(DocumentKind::Server, name, &items)
}

fn sso(unid: &str, servers: &[&str]) -> Document {
    let items: [(&str, &[&str]); 3] = [
        ("LTPA_TokenName", &["LtpaToken"]),
        ("LTPA_TokenDomain", &[".renovation.example"]),
        ("LTPA_Servers", servers),
    ];
    document(DocumentKind::Sso, unid, &items)
}

const SERVERS: [&str; 2] = ["CN=Mail1/O=Renovation", "CN=Sametime/O=Renovation"];

/// What is right, with some documents more.
fn replica(access: &str, listed: &[&str], more: Vec<Document>) -> Replica {
    let mut replica = Replica::unseen(access, "Renovation");
    replica.seen = BTreeSet::from(DocumentKind::ALL);
    replica.documents = vec![
        server("Mail1", "mail1.renovation.example", "2"),
        server("Sametime", "sametime.renovation.example", "2"),
        sso("sso", listed),
    ];
    replica.documents.extend(more);
    replica
}

fn judged(text: &str, replicas: Vec<Replica>, users: &[TestUser]) -> Verification {
    let (setup, table, estate) = (setup(text), table(), Estate { replicas });
    let plan = plan::plan(&setup, &table, &estate);
    Verification { checks: documents(&setup, &table, &estate, &plan, users) }
}

#[track_caller]
fn says(verification: &Verification, id: &str, outcome: Outcome, says: &str) {
    let check = verification.checks.iter().find(|check| check.id == id).unwrap();
    assert!(check.outcome == outcome && check.reason.contains(says), "{check:?}");
}

#[test]
fn what_cannot_be_seen_fails_only_if_told_so() {
    let with = |outcomes: &[Outcome]| Verification {
        checks: outcomes.iter().map(|outcome| check("C1", *outcome, "")).collect(),
    };
    for (outcomes, lenient, strict) in [
        (&[Outcome::Pass][..], 0, 0),
        (&[Outcome::Pass, Outcome::Unknown], 0, 3),
        (&[Outcome::Unknown, Outcome::Fail], 3, 3),
    ] {
        assert_eq!((with(outcomes).exit_code(false), with(outcomes).exit_code(true)), (lenient, strict));
    }
}

#[test]
fn a_second_sso_document_is_seen_in_every_replica() {
    let first = || replica("mail", &SERVERS, vec![]);
    let right = judged(SETUP, vec![first(), replica("chat", &SERVERS, vec![])], &[]);
    says(&right, "C8", Outcome::Pass, "in mail and in chat");
    let twice = judged(SETUP, vec![first(), replica("chat", &SERVERS, vec![sso("two", &SERVERS)])], &[]);
    says(&twice, "C8", Outcome::Fail, "2 documents are named \"LtpaToken\" in chat");
    let mut without = replica("chat", &SERVERS, vec![]);
    without.documents.retain(|document| document.kind != DocumentKind::Sso);
    says(
        &judged(SETUP, vec![first(), without], &[]),
        "C8",
        Outcome::Fail,
        "no configuration \"LtpaToken\" in chat",
    );
}

#[test]
fn only_servers_take_part_in_sso() {
    says(&judged(SETUP, vec![replica("mail", &SERVERS, vec![])], &[]), "C9", Outcome::Pass, "");
    for (extra, outcome, reason) in [
        ("*/Renovation", Outcome::Fail, "wildcards"),
        ("*", Outcome::Fail, "wildcards"),
        ("MailServers", Outcome::Fail, "groups do not work"),
        ("CN=Gone/O=Renovation", Outcome::Unknown, "a group, or a server that is gone?"),
    ] {
        let listed = [SERVERS[0], SERVERS[1], extra];
        says(&judged(SETUP, vec![replica("mail", &listed, vec![])], &[]), "C9", outcome, reason);
    }
}

#[test]
fn every_participant_is_below_the_domain() {
    let listed = [SERVERS[0], SERVERS[1], "CN=Mail2/O=Renovation"];
    let with =
        |host: &str| judged(SETUP, vec![replica("mail", &listed, vec![server("Mail2", host, "2")])], &[]);
    says(&with("mail2.renovation.example"), "C10", Outcome::Pass, "3 hosts below it");
    for (host, reason) in [
        ("mail2.other.example", "is not below .renovation.example"),
        ("mail2.myrenovation.example", "is not below"),
        ("mail2.example", "fewer than three parts"),
        ("10.1.0.5", "IP address"),
    ] {
        says(&with(host), "C10", Outcome::Fail, reason);
    }
    says(&with(""), "C10", Outcome::Unknown, "host name of CN=Mail2/O=Renovation");
}

#[test]
fn single_server_sessions_are_named_with_either_method() {
    let estate = || vec![replica("mail", &SERVERS, vec![server("Old", "old.renovation.example", "1")])];
    says(&judged(SETUP, estate(), &[]), "C17", Outcome::Fail, "CN=Old/O=Renovation");
    let secrets = SETUP.replace("[sso]", "[sso]\nauth = \"secrets-and-tokens\"");
    says(&judged(&secrets, estate(), &[]), "C17", Outcome::Unknown, "CN=Old/O=Renovation");
    let none = vec![replica("mail", &SERVERS, vec![])];
    says(&judged(&secrets, none, &[]), "C17", Outcome::Pass, "none in the domain");
    says(&judged(&secrets, vec![Replica::unseen("mail", "Renovation")], &[]), "C17", Outcome::Unknown, "");
}

fn user(access: &str, server: Option<&str>, mail: &str, sametime: &str) -> TestUser {
    let items: [(&str, &[&str]); 3] = [
        ("FullName", &["CN=Ann Archer/O=Renovation"]),
        ("MailServer", &[mail]),
        ("SametimeServer", &[sametime]),
    ];
    TestUser {
        user: "Ann Archer/Renovation".parse().unwrap(),
        access: access.to_owned(),
        domain: "Renovation".to_owned(),
        server: server.map(|server| server.parse().unwrap()),
        documents: vec![document(DocumentKind::Person, "ann", &items)],
    }
}

#[test]
fn the_page_of_a_test_user_is_followed() {
    let estate = |more| vec![replica("mail", &SERVERS, more)];
    let (mail, chat) = (SERVERS[0], SERVERS[1]);
    let c20 = |more, user| judged(SETUP, estate(more), &[user]);
    says(&c20(vec![], user("mail", None, mail, chat)), "C20", Outcome::Pass, chat);
    says(&c20(vec![], user("mail", None, mail, "")), "C20", Outcome::Fail, "SametimeServer is \"\"");
    says(
        &c20(vec![], user("mail", None, "CN=X/O=Renovation", chat)),
        "C20",
        Outcome::Fail,
        "none of setup.toml",
    );
    let items: [(&str, &[&str]); 2] = [("ServerName", &["*"]), ("ImHost", &["old.renovation.example"])];
    let default = document(DocumentKind::Configuration, "default", &items);
    says(
        &c20(vec![default], user("mail", None, mail, chat)),
        "C20",
        Outcome::Fail,
        "sends everybody to \"old",
    );
    says(&judged(SETUP, estate(vec![]), &[]), "C20", Outcome::Unknown, "full names");
}

#[test]
fn test_users_are_looked_up_on_the_sametime_server() {
    let c5 = |user| judged(SETUP, vec![replica("mail", &SERVERS, vec![])], &[user]);
    let there = || user("chat", Some("Sametime/Renovation"), SERVERS[0], "");
    says(&c5(there()), "C5", Outcome::Pass, "nobody else was looked up");
    says(&c5(TestUser { documents: vec![], ..there() }), "C5", Outcome::Fail, "is not found in chat");
    says(&c5(user("mail", None, SERVERS[0], "")), "C5", Outcome::Unknown, "was not asked for persons");
}

#[tokio::test]
async fn the_host_of_the_server_document_counts() {
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = port.local_addr().unwrap();
    let closed = "127.0.0.1:9".parse().unwrap();
    let places = [
        (("sametime.renovation.example".to_owned(), 1533), address),
        (("wrong.renovation.example".to_owned(), 1533), closed),
    ];
    let resolve = Resolve(places.into());
    let table = table();
    let setup = setup(SETUP);
    let look = async |estate: &Estate| {
        let seen = Some(Seen { estate, table: &table });
        Verification { checks: vec![hosts::hosts(&setup, seen, &resolve).await] }
    };
    let right = Estate { replicas: vec![replica("mail", &SERVERS, vec![])] };
    says(&look(&right).await, "C7", Outcome::Pass, "sametime.renovation.example:1533");
    let mut other = replica("chat", &SERVERS, vec![]);
    other.documents[1] = server("Sametime", "wrong.renovation.example", "2");
    let wrong = Estate { replicas: vec![replica("mail", &SERVERS, vec![]), other] };
    let found = look(&wrong).await;
    says(
        &found,
        "C7",
        Outcome::Fail,
        "in chat has the Internet host name \"wrong.renovation.example\", which does not answer on port 1533",
    );
    let mut nameless = replica("mail", &SERVERS, vec![]);
    nameless.documents[1] = server("Sametime", "", "2");
    says(&look(&Estate { replicas: vec![nameless] }).await, "C7", Outcome::Unknown, "no Internet host name");
}

#[test]
fn the_protocol_of_notes_ini_fits_the_schemes() {
    let gateway = |more: &str| {
        format!("{SETUP}[gateway]\nhost = \"im.renovation.example\"\n{more}").replace("mail-servers", "all")
    };
    let direct = |scheme: &str| {
        SETUP.replace(
            "host   = \"sametime.renovation.example\"",
            &format!(
                "host = \"sametime.renovation.example\"\nweb = \"{scheme}://sametime.renovation.example\""
            ),
        )
    };
    let unset = "[Notes]\nA=1\n";
    let (http, https) = ("iNotes_WA_SametimeProtocol=http\n", "x=1\nINOTES_WA_SAMETIMEPROTOCOL=HTTPS://\n");
    for (text, ini, outcome, reason) in [
        (gateway(""), None, Outcome::Unknown, "has to be unset; no notes.ini"),
        (gateway(""), Some(unset), Outcome::Pass, ""),
        (
            gateway(""),
            Some(https),
            Outcome::Fail,
            "n:2: iNotes_WA_SametimeProtocol=HTTPS://; it has to be unset",
        ),
        // The pages are https, as [probe] login says.
        (gateway("http = false"), Some(https), Outcome::Pass, ""),
        (gateway("https = false"), Some(unset), Outcome::Fail, "mixed content"),
        (direct("https"), Some(unset), Outcome::Pass, "unset, or https"),
        (direct("https"), Some(http), Outcome::Fail, "it has to be unset, or https"),
        (direct("http"), Some(http), Outcome::Pass, ""),
        (direct("http"), Some(unset), Outcome::Fail, "is not set; it has to be http"),
        (SETUP.to_owned(), Some(unset), Outcome::Unknown, "write web ="),
    ] {
        let notes: Vec<_> = ini.map(|ini| ("n".to_owned(), IniFile::parse(ini))).into_iter().collect();
        let found = Verification { checks: vec![protocol(&setup(&text), &notes)] };
        says(&found, "C21", outcome, reason);
    }
}
