//! Whole plans against estates in memory.

mod connections;
mod items;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;
use crate::config::{self, Setup};
use crate::estate::{Document, Unid, Value};
use crate::items::{DocumentKind, Setting};

const SETUP: &str = r#"
topology = "not-clustered"
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
"#;

fn setup(text: &str) -> Setup {
    config::parse(Path::new("setup.toml"), text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn document(kind: DocumentKind, unid: &str, items: &[(&str, &str)]) -> Document {
    let items: BTreeMap<_, _> =
        items.iter().map(|(name, value)| (name.parse().unwrap(), Value::from(*value))).collect();
    Document { kind, unid: Unid(unid.to_owned()), revision: None, items }
}

fn server(name: &str, session: &str) -> Document {
    let host = format!("{}.renovation.example", name.to_lowercase());
    let name = format!("CN={name}/O=Renovation");
    let items = [
        ("ServerName", name.as_str()),
        ("SMTPFullHostDomain", &host),
        ("HTTP_EnableSessionAuth", session),
        ("HTTP_SSOCfg", if session == "2" { "LtpaToken" } else { "" }),
        ("HTTP_TCPNP", "1"),
    ];
    document(DocumentKind::Server, &name, &items)
}

fn person(name: &str, sametime: &str) -> Document {
    let items = [("FullName", name), ("MailServer", "CN=Mail1/O=Renovation"), ("SametimeServer", sametime)];
    document(DocumentKind::Person, name, &items)
}

fn estate(documents: Vec<Document>) -> Estate {
    let mut replica = Replica::unseen("Renovation", "Renovation");
    replica.seen = BTreeSet::from(DocumentKind::ALL);
    replica.documents = documents;
    Estate { replicas: vec![replica] }
}

fn made(text: &str, documents: Vec<Document>) -> Plan {
    plan(&setup(text), &ItemTable::built_in(), &estate(documents))
}

fn has(plan: &Plan, id: &str) -> bool {
    plan.findings.iter().any(|finding| finding.id == id)
}

#[test]
fn a_bare_estate_needs_both_connections_and_the_mail_server() {
    let plan =
        made(SETUP, vec![server("Mail1", "0"), server("Sametime", "2"), person("CN=Ann/O=Renovation", "")]);
    assert_eq!(plan.case, SsoCase::A);
    assert!(!plan.is_refused(), "{:?}", plan.findings);
    let writes: Vec<_> = plan.writes().map(|document| (document.action, document.title.as_str())).collect();
    let expected = [
        (Action::Create, "CN=Mail1/O=Renovation -> CN=Sametime/O=Renovation"),
        (Action::Create, "CN=Sametime/O=Renovation -> CN=Mail1/O=Renovation"),
        (Action::Update, "CN=Mail1/O=Renovation"),
        (Action::Update, "CN=Ann/O=Renovation"),
    ];
    assert_eq!(writes, expected);
    // The SSO document is a step for a person, never a write.
    assert!(
        plan.documents
            .iter()
            .any(|document| document.kind == DocumentKind::Sso && document.action == Action::Manual)
    );
}

#[test]
fn domain_fields_get_domains_or_word_by_word_the_server_names() {
    for (literal, expected) in [(false, "Renovation"), (true, "CN=Mail1/O=Renovation")] {
        let text = format!("{SETUP}\n[connection]\nliteral = {literal}\n");
        let plan = made(&text, vec![server("Mail1", "2"), server("Sametime", "2")]);
        let item = plan.documents[0]
            .items
            .iter()
            .find(|item| item.setting == Setting::ConnectionSourceDomain)
            .unwrap();
        assert_eq!(item.wanted, Value::from(expected));
        assert!(has(&plan, "domain-fields"));
    }
}

#[test]
fn persons_with_another_server_are_left_alone_unless_told() {
    let persons = || {
        vec![
            server("Mail1", "2"),
            server("Sametime", "2"),
            person("CN=Ann/O=Renovation", "Sametime/Renovation"),
            person("CN=Bo/O=Renovation", "CN=Other/O=Renovation"),
            person("CN=Cy/O=Renovation", "im.renovation.example"),
        ]
    };
    let of = |plan: &Plan| -> Vec<Action> {
        plan.documents
            .iter()
            .filter(|document| document.kind == DocumentKind::Person)
            .map(|document| document.action)
            .collect()
    };
    let plan = made(SETUP, persons());
    assert_eq!(of(&plan), [Action::Leave, Action::Manual, Action::Manual]);
    assert!(has(&plan, "person-conflict") && has(&plan, "host-for-server-name"));
    let plan = made(&format!("{SETUP}overwrite = true\n"), persons());
    assert_eq!(of(&plan), [Action::Leave, Action::Update, Action::Update]);
}

#[test]
fn what_would_go_wrong_is_said_before_anything_is_written() {
    let plan = made(SETUP, vec![server("Mail1", "0")]);
    assert!(plan.is_refused() && has(&plan, "no-server-document"));
    let plan = made(SETUP, vec![server("Mail1", "0"), server("Mail1", "0"), server("Sametime", "2")]);
    assert!(plan.is_refused() && has(&plan, "duplicate"));
    let plan = made(SETUP, vec![server("Mail1", "0"), server("Sametime", "2"), server("Old", "1")]);
    assert!(!plan.is_refused() && has(&plan, "single-server-session"));
    let mut sites = server("Mail1", "0");
    sites.items.insert("LdISite".parse().unwrap(), "1".into());
    assert!(has(&made(SETUP, vec![sites, server("Sametime", "2")]), "mixed-mechanism"));
    let mut taken = server("Sametime", "2");
    taken.items.insert("SMTPFullHostDomain".parse().unwrap(), "im.renovation.example".into());
    let text =
        SETUP.replace("for = \"mail-servers\"", "for = \"all\"\n[gateway]\nhost = \"im.renovation.example\"");
    let plan = made(&text, vec![server("Mail1", "0"), taken]);
    assert!(plan.is_refused() && has(&plan, "gateway-in-server-document"));
}

#[test]
fn two_sso_documents_of_one_name_are_refused() {
    let sso = |unid| {
        document(
            DocumentKind::Sso,
            unid,
            &[("LTPA_TokenName", "LtpaToken"), ("LTPA_TokenDomain", "renovation.example")],
        )
    };
    let plan = made(SETUP, vec![server("Mail1", "2"), server("Sametime", "2"), sso("1")]);
    assert!(has(&plan, "leading-dot") && !plan.is_refused());
    assert_eq!(plan.case, SsoCase::B);
    assert!(
        made(SETUP, vec![server("Mail1", "2"), server("Sametime", "2"), sso("1"), sso("2")]).is_refused()
    );
}

#[test]
fn unknown_items_are_manual_until_the_table_names_them() {
    let text =
        SETUP.replace("for = \"mail-servers\"", "for = \"all\"\n[gateway]\nhost = \"im.renovation.example\"");
    let documents = || vec![server("Mail1", "2"), server("Sametime", "2")];
    let plan = made(&text, documents());
    let (_, item) = plan.manual().find(|(_, item)| item.setting == Setting::ConfigurationImHost).unwrap();
    assert!(item.why.contains("published nowhere"), "{}", item.why);
    let table =
        ItemTable::built_in().overridden("[item.configuration]\nim-host = { item = \"IMHost\" }").unwrap();
    let plan = super::plan(&setup(&text), &table, &estate(documents()));
    let document = plan.writes().find(|document| document.kind == DocumentKind::Configuration).unwrap();
    assert_eq!(document.items.last().unwrap().wanted, Value::from("im.renovation.example"));
}

#[test]
fn fifty_thousand_persons_fit_a_page() {
    let mut documents = vec![server("Mail1", "2"), server("Sametime", "2")];
    for index in 0..50_000 {
        let other = if index % 100 < 3 { "CN=Other/O=Renovation" } else { "" };
        documents.push(person(&format!("CN=Person {index}/O=Renovation"), other));
    }
    let plan = made(SETUP, documents);
    let count = |action| {
        plan.documents
            .iter()
            .filter(|document| document.kind == DocumentKind::Person && document.action == action)
            .count()
    };
    assert_eq!((count(Action::Update), count(Action::Manual)), (48_500, 1_500));
    let page = table(&plan);
    assert!(page.lines().count() < 200, "{} lines", page.lines().count());
    assert!(page.contains("and 48490 more persons"), "{page}");
    let back = rollback(&plan);
    for says in ["the journal lists all", "iNotes_WA_SametimeProtocol", "livename bypass on"] {
        assert!(back.contains(says), "{back}");
    }
}

#[test]
fn the_page_shows_how_sure_each_name_is() {
    let page = table(&made(SETUP, vec![server("Mail1", "0"), server("Sametime", "2")]));
    assert!(page.contains("name inferred, value stated (not confirmed on a real server)"), "{page}");
    assert!(page.contains("(name unknown)"), "{page}");
}
