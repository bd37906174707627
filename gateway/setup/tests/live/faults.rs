//! Everything that goes wrong between two writes: nothing is lost, the report is exact, a resumed run ends well.

use gateway_setup::apply::{Fate, Report};
use gateway_setup::directory::DirectoryError;
use serde_json::json;

use crate::estate::{Desk, Folder, fill, person, toml};
use crate::standin::{Fault, Standin, same_but_empty};

const PERSONS: &str = "[awareness]\nfor = \"mail-servers\"";

/// Both REST APIs meet the same faults.
const PATHS: [&str; 2] = ["drapi", "das"];

async fn site(path: &str) -> (Standin, Folder, Desk) {
    let standin = Standin::start().await;
    fill(&standin, false);
    let folder = Folder::new();
    let text = toml(&standin, "not-clustered", PERSONS).replace("\"drapi\"", &format!("\"{path}\""));
    let desk = Desk::new(folder.setup(&text));
    (standin, folder, desk)
}

fn failed(report: &Report) -> Vec<&Fate> {
    let bad = |fate: &&Fate| !matches!(fate, Fate::Right | Fate::Written { .. } | Fate::ByHand(_));
    report.outcomes.iter().map(|outcome| &outcome.fate).filter(bad).collect()
}

#[tokio::test]
async fn a_lost_answer_is_looked_into_and_nothing_is_made_twice() {
    let places = PATHS.into_iter().flat_map(|path| (1..=6).map(move |write| (path, write)));
    for (path, write) in places {
        for fault in [Fault::CutAfter(write), Fault::CutBefore(write)] {
            let (standin, folder, mut desk) = site(path).await;
            let before = standin.snapshot();
            standin.fault(fault);
            let report = desk.apply(&mut folder.journal()).await;
            assert_eq!((failed(&report), report.written()), (vec![], 6), "{fault:?} {:#?}", report.outcomes);
            let connections = standin.snapshot().values().filter(|items| items["Form"] == "Local").count();
            assert_eq!(connections, 2, "{fault:?}");
            assert_eq!(desk.undo(&mut folder.journal()).await.exit_code(), 0);
            same_but_empty(&standin, &before);
        }
    }
}

#[tokio::test]
async fn an_expired_token_is_renewed_in_the_middle() {
    let (standin, folder, mut desk) = site("drapi").await;
    standin.fault(Fault::Expire(2));
    standin.fault(Fault::Expire(5));
    let report = desk.apply(&mut folder.journal()).await;
    assert_eq!((failed(&report), report.written()), (vec![], 6));
    assert_eq!(standin.lock().logins, 3);
    let (standin, folder, mut desk) = site("drapi").await;
    standin.lock().token_uses = 3;
    assert_eq!(desk.apply(&mut folder.journal()).await.written(), 6);
}

/// The data API has no tokens to renew: a 401 ends the run, and the next one goes on.
#[tokio::test]
async fn a_password_that_is_refused_in_the_middle_stops_the_run() {
    let (standin, folder, mut desk) = site("das").await;
    standin.fault(Fault::Expire(4));
    let report = desk.apply(&mut folder.journal()).await;
    assert_eq!((report.written(), report.exit_code()), (3, 1), "{:#?}", report.outcomes);
    let report = desk.apply(&mut folder.journal()).await;
    assert_eq!((failed(&report), report.written()), (vec![], 3));
}

#[tokio::test]
async fn a_run_that_is_locked_out_stops_and_is_resumed_by_running_again() {
    for path in PATHS {
        let (standin, folder, mut desk) = site(path).await;
        let before = standin.snapshot();
        standin.fault(Fault::Lockout(4));
        let report = desk.apply(&mut folder.journal()).await;
        assert_eq!((report.written(), report.exit_code()), (3, 1), "{:#?}", report.outcomes);
        assert!(report.stopped.as_ref().is_some_and(|why| why.contains("refused")), "{:?}", report.stopped);
        let not_reached = report.count(|fate| matches!(fate, Fate::NotReached(_)));
        assert_eq!(not_reached, 2);
        standin.lock().faults.clear();
        let report = desk.apply(&mut folder.journal()).await;
        assert_eq!((failed(&report), report.written()), (vec![], 3));
        // One journal holds both runs.
        assert_eq!(desk.undo(&mut folder.journal()).await.written(), 6);
        same_but_empty(&standin, &before);
    }
}

#[tokio::test]
async fn a_reader_changes_nothing_and_users_see_nothing_half_done() {
    for path in PATHS {
        let (standin, folder, mut desk) = site(path).await;
        let before = standin.snapshot();
        standin.fault(Fault::ReadOnly);
        let report = desk.apply(&mut folder.journal()).await;
        assert_eq!((report.written(), report.exit_code()), (0, 3), "{:#?}", report.outcomes);
        assert_eq!(report.count(|fate| matches!(fate, Fate::Failed(DirectoryError::Forbidden(_)))), 3);
        // The persons wait for the servers.
        assert_eq!(report.count(|fate| matches!(fate, Fate::NotReached(_))), 3);
        assert_eq!(standin.snapshot(), before);
        assert!(desk.undo(&mut folder.journal()).await.outcomes.is_empty());
    }
}

#[tokio::test]
async fn who_overtakes_keeps_what_they_wrote() {
    for path in PATHS {
        let (standin, folder, mut desk) = site(path).await;
        // The first person is the fourth write.
        standin.fault(Fault::Overtake(4));
        let report = desk.apply(&mut folder.journal()).await;
        let conflicts = report
            .count(|fate| matches!(fate, Fate::Conflict(text) if text.contains("CN=Elsewhere/O=Renovation")));
        assert_eq!((conflicts, report.written(), report.exit_code()), (1, 5, 3), "{:#?}", report.outcomes);
        assert_eq!(
            standin
                .snapshot()
                .values()
                .filter(|items| items.get("SametimeServer") == Some(&json!("CN=Elsewhere/O=Renovation")))
                .count(),
            1
        );
    }
}

#[tokio::test]
async fn a_document_that_changed_after_the_plan_is_left_alone() {
    for path in PATHS {
        let (standin, folder, mut desk) = site(path).await;
        let plan = desk.plan().await;
        let mail = standin.lock().find("Server", "ServerName", "CN=Mail1/O=Renovation").unwrap();
        standin.lock().set(&mail, "HTTP_EnableSessionAuth", json!("1"));
        let mut journal = folder.journal();
        let report = gateway_setup::apply::apply(
            &plan,
            &desk.table,
            &mut desk.opened,
            &mut journal,
            desk.consent,
            |_| {},
        )
        .await
        .unwrap();
        assert_eq!(
            report.count(|fate| matches!(fate, Fate::Conflict(text) if text.contains("plan again"))),
            1
        );
        assert_eq!(standin.snapshot()[&mail]["HTTP_EnableSessionAuth"], "1");
        assert_eq!(report.count(|fate| matches!(fate, Fate::NotReached(_))), 3);
    }
}

#[tokio::test]
async fn many_persons_are_paged_and_conflicts_counted_exactly() {
    let many: u32 = if std::env::var_os("LIVENAME_LONG").is_some() { 50_000 } else { 1_000 };
    let (standin, folder, desk) = site("drapi").await;
    for index in 0..many {
        let other = (index % 100 < 3).then_some("CN=Other/O=Renovation");
        standin.lock().put(person(&format!("Person {index}"), other));
    }
    let text = toml(&standin, "not-clustered", PERSONS).replace("page = 7", "page = 500");
    drop(desk);
    let mut desk = Desk::new(folder.setup(&text));
    let (conflicts, right) = (many as usize * 3 / 100, many as usize * 97 / 100);
    // The connection is lost and the token ends somewhere in the middle.
    standin.fault(Fault::CutAfter(many / 2));
    standin.fault(Fault::Expire(many / 3));
    let report = desk.apply(&mut folder.journal()).await;
    assert_eq!((failed(&report), report.written()), (vec![], right + 6));
    let left = report.count(|fate| matches!(fate, Fate::ByHand(text) if text.starts_with("conflict")));
    assert_eq!((left, report.exit_code()), (conflicts, 3));
    assert_eq!(desk.apply(&mut folder.journal()).await.written(), 0);
}
