//! The Domino REST API: the ordinary way.

use gateway_setup::apply::Fate;
use gateway_setup::directory::DirectoryError;
use gateway_setup::items::DocumentKind;
use gateway_setup::plan::Action;
use gateway_setup::survey;
use serde_json::json;

use crate::estate::{Desk, Folder, fill, person, toml};
use crate::standin::Standin;

const PERSONS: &str = "[awareness]\nfor = \"mail-servers\"";

#[tokio::test]
async fn what_is_applied_is_not_planned_again_and_comes_back_byte_for_byte() {
    for case_b in [false, true] {
        let standin = Standin::start().await;
        fill(&standin, case_b);
        let before = standin.snapshot();
        let folder = Folder::new();
        let mut desk = Desk::new(folder.setup(&toml(&standin, "not-clustered", PERSONS)));
        let report = desk.apply(&mut folder.journal()).await;
        assert_eq!(report.stopped, None);
        // Two Connection documents, one Server document, three persons; the SSO document is never written.
        assert_eq!(report.written(), 6, "{:#?}", report.outcomes);
        let sso = standin.lock().find("WebSSOConfig", "LTPA_TokenName", "LtpaToken").unwrap();
        assert_eq!(standin.snapshot()[&sso], before[&sso]);
        let written = standin.snapshot();
        assert!(written.values().filter(|items| items["Form"] == "Server").all(
            |items| items["HTTP_EnableSessionAuth"] == "2" && items["ServerTitle"] == "not ours to touch"
        ));

        let again = desk.plan().await;
        assert_eq!(again.writes().count(), 0, "{:#?}", again.documents);
        let report = desk.apply(&mut folder.journal()).await;
        assert_eq!((report.written(), standin.snapshot()), (0, written));

        let undone = desk.undo(&mut folder.journal()).await;
        assert_eq!((undone.written(), undone.exit_code()), (6, 0), "{:#?}", undone.outcomes);
        assert_eq!(standin.snapshot(), before);
        assert!(desk.undo(&mut folder.journal()).await.outcomes.is_empty());
    }
}

#[tokio::test]
async fn names_with_separators_and_of_all_scripts_are_found_and_written() {
    let standin = Standin::start().await;
    fill(&standin, true);
    standin.lock().put(person("Smith, Ann", None));
    standin.lock().put(person("\u{f8a0} 漢字", None));
    let folder = Folder::new();
    let list = "[awareness]\nfor = \"persons\"\npersons = [\"Smith, Ann/Renovation\", 'A\\/B Team/Renovation', \"łukasz żółć/renovation\", \"\u{f8a0} 漢字/Renovation\", \"Nobody/Renovation\"]";
    let mut desk = Desk::new(folder.setup(&toml(&standin, "same-domain", list)));
    let plan = desk.plan().await;
    let titles: Vec<_> = plan
        .writes()
        .filter(|document| document.title.contains('/'))
        .map(|document| document.title.clone())
        .collect();
    assert_eq!(plan.writes().count(), 5, "{titles:?}");
    assert!(
        plan.findings
            .iter()
            .any(|finding| finding.id == "no-person" && finding.text.contains("CN=Nobody/O=Renovation"))
    );
    assert_eq!(desk.apply(&mut folder.journal()).await.written(), 5);
    let unid = standin
        .lock()
        .documents
        .iter()
        .find(|(_, document)| {
            document.items.get("FullName") == Some(&json!(["CN=Smith, Ann/O=Renovation", "Smith, Ann"]))
        })
        .map(|(unid, _)| unid.clone());
    assert_eq!(standin.snapshot()[&unid.unwrap()]["SametimeServer"], "CN=Sametime/O=Renovation");
}

#[tokio::test]
async fn unknown_items_are_discovered_in_the_design_and_then_written() {
    let standin = Standin::start().await;
    fill(&standin, false);
    // The form computes which subforms it shows, so its design names none.
    let form = json!({"fields": [{"name": "ServerName", "type": "names"}]});
    standin.lock().designs.insert("ServerConfig".to_owned(), form);
    let tab = json!({"fields": [
        {"name": "DWA_IMHostName", "type": "text", "label": "Set an instant messaging server hostname for all iNotes users:"},
        {"name": "DWA_IMProxyHost", "type": "text"},
    ]});
    standin.lock().subforms.insert("$DWA/Configuration".to_owned(), tab);
    standin
        .lock()
        .subforms
        .insert("Other".to_owned(), json!({"fields": [{"name": "IMHost", "type": "text"}]}));
    let folder = Folder::new();
    let all = "[awareness]\nfor = \"all\"\n[gateway]\nhost = \"im.renovation.example\"";
    let mut desk = Desk::new(folder.setup(&toml(&standin, "same-domain", all)));
    assert_eq!(
        desk.plan()
            .await
            .writes()
            .filter(|document| document.items.iter().any(|item| item.action == Action::Manual))
            .count(),
        1
    );
    desk.discover().await;
    let report = desk.apply(&mut folder.journal()).await;
    assert_eq!(report.written(), 2, "{:#?}", report.outcomes);
    let made = standin.lock().find("ServerConfig", "DWA_IMHostName", "im.renovation.example").unwrap();
    assert_eq!(standin.snapshot()[&made]["ServerName"], "CN=Mail1/O=Renovation");
    // The gateway is in that document and nowhere else.
    assert_eq!(
        standin.snapshot().values().filter(|items| format!("{items:?}").contains("im.renovation")).count(),
        1
    );
}

#[tokio::test]
async fn a_directory_that_is_not_enabled_says_how_to_enable_it() {
    let standin = Standin::start().await;
    standin.lock().enabled = false;
    let folder = Folder::new();
    let mut desk = Desk::new(folder.setup(&toml(&standin, "same-domain", PERSONS)));
    let error = survey::survey(&desk.setup, &desk.table, &mut desk.opened).await.unwrap_err();
    assert!(matches!(error.error, DirectoryError::NotEnabled(_)), "{error}");
    assert!(error.to_string().contains("nsfExclusions"), "{error}");
}

#[tokio::test]
async fn what_somebody_changed_since_is_not_undone() {
    let standin = Standin::start().await;
    fill(&standin, false);
    let folder = Folder::new();
    let mut desk = Desk::new(folder.setup(&toml(&standin, "same-domain", PERSONS)));
    desk.apply(&mut folder.journal()).await;
    let ann = standin
        .lock()
        .documents
        .iter()
        .find(|(_, document)| {
            document.items.get("FullName") == Some(&json!(["CN=Ann Archer/O=Renovation", "Ann Archer"]))
        })
        .map(|(unid, _)| unid.clone())
        .unwrap();
    standin.lock().set(&ann, "SametimeServer", json!("CN=New/O=Renovation"));
    let report = desk.undo(&mut folder.journal()).await;
    assert_eq!(report.count(|fate| matches!(fate, Fate::Conflict(_))), 1, "{:#?}", report.outcomes);
    assert_eq!((report.written(), report.exit_code()), (3, 3));
    assert_eq!(standin.snapshot()[&ann]["SametimeServer"], "CN=New/O=Renovation");
}

#[tokio::test]
async fn servers_and_users_wait_until_the_sso_document_is_right() {
    let standin = Standin::start().await;
    fill(&standin, false);
    let sso = standin.lock().find("WebSSOConfig", "LTPA_TokenName", "LtpaToken").unwrap();
    standin.lock().set(&sso, "LTPA_TokenDomain", json!("renovation.example"));
    let before = standin.snapshot();
    let folder = Folder::new();
    let mut desk = Desk::new(folder.setup(&toml(&standin, "same-domain", PERSONS)));
    let report = desk.apply(&mut folder.journal()).await;
    assert_eq!((report.written(), report.exit_code()), (0, 3), "{:#?}", report.outcomes);
    let waits = |fate: &Fate| matches!(fate, Fate::NotReached(text) if text.contains("SSO document"));
    assert_eq!((report.count(waits), standin.snapshot()), (4, before));
    standin.lock().set(&sso, "LTPA_TokenDomain", json!(".renovation.example"));
    assert_eq!(desk.apply(&mut folder.journal()).await.written(), 4);
}

#[tokio::test]
async fn no_server_is_switched_to_an_sso_document_that_is_not_there() {
    let standin = Standin::start().await;
    fill(&standin, false);
    let sso = standin.lock().find("WebSSOConfig", "LTPA_TokenName", "LtpaToken").unwrap();
    standin.lock().documents.remove(&sso);
    let before = standin.snapshot();
    let folder = Folder::new();
    // Whoever says that it was looked at is not believed where it plainly is missing.
    let mut desk = Desk::new(folder.setup(&toml(&standin, "same-domain", PERSONS)));
    let report = desk.apply(&mut folder.journal()).await;
    assert_eq!((report.written(), standin.snapshot()), (0, before), "{:#?}", report.outcomes);
}

#[tokio::test]
async fn no_server_is_switched_to_an_sso_document_that_nobody_has_looked_at() {
    let standin = Standin::start().await;
    fill(&standin, false);
    let before = standin.snapshot();
    let folder = Folder::new();
    let mut desk = Desk::new(folder.setup(&toml(&standin, "same-domain", PERSONS)));
    desk.consent.sso_checked = false;
    let plan = desk.plan().await;
    let said = plan.findings.iter().find(|finding| finding.id == "sso-unseen").unwrap();
    assert!(
        said.text.contains("--sso-checked") && said.text.contains("CN=Mail1/O=Renovation"),
        "{}",
        said.text
    );
    let report = desk.apply(&mut folder.journal()).await;
    assert_eq!((report.written(), report.exit_code()), (0, 3), "{:#?}", report.outcomes);
    assert_eq!(
        report.count(|fate| matches!(fate, Fate::NotReached(text) if text.contains("--sso-checked"))),
        1
    );
    assert_eq!(standin.snapshot(), before);
    desk.consent.sso_checked = true;
    assert_eq!(desk.apply(&mut folder.journal()).await.written(), 4);
    // Nothing is switched any more, so nothing is asked.
    desk.consent.sso_checked = false;
    assert!(desk.plan().await.findings.iter().all(|finding| finding.id != "sso-unseen"));
    standin.lock().put(person("Cy Young", None));
    assert_eq!(desk.apply(&mut folder.journal()).await.written(), 1);
}

#[tokio::test]
async fn a_name_that_only_looks_right_is_not_written_to() {
    let standin = Standin::start().await;
    fill(&standin, false);
    let form =
        json!({"fields": [{"name": "ServerName", "type": "names"}, {"name": "DWA_IMHost", "type": "text"}]});
    standin.lock().designs.insert("ServerConfig".to_owned(), form);
    let folder = Folder::new();
    let all = "[awareness]\nfor = \"all\"\n[gateway]\nhost = \"im.renovation.example\"";
    let mut desk = Desk::new(folder.setup(&toml(&standin, "same-domain", all)));
    let found = survey::discover(&mut desk.table, &mut desk.opened).await.unwrap();
    let report = desk.apply(&mut folder.journal()).await;
    assert_eq!(report.written(), 1, "the Server document only: {:#?}", report.outcomes);
    // An administrator has looked, and saved it.
    desk.table = desk.table.clone().overridden(&found.to_toml(std::time::SystemTime::now())).unwrap();
    assert_eq!(desk.apply(&mut folder.journal()).await.written(), 1);
    assert!(standin.lock().find("ServerConfig", "DWA_IMHost", "im.renovation.example").is_some());
}

#[tokio::test]
async fn persons_are_looked_at_before_a_gateway_is_put_in_front_and_only_what_is_needed_is_kept() {
    let standin = Standin::start().await;
    fill(&standin, true);
    standin.lock().put(person("Host User", Some("im.renovation.example")));
    let mut other = person("Other User", Some("CN=Old/O=Renovation"));
    other["userCertificate"] = json!("x".repeat(100_000));
    standin.lock().put(other);
    let folder = Folder::new();
    let all = "[awareness]\nfor = \"all\"\n[gateway]\nhost = \"im.renovation.example\"";
    let mut desk = Desk::new(folder.setup(&toml(&standin, "same-domain", all)));
    let plan = desk.plan().await;
    for (id, says) in [
        ("host-for-server-name", "1 of them the gateway's"),
        ("person-other-server", "CN=Old/O=Renovation (1)"),
    ] {
        let found = plan.findings.iter().find(|finding| finding.id == id);
        assert!(found.is_some_and(|finding| finding.text.contains(says)), "{id}: {:#?}", plan.findings);
    }
    let estate = survey::survey(&desk.setup, &desk.table, &mut desk.opened).await.unwrap();
    let persons: Vec<_> = estate.replicas[0].of(DocumentKind::Person).collect();
    assert_eq!(persons.len(), 5);
    for person in persons {
        assert!(person.items.keys().all(|name| name.as_str() != "userCertificate"), "{person:?}");
    }
}
