use std::path::Path;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::*;
use crate::measure::Counts;
use crate::plan::Plan;

/// A crew before a server that says this to its first guests, one each, and nothing to all others.
async fn crew(says: &'static [&'static str]) -> Crew {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut guests, mut says) = (Vec::new(), says.iter());
        while let Ok((mut guest, _)) = listener.accept().await {
            if let Some(text) = says.next() {
                guest.write_all(text.as_bytes()).await.unwrap();
            }
            guests.push(guest);
        }
    });
    let plan = Plan::parse(Path::new("x"), "[[phase]]\nkind = \"hold\"\nduration = \"1s\"\n").unwrap();
    let cast = Arc::new(Cast::new(&plan, vec!["CN=Ann/O=R".into()], None).unwrap());
    let crew = Crew::start(Setup { cast, dialer: Arc::new(Dialer::new(&url, None).await.unwrap()), seed: 1 });
    let crew = crew.unwrap();
    crew.recorder().begin_phase(1);
    crew
}

fn counts(crew: &Crew) -> Counts {
    crew.recorder().phases()[0].counts
}

async fn soon(what: &str, crew: &Crew, mut is_so: impl FnMut(Counts) -> bool) {
    let begun = Instant::now();
    while !is_so(counts(crew)) {
        assert!(begun.elapsed() < Duration::from_secs(20), "waited too long for: {what}: {:?}", counts(crew));
        sleep(Duration::from_millis(5)).await;
    }
}

fn action(at: Instant, deed: Deed) -> Action {
    Action { at, browser: 0, deed }
}

#[tokio::test]
async fn a_change_without_a_page_is_not_made() {
    let crew = crew(&[]).await;
    let now = Instant::now();
    crew.schedule(vec![action(now, Deed::Change), action(now, Deed::Arrive)]).await;
    soon("a page on its way", &crew, |counts| counts.visits == 1).await;
    crew.schedule(vec![action(Instant::now(), Deed::Change)]).await;
    let begun = Instant::now();
    while crew.recorder().phases()[0].own.due < 2 {
        assert!(begun.elapsed() < Duration::from_secs(20));
        sleep(Duration::from_millis(5)).await;
    }
    let own = crew.recorder().phases()[0].own.clone();
    assert_eq!((own.due, own.missed, own.made, own.failures()), (2, 2, 0, 0));
}

#[tokio::test]
async fn pages_that_are_replaced_while_a_server_hangs_count_with_the_time_they_waited() {
    let crew = crew(&[]).await;
    let now = Instant::now();
    let after = |ms| now + Duration::from_millis(ms);
    let deeds = [(0, Deed::Arrive), (100, Deed::Reload), (300, Deed::Reload)];
    crew.schedule(deeds.map(|(ms, deed)| action(after(ms), deed)).to_vec()).await;
    soon("three pages", &crew, |counts| counts.visits == 3 && counts.abandoned == 2).await;
    assert_eq!((crew.open(), crew.coming()), (0, 1));
    crew.close_books(true).await;
    let Counts { abandoned, unfinished, not_started, .. } = counts(&crew);
    assert_eq!((abandoned, unfinished, not_started), (2, 1, 0));
    let recorder = crew.recorder();
    let phase = &recorder.phases()[0];
    assert_eq!(phase.failures[&FailureKind::NoAnswer], 1);
    let waited = &phase.lists[0];
    assert!(waited.count() == 3 && waited.max().unwrap() >= Duration::from_millis(190), "{waited:?}");
}

#[tokio::test]
async fn a_page_that_failed_is_still_waited_for_since_its_first_start() {
    let crew = crew(&["HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"]).await;
    let began = Instant::now();
    crew.schedule(vec![action(began, Deed::Arrive)]).await;
    soon("the next try", &crew, |counts| counts.visits == 2).await;
    let waited = began.elapsed();
    assert!(waited > Duration::from_millis(BACK_FIRST));
    crew.close_books(false).await;
    let recorder = crew.recorder();
    let phase = &recorder.phases()[0];
    assert_eq!((phase.failures[&FailureKind::Unavailable], phase.counts.unfinished), (1, 1));
    assert_eq!(phase.failures.get(&FailureKind::NoAnswer), None, "it may still come");
    assert!(
        phase.lists[0].max().unwrap() >= waited.mul_f64(0.99),
        "{:?} of {waited:?}",
        phase.lists[0].max()
    );
}

#[tokio::test]
async fn what_is_due_and_cannot_start_is_counted() {
    let crew = crew(&[]).await;
    let now = Instant::now();
    // Nobody is there to change pages.
    crew.schedule(vec![action(now, Deed::Reload)]).await;
    soon("the lost page", &crew, |counts| counts.not_started == 1).await;
    crew.schedule(vec![action(now, Deed::Arrive), action(now, Deed::Leave)]).await;
    soon("the end of a page that had just begun", &crew, |counts| counts.abandoned == 1).await;
    crew.schedule(vec![action(Instant::now() + Duration::from_secs(600), Deed::Arrive)]).await;
    crew.close_books(false).await;
    let Counts { visits, unfinished, not_started, .. } = counts(&crew);
    assert_eq!((visits, unfinished, not_started), (1, 0, 1), "what is not due yet is not missed");
}
