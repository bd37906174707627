//! LDAP against a real slapd: only the Sametime server of persons.

use std::sync::{Arc, Mutex};

use gateway_setup::apply::{self, Fate};
use gateway_setup::directory::{Change, Directory, DirectoryError, Update};
use gateway_setup::estate::{Document, Unid, Value};
use gateway_setup::items::{DocumentKind, ItemKind};
use gateway_setup::plan::Action;
use gateway_setup::survey::survey;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use crate::estate::{Desk, Folder};
use crate::slapd::{Kind, Slapd};

fn toml(slapd: &Slapd, more: &str) -> String {
    format!(
        r#"
topology = "same-domain"
[[server]]
role = "inotes"
name = "Mail1/Renovation"
domain = "Renovation"
host = "mail1.renovation.example"
[[server]]
role = "sametime"
name = "Sametime/Renovation"
domain = "Renovation"
host = "sametime.renovation.example"
{}
[sso]
domain = ".renovation.example"
[awareness]
{more}
"#,
        slapd.access()
    )
}

/// Three in a hundred have another server.
fn people(many: usize) -> Vec<(String, Option<&'static str>)> {
    (0..many)
        .map(|index| (format!("Person {index}"), (index % 100 < 3).then_some("CN=Other/O=Renovation")))
        .collect()
}

#[tokio::test]
async fn persons_are_paged_written_read_back_and_restored() {
    let many = if std::env::var_os("LIVENAME_LONG").is_some() { 50_000 } else { 1_200 };
    let mut all = people(many);
    all.extend([
        ("Smith, Ann".to_owned(), None),
        ("Łukasz Żółć".to_owned(), None),
        ("A/B Team".to_owned(), None),
        ("Bo Right".to_owned(), Some("Sametime/Renovation")),
    ]);
    let Some(slapd) = Slapd::start(&all, true) else { return };
    let before = slapd.dump();
    let folder = Folder::new();
    let mut desk = Desk::new(folder.setup(&toml(&slapd, "for = \"mail-servers\"")));
    let report = desk.apply(&mut folder.journal()).await;
    let (conflicts, open) = (many * 3 / 100, many * 97 / 100);
    assert_eq!((report.written(), report.stopped.clone()), (open + 3, None));
    assert_eq!(
        report.count(|fate| matches!(fate, Fate::ByHand(text) if text.starts_with("conflict"))),
        conflicts
    );
    // "Bo Right" was right in another spelling, and is not touched.
    assert_eq!(slapd.dump().matches("SametimeServer: Sametime/Renovation").count(), 1);
    assert_eq!(slapd.dump().matches("SametimeServer: CN=Sametime/O=Renovation").count(), open + 3);
    let again = desk.plan().await;
    assert_eq!(
        again.documents.iter().filter(|document| document.unid.is_some() && document.action.writes()).count(),
        0
    );
    assert_eq!(desk.undo(&mut folder.journal()).await.written(), open + 3);
    assert_eq!(slapd.dump(), before);
}

#[tokio::test]
async fn listed_persons_are_found_by_their_own_entries() {
    let Some(slapd) = Slapd::start(&[("Smith, Ann".to_owned(), None), ("Bo".to_owned(), None)], true) else {
        return;
    };
    let folder = Folder::new();
    let list = "for = \"persons\"\npersons = [\"Smith, Ann/Renovation\", \"Nobody/Renovation\"]";
    let mut desk = Desk::new(folder.setup(&toml(&slapd, list)));
    let plan = desk.plan().await;
    assert!(plan.findings.iter().any(|finding| finding.id == "no-person"));
    let persons: Vec<_> = plan
        .documents
        .iter()
        .filter(|document| document.unid.is_some())
        .map(|document| (document.title.as_str(), document.action))
        .collect();
    assert_eq!(persons, [("CN=Smith, Ann/O=Renovation", Action::Update)]);
    let report = desk.apply(&mut folder.journal()).await;
    // The servers' documents are beyond LDAP, and are said to be.
    assert_eq!((report.written(), report.exit_code()), (1, 3), "{:#?}", report.outcomes);
    assert_eq!(slapd.dump().matches("SametimeServer").count(), 1);
}

#[tokio::test]
async fn an_account_without_write_access_is_told_so() {
    let Some(slapd) = Slapd::start(&people(40), false) else { return };
    let before = slapd.dump();
    let folder = Folder::new();
    let mut desk = Desk::new(folder.setup(&toml(&slapd, "for = \"mail-servers\"")));
    let report = desk.apply(&mut folder.journal()).await;
    assert_eq!((report.written(), report.exit_code()), (0, 1));
    let refused = report.count(
        |fate| matches!(fate, Fate::Failed(DirectoryError::Forbidden(text)) if text.contains("write access")),
    );
    assert_eq!(refused, 5, "after five refusals the rest is not tried");
    assert_eq!(slapd.dump(), before);
}

#[tokio::test]
async fn distinguished_names_are_written_where_the_schema_wants_them() {
    let people = [("Ann".to_owned(), None), ("Bo".to_owned(), Some("CN=Sametime,O=Renovation"))];
    let kind = Kind { writer: true, dn_values: true, tls: false };
    let Some(slapd) = Slapd::start_as(&people, kind) else { return };
    let before = slapd.dump();
    let folder = Folder::new();
    let mut desk = Desk::new(folder.setup(&toml(&slapd, "for = \"mail-servers\"")));
    assert_eq!(desk.apply(&mut folder.journal()).await.written(), 1);
    // slapd writes the types of a name in small letters.
    let now = slapd.dump().to_lowercase();
    assert_eq!(now.matches("sametimeserver: cn=sametime,o=renovation").count(), 2, "{now}");
    assert_eq!(desk.apply(&mut folder.journal()).await.written(), 0);
    assert_eq!(desk.undo(&mut folder.journal()).await.written(), 1);
    assert_eq!(slapd.dump(), before);
}

#[tokio::test]
async fn a_connection_that_is_lost_between_two_writes_is_made_again() {
    let Some(slapd) = Slapd::start(&people(20), true) else { return };
    let way = Way::to(slapd.port).await;
    let folder = Folder::new();
    let text = toml(&slapd, "for = \"mail-servers\"").replace(&slapd.port.to_string(), &way.port.to_string());
    let mut desk = Desk::new(folder.setup(&text));
    let plan = desk.plan().await;
    let mut journal = folder.journal();
    let cut = |_: &apply::Outcome| way.cut();
    let report =
        apply::apply(&plan, &desk.table, &mut desk.opened, &mut journal, desk.consent, cut).await.unwrap();
    assert_eq!((report.written(), report.stopped.clone()), (17, None), "{:#?}", report.outcomes);
    assert_eq!(slapd.dump().matches("SametimeServer: CN=Sametime/O=Renovation").count(), 17);
}

#[tokio::test]
async fn tls_is_spoken_with_a_server_that_can_prove_its_name() {
    let people = [("Ann".to_owned(), None)];
    let Some(slapd) = Slapd::start_as(&people, Kind { writer: true, dn_values: false, tls: true }) else {
        return;
    };
    let folder = Folder::new();
    let text = toml(&slapd, "for = \"mail-servers\"");
    let mut desk = Desk::new(folder.setup(&text));
    assert_eq!(desk.apply(&mut folder.journal()).await.written(), 1);
    assert!(slapd.dump().contains("SametimeServer: CN=Sametime/O=Renovation"));
    // The certificate is for the address only.
    let mut desk = Desk::new(folder.setup(&text.replace("ldaps://127.0.0.1", "ldaps://localhost")));
    let error = survey(&desk.setup, &desk.table, &mut desk.opened).await.unwrap_err();
    assert!(matches!(error.error, DirectoryError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn what_changed_between_reading_and_writing_is_a_conflict() {
    let people = [("Ann".to_owned(), Some("CN=Mine/O=Renovation")), ("Bo".to_owned(), None)];
    let Some(slapd) = Slapd::start(&people, true) else { return };
    let before = slapd.dump();
    let folder = Folder::new();
    let mut desk = Desk::new(folder.setup(&toml(&slapd, "for = \"mail-servers\"")));
    let directory = desk.opened[0].directory.as_mut().unwrap();
    // Each was read before somebody else gave Ann her server, or another one.
    for seen in [None, Some("CN=Other/O=Renovation")] {
        let update = Update {
            unid: Unid("cn=Ann,o=Renovation".to_owned()),
            revision: None,
            changes: vec![Change {
                item: "SametimeServer".parse().unwrap(),
                kind: ItemKind::Names,
                before: seen.map(Value::from),
                after: Some("CN=Sametime/O=Renovation".into()),
            }],
        };
        assert_eq!(directory.update(&update).await, Err(DirectoryError::Conflict), "{seen:?}");
    }
    assert_eq!(slapd.dump(), before);
    // A whole run sees it, too, and leaves it alone.
    let plan = desk.plan().await;
    let bo = Update {
        unid: Unid("cn=Bo,o=Renovation".to_owned()),
        revision: None,
        changes: vec![Change {
            item: "SametimeServer".parse().unwrap(),
            kind: ItemKind::Names,
            before: None,
            after: Some("CN=Other/O=Renovation".into()),
        }],
    };
    desk.opened[0].directory.as_mut().unwrap().update(&bo).await.unwrap();
    let mut journal = folder.journal();
    let report =
        apply::apply(&plan, &desk.table, &mut desk.opened, &mut journal, desk.consent, |_| {}).await.unwrap();
    assert_eq!(report.count(|fate| matches!(fate, Fate::Conflict(text) if text.contains("CN=Other"))), 1);
}

#[tokio::test]
async fn pictures_and_certificates_of_persons_stay_where_they_are() {
    let Some(slapd) = Slapd::start(&people(5), true) else { return };
    let folder = Folder::new();
    let mut desk = Desk::new(folder.setup(&toml(&slapd, "for = \"mail-servers\"")));
    let estate = survey(&desk.setup, &desk.table, &mut desk.opened).await.unwrap();
    let persons: Vec<&Document> = estate.replicas[0].of(DocumentKind::Person).collect();
    assert_eq!(persons.len(), 5);
    for person in persons {
        let mut names: Vec<String> = person.items.keys().map(|name| name.as_str().to_lowercase()).collect();
        names.retain(|name| name != "sametimeserver");
        assert_eq!(names, ["fullname", "mailfile", "mailserver"], "neither sn nor objectClass was asked for");
    }
}

/// A way to slapd that can be cut.
struct Way {
    port: u16,
    open: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Way {
    async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let way = Self { port: listener.local_addr().unwrap().port(), open: Arc::default() };
        let open = Arc::clone(&way.open);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let carry = async move { drop(tokio::io::copy_bidirectional(&mut near, &mut far).await) };
                open.lock().unwrap().push(tokio::spawn(carry).abort_handle());
            }
        });
        way
    }

    fn cut(&self) {
        self.open.lock().unwrap().drain(..).for_each(|task| task.abort());
    }
}
