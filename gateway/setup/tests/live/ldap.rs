//! LDAP against a real slapd: only the Sametime server of persons.

use gateway_setup::apply::Fate;
use gateway_setup::directory::DirectoryError;
use gateway_setup::plan::Action;

use crate::estate::{Desk, Folder};
use crate::slapd::Slapd;

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
[[directory]]
domain = "Renovation"
path = "ldap"
url = "ldap://127.0.0.1:{}"
base = "o=Renovation"
user = "cn=Setup,o=Renovation"
password_file = "password"
page = 200
[sso]
domain = ".renovation.example"
[awareness]
{more}
"#,
        slapd.port
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
