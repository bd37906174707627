//! The whole way of an administrator: an estate that does not work, plan, the steps by hand, apply, green checks,
//! nothing left to do, and back byte for byte. For every topology and both cases of single sign-on.

use std::collections::BTreeMap;

use gateway_setup::apply::Fate;
use gateway_setup::items::{DocumentKind, Setting};
use gateway_setup::plan::{Action, Plan, SsoCase};
use gateway_setup::verify::{Outcome, Resolve};
use serde_json::json;

use crate::estate::{Desk, Folder, designs, directory, person, server};
use crate::slapd::Slapd;
use crate::standin::Standin;

/// One shape of an estate.
struct Shape {
    topology: &'static str,
    /// Organization and Domino domain of the Sametime server; `None` without Domino.
    sametime: Option<&'static str>,
    case_b: bool,
    persons: bool,
    /// Whether nobody has made an SSO document yet.
    no_sso_document: bool,
    /// Whether persons are written by LDAP, to a real slapd, and all else by the REST API.
    ldap: bool,
}

impl Shape {
    fn toml(&self, mail: &Standin, chat: &Standin, ldap: Option<&Slapd>) -> String {
        let server = match self.sametime {
            Some(organization) => {
                format!("name = \"Sametime/{organization}\"\ndomain = \"{organization}\"\n")
            }
            None => String::new(),
        };
        let mut directories = ldap.map(Slapd::access).unwrap_or_default();
        directories.push_str(&directory(mail, "Renovation", "drapi"));
        // The Sametime server's own replica is compared, or its own directory written.
        if let Some(organization) = self.sametime {
            directories.push_str(&format!(
                "{}name = \"chat\"\nserver = \"Sametime/{organization}\"\n",
                directory(chat, organization, "drapi")
            ));
        }
        let peer = if self.sametime.is_none() {
            "[sso.sametime]\ntoken_format = \"both\"\nlifetime = 30\n"
        } else {
            ""
        };
        let audience = if self.persons {
            "[awareness]\nfor = \"mail-servers\""
        } else {
            "[awareness]\nfor = \"all\"\n[gateway]\nhost = \"im.renovation.example\""
        };
        format!(
            "topology = \"{}\"\n[[server]]\nrole = \"inotes\"\nname = \"Mail1/Renovation\"\ndomain = \"Renovation\"\nhost = \"mail1.renovation.example\"\n\
             [[server]]\nrole = \"sametime\"\n{server}host = \"sametime.renovation.example\"\n{directories}\n[sso]\ndomain = \".renovation.example\"\n{peer}\
             {audience}\n[probe]\nuser = \"Ann Archer/Renovation\"\nother = \"Bo Baker/Renovation\"\nlogin = \"http://mail1.renovation.example:8081\"\n",
            self.topology
        )
    }

    /// The estate before anybody has set anything up: what Domino and Sametime install.
    fn fill(&self, mail: &Standin, chat: &Standin) {
        let (inotes, sametime) = if self.case_b { ("2", "0") } else { ("0", "2") };
        let sso = || json!({"Form": "WebSSOConfig", "LTPA_TokenName": "LtpaToken", "LTPA_TokenDomain": ".old.example", "LTPA_TokenExpiration": 30});
        let mut state = mail.lock();
        (state.designs, state.subforms) = designs();
        state.put(server("Mail1", "Renovation", inotes));
        if !self.no_sso_document {
            state.put(sso());
        }
        for name in PERSONS {
            state.put(person(name, None));
        }
        if self.sametime == Some("Renovation") {
            state.put(server("Sametime", "Renovation", sametime));
        }
        drop(state);
        let mut state = chat.lock();
        if self.sametime == Some("Chat") {
            (state.designs, state.subforms) = designs();
            state.put(server("Sametime", "Chat", sametime));
            if !self.no_sso_document {
                state.put(sso());
            }
        }
    }
}

const PERSONS: [&str; 3] = ["Ann Archer", "Bo Baker", "Łukasz Żółć"];

/// What an administrator does in the Notes client: the SSO document, as the plan says.
fn by_hand(plan: &Plan, standins: &BTreeMap<String, &Standin>) {
    for document in plan.documents.iter().filter(|document| document.kind == DocumentKind::Sso) {
        assert_eq!(document.action, Action::Manual);
        let mut state = standins[&document.directory].lock();
        let unid = match &document.unid {
            Some(unid) => unid.0.clone(),
            // "Create Domino SSO Key", and save.
            None => state.put(json!({"Form": "WebSSOConfig", "LTPA_DominoSecret": "made by the client"})),
        };
        for item in document.items.iter().filter(|item| item.action == Action::Manual) {
            let name = item
                .item
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_else(|| panic!("{} is not settled", item.setting));
            state.set(&unid, &name, serde_json::to_value(&item.wanted).unwrap());
        }
    }
}

async fn walk(shape: &Shape) {
    let mail = Standin::start().await;
    // In one domain the Sametime server's replica is the same documents.
    let other = Standin::start().await;
    let chat = if shape.sametime == Some("Chat") { &other } else { &mail };
    shape.fill(&mail, chat);
    let people = PERSONS.map(|name| (name.to_owned(), None));
    let ldap = if shape.ldap { Slapd::start(&people, true) } else { None };
    if shape.ldap && ldap.is_none() {
        return;
    }
    let folder = Folder::new();
    let mut desk = Desk::new(folder.setup(&shape.toml(&mail, chat, ldap.as_ref())));
    // The list of servers is discovered and read, so nobody's word is needed.
    desk.consent.sso_checked = false;
    let hosts = [
        ("mail1.renovation.example", 8081, &mail),
        ("sametime.renovation.example", 8081, chat),
        ("sametime.renovation.example", 1533, chat),
        ("im.renovation.example", 80, chat),
        ("im.renovation.example", 443, chat),
    ];
    let resolve =
        Resolve(hosts.map(|(host, port, standin)| ((host.to_owned(), port), standin.address)).into());

    desk.discover().await;
    let plan = desk.plan().await;
    assert_eq!(plan.case, if shape.case_b { SsoCase::B } else { SsoCase::A });
    let before = desk.verify(&resolve).await;
    assert_eq!(
        (before.exit_code(false), before.of("C10"), before.of("C6")),
        (3, Outcome::Fail, Outcome::Fail),
        "{before}"
    );
    assert_ne!(before.of("C15"), Outcome::Pass, "{before}");

    if shape.no_sso_document {
        // Nothing is switched to a document that is not there.
        assert_eq!(desk.apply(&mut folder.journal()).await.written(), 0);
    }
    by_hand(&plan, &BTreeMap::from([("Renovation".to_owned(), &mail), ("chat".to_owned(), chat)]));
    let start = (mail.snapshot(), other.snapshot(), ldap.as_ref().map(Slapd::dump));
    let report = desk.apply(&mut folder.journal()).await;
    assert_eq!(
        report.exit_code(),
        0,
        "{:#?}",
        report.outcomes.iter().filter(|outcome| outcome.fate != Fate::Right).collect::<Vec<_>>()
    );

    if let Some(ldap) = &ldap {
        assert_eq!(ldap.dump().matches("SametimeServer: CN=Sametime/O=Renovation").count(), PERSONS.len());
        assert!(mail.snapshot().values().all(|items| !items.contains_key("SametimeServer")));
    }
    let after = desk.verify(&resolve).await;
    assert_eq!(after.exit_code(false), 0, "{after}");
    for id in ["C1", "C2", "C4", "C6", "C7", "C8", "C9", "C10", "C11", "C12", "C13", "C14", "C17", "C20"] {
        assert_eq!(after.of(id), Outcome::Pass, "{}: {id}\n{after}", shape.topology);
    }
    let one_domain = shape.sametime == Some("Renovation");
    assert_eq!(after.of("C3") == Outcome::Pass, one_domain, "{after}");
    assert_eq!(after.of("C5") == Outcome::Pass, one_domain, "{after}");
    // Without Domino there is no other server whose pages could be opened.
    assert_eq!(after.of("C15") == Outcome::Pass, shape.sametime.is_some(), "{after}");

    assert_eq!(desk.apply(&mut folder.journal()).await.written(), 0);
    assert_eq!(desk.undo(&mut folder.journal()).await.exit_code(), 0);
    assert_eq!((mail.snapshot(), other.snapshot(), ldap.as_ref().map(Slapd::dump)), start);
}

const SAME_DOMAIN: Shape = Shape {
    topology: "same-domain",
    sametime: Some("Renovation"),
    case_b: false,
    persons: false,
    no_sso_document: false,
    ldap: false,
};

#[tokio::test]
async fn same_domain() {
    for (case_b, persons) in [(false, false), (true, false), (false, true), (true, true)] {
        walk(&Shape { case_b, persons, ..SAME_DOMAIN }).await;
    }
}

#[tokio::test]
async fn an_empty_estate_whose_sso_document_somebody_has_to_make() {
    walk(&Shape { no_sso_document: true, ..SAME_DOMAIN }).await;
}

#[tokio::test]
async fn persons_by_ldap_and_all_else_by_the_rest_api() {
    for case_b in [false, true] {
        let topology = "not-clustered";
        walk(&Shape { topology, case_b, persons: true, ldap: true, ..SAME_DOMAIN }).await;
    }
}

#[tokio::test]
async fn not_clustered() {
    for (case_b, persons) in [(false, false), (true, true)] {
        walk(&Shape { topology: "not-clustered", case_b, persons, ..SAME_DOMAIN }).await;
    }
}

#[tokio::test]
async fn different_domains() {
    for (case_b, persons) in [(false, true), (true, false)] {
        let (topology, sametime) = ("different-domains", Some("Chat"));
        walk(&Shape { topology, sametime, case_b, persons, ..SAME_DOMAIN }).await;
    }
}

#[tokio::test]
async fn sametime_without_domino() {
    for case_b in [false, true] {
        walk(&Shape { topology: "sametime-12", sametime: None, case_b, ..SAME_DOMAIN }).await;
    }
}

#[tokio::test]
async fn secrets_and_tokens_leave_server_and_sso_documents_alone() {
    let shape = Shape { persons: true, ..SAME_DOMAIN };
    let mail = Standin::start().await;
    shape.fill(&mail, &mail);
    mail.lock().put(server("Old", "Renovation", "1"));
    let folder = Folder::new();
    let text = shape.toml(&mail, &mail, None).replace("[sso]\n", "[sso]\nauth = \"secrets-and-tokens\"\n");
    let mut desk = Desk::new(folder.setup(&text));
    let plan = desk.plan().await;
    assert_eq!(plan.case, SsoCase::None);
    assert!(
        plan.documents.iter().all(|document| document.kind == DocumentKind::Person),
        "{:?}",
        plan.documents
    );
    assert!(plan.findings.iter().any(|finding| finding.id == "secrets-and-tokens"));
    let items = plan.writes().flat_map(|document| &document.items);
    assert!(items.into_iter().all(|item| item.setting == Setting::PersonSametimeServer));
}
