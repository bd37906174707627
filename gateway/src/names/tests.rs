//! Look-ups against a login that the test plays.

use std::time::Duration;

use gateway_core::ScopeId;
use protocol::presence::Presence;
use protocol::secret::Secret;
use protocol::vp::resolve::Answer;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::hub::{News, Proof};

/// Answers every name that does not begin with `nobody`, and counts requests and names.
async fn directory(mut questions: mpsc::Receiver<OwnCommand>, seen: mpsc::Sender<Vec<String>>) {
    while let Some(command) = questions.recv().await {
        let OwnCommand::Ask(Ask::LookUp { names, answer, .. }) = command else { continue };
        let found = |name: &String| {
            let id = format!("CN={name}/O=Acme");
            let one = Match { id, name: name.clone(), kind: Match::USER, ..Match::default() };
            let matches = if name.starts_with("nobody") { Vec::new() } else { vec![one] };
            Answer { code: 0, name: name.clone(), matches }
        };
        let answers = names.iter().map(found).collect();
        seen.send(names).await.unwrap();
        tokio::task::yield_now().await;
        let _ = answer.send(answers);
    }
}

fn facility(tuning: NameTuning) -> (Arc<Names>, mpsc::Receiver<Vec<String>>) {
    let (observers, questions) = mpsc::channel(16);
    let (seen, requests) = mpsc::channel(64);
    let (names, lookups) = Names::new(tuning, Some(observers));
    tokio::spawn(lookups.run());
    tokio::spawn(directory(questions, seen));
    (names, requests)
}

fn texts(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

fn person(name: &str) -> Meaning {
    Meaning::Person { id: format!("CN={name}/O=Acme").into(), name: name.into() }
}

#[tokio::test]
async fn a_name_is_asked_for_once_and_remembered_both_ways() {
    let (names, mut requests) = facility(NameTuning::default());
    let (one, other) = (names.asker(None), names.asker(None));
    let asked = texts(&["ann", "nobody here", "ann"]);
    let (first, second) = tokio::join!(names.resolve(&asked, &one), names.resolve(&asked, &other));
    assert_eq!(first, [person("ann"), Meaning::Nobody, person("ann")]);
    assert_eq!(second, first);
    let mut sent = Vec::new();
    while let Ok(names) = requests.try_recv() {
        sent.extend(names);
    }
    sent.sort();
    assert_eq!(sent, ["ann", "nobody here"], "each once");
    assert_eq!(names.recall(" ANN"), Some(person("ann")));
    assert_eq!(names.recall("Nobody Here"), Some(Meaning::Nobody));
    assert_eq!(names.display_name(&"CN=ann/O=Acme".into()).as_deref(), Some("ann"));
    assert_eq!(names.recall("bo"), None);
}

#[tokio::test]
async fn what_was_answered_while_it_stood_in_line_is_not_asked_again() {
    let (observers, questions) = mpsc::channel(16);
    let (seen, mut requests) = mpsc::channel(64);
    let (names, lookups) = Names::new(NameTuning::default(), Some(observers));
    tokio::spawn(directory(questions, seen));
    let (asked, asker) = (texts(&["ann", "bo"]), names.asker(None));
    let mut resolving = std::pin::pin!(names.resolve(&asked, &asker));
    tokio::select! {
        biased;
        _ = &mut resolving => panic!("nobody answers yet"),
        () = tokio::task::yield_now() => {}
    }
    names.remember(Spelling::of("ann").key(), &person("ann"));
    tokio::spawn(lookups.run());
    assert_eq!(resolving.await, [person("ann"), person("bo")]);
    assert_eq!(requests.try_recv(), Ok(vec!["bo".to_owned()]));
}

#[tokio::test]
async fn an_inbox_full_of_outside_senders_asks_nobody() {
    let tuning = NameTuning { allow_domains: vec!["acme.example".into()], ..NameTuning::default() };
    let (names, mut requests) = facility(tuning);
    let senders: Vec<Arc<str>> = (0..500).map(|number| format!("s{number}@shop.example").into()).collect();
    let meanings = names.resolve(&senders, &names.asker(None)).await;
    assert!(meanings.iter().all(|meaning| *meaning == Meaning::Outside));
    assert!(requests.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_community_that_cannot_be_asked_is_not_nobody() {
    let (names, lookups) = Names::new(NameTuning::default(), None);
    tokio::spawn(lookups.run());
    assert_eq!(names.resolve(&texts(&["ann"]), &names.asker(None)).await, [Meaning::Unavailable]);
    // A login that never answers.
    let (commands, _silent) = mpsc::channel(1);
    let me = Me { person: "ann".into(), presence: Presence::default(), login: LoginState::Up, privacy: None };
    let (told, me) = watch::channel(me);
    let proof = watch::channel(Proof::Token(Secret::from("token"))).0;
    let news = watch::channel(News::default()).1;
    let (audience, over) = (Arc::default(), CancellationToken::new());
    let login = OwnLogin { scope: ScopeId(1), me, commands, news, audience, proof, over };
    let start = Instant::now();
    assert_eq!(names.resolve(&texts(&["ann"]), &names.asker(Some(&login))).await, [Meaning::Unavailable]);
    assert!(start.elapsed() <= PATIENCE + Duration::from_secs(1));
    assert_eq!(names.recall("ann"), None, "not remembered");
    drop(told);
}

#[tokio::test]
async fn a_list_travels_in_batches() {
    let (names, mut requests) = facility(NameTuning { per_second: 100_000, ..NameTuning::default() });
    let list: Vec<Arc<str>> = (0..1000).map(|number| format!("p{number}").into()).collect();
    let meanings = names.resolve(&list, &names.asker(None)).await;
    assert_eq!(meanings[999], person("p999"));
    let mut sizes = Vec::new();
    while let Ok(names) = requests.try_recv() {
        sizes.push(names.len());
    }
    assert_eq!(sizes.iter().sum::<usize>(), 1000);
    assert!(sizes.len() < 100 && sizes.iter().all(|size| *size <= 100), "{sizes:?}");
}
