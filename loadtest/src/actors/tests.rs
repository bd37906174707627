use loadtest_sim::{Simulator, Stamp, TokenCheck};
use protocol::ltpa::domino::DominoSecret;
use protocol::ltpa::websphere::{VerifyKey, Version};

use super::*;

fn call(server: String, cast: &[Actor], watch: usize) -> Call {
    let watched = cast.iter().take(watch).map(|actor| actor.id.clone()).collect();
    Call { server, tls: None, login_type: 0x1002, watched, per_second: 100.0, seed: 1 }
}

async fn soon(what: &str, mut look: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !look() {
        assert!(begun.elapsed() < Duration::from_secs(20), "waited too long for: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

fn cast(simulator: &Simulator, count: usize) -> Vec<Actor> {
    let directory = simulator.directory();
    let people = directory.people().iter().take(count);
    people
        .map(|person| Actor { id: person.id.as_str().to_owned(), password: Some(person.password.clone()) })
        .collect()
}

#[tokio::test]
async fn test_users_change_themselves_see_each_other_and_leave() {
    let simulator = Simulator::builder().people(10).start().await.unwrap();
    let users = cast(&simulator, 3);
    let call = call(simulator.addr().to_string(), &users, 3);
    let actors = Actors::log_in(call, users, None, Interrupt::never()).await.unwrap();
    assert_eq!(actors.count(), 3);
    actors.change_rate(100.0);
    let mut seen = Latency::new();
    soon("changes seen by others", || {
        seen.merge(&actors.take_seen());
        seen.count() > 20
    })
    .await;
    actors.change_rate(0.0);
    assert!(seen.max().unwrap() < Duration::from_secs(20));
    let people = cast(&simulator, 4);
    soon("the community's word to be the actors'", || {
        people[..3].iter().all(|actor| {
            let truth = simulator.truth(&actor.id.as_str().into());
            actors.state_of(&actor.id)
                == Some(PersonState::new(truth.status.name(), truth.mobile, &truth.text))
        })
    })
    .await;
    assert_eq!(actors.state_of(&people[3].id), None, "nobody knows about others");
    let told = simulator.truth(&people[0].id.as_str().into());
    let stamp = Stamp::parse(&told.text).unwrap();
    assert!(
        stamp.number > 1 && stamp.earlier().count() > 0,
        "numbered, with the changes before: {}",
        told.text
    );
    let punctual = actors.take_punctuality();
    assert!(punctual.due > 10 && punctual.missed == 0, "{punctual:?}");
    actors.leave().await;
    soon("everybody gone", || simulator.connections() == 0).await;
}

#[tokio::test]
async fn over_tls_they_log_in_where_the_certificate_is_trusted() {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let tls = loadtest_sim::tls::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    let simulator = Simulator::builder().people(10).tls(tls).start().await.unwrap();
    let ca = std::env::temp_dir().join(format!("livename-load-actors-{}.pem", std::process::id()));
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let trusted = |pem: &str| {
        std::fs::write(&ca, pem).unwrap();
        Some(Arc::new(crate::tls::client(Some(&ca), &[]).unwrap()))
    };
    let users = || cast(&simulator, 2);
    let call = |tls| Call { tls, ..call(simulator.addr().to_string(), &users(), 2) };
    let actors = Actors::log_in(call(trusted(&chain)), users(), None, Interrupt::never()).await.unwrap();
    assert_eq!(actors.count(), 2);
    actors.change_rate(100.0);
    soon("a change seen by another", || actors.take_seen().count() > 0).await;
    actors.leave().await;
    soon("everybody gone", || simulator.connections() == 0).await;
    let strange = call(trusted(&other.cert.pem()));
    let refused = Actors::log_in(strange, users(), None, Interrupt::never()).await.err().unwrap();
    assert!(refused.to_string().contains("certificate"), "{refused}");
    std::fs::remove_file(ca).unwrap();
}

#[tokio::test]
async fn tokens_of_any_kind_let_them_in_without_passwords() {
    let keys = include_str!("../estate/websphere.keys");
    let file = std::env::temp_dir().join(format!("livename-load-actors-{}.keys", std::process::id()));
    std::fs::write(&file, keys).unwrap();
    let password = Secret::from("load test");
    let check = TokenCheck::websphere(VerifyKey::read(keys, &password).unwrap());
    let secret = DominoSecret::from_bytes(&[7; 20]).unwrap();
    let check = TokenCheck::domino(secret.clone()).or(check);
    let simulator = Simulator::builder().people(10).tokens(check).start().await.unwrap();
    let websphere = |version| TokenKey::websphere_file(&file, &password, version, Some("any")).unwrap();
    for key in [TokenKey::domino(secret), websphere(Version::One), websphere(Version::Two)] {
        let users: Vec<_> =
            cast(&simulator, 1).into_iter().map(|user| Actor { password: None, ..user }).collect();
        let call = call(simulator.addr().to_string(), &users, 1);
        let actors = Actors::log_in(call, users, Some(&key), Interrupt::never()).await.unwrap();
        assert_eq!(actors.count(), 1);
        actors.leave().await;
    }
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn orders_to_an_actor_that_was_thrown_out_are_counted() {
    let simulator = Simulator::builder().people(10).start().await.unwrap();
    let users = cast(&simulator, 1);
    let (id, call) = (users[0].id.clone(), call(simulator.addr().to_string(), &users, 0));
    let actors = Actors::log_in(call, users, None, Interrupt::never()).await.unwrap();
    simulator.kick(&id.as_str().into(), protocol::vp::reason::Reason::RELOGIN);
    soon("the end of the login", || actors.count() == 0).await;
    actors.change_rate(100.0);
    soon("orders for nobody", || actors.stage.missed.load(Ordering::Relaxed) > 3).await;
    let Punctuality { due, missed, .. } = actors.take_punctuality();
    assert!(due >= missed && missed > 3);
    actors.leave().await;
}

#[tokio::test]
async fn interrupted_they_log_out_before_all_are_in() {
    let simulator = Simulator::builder().people(50).start().await.unwrap();
    let users = cast(&simulator, 50);
    let call = Call { per_second: 1.0, ..call(simulator.addr().to_string(), &users, 0) };
    let (ask, interrupt) = Interrupt::on_request();
    let coming = tokio::spawn(async move { Actors::log_in(call, users, None, interrupt).await.err() });
    soon("the first logins", || simulator.stats().logins > 0).await;
    ask.send_replace(true);
    assert!(matches!(coming.await.unwrap(), Some(ActorsError::Interrupted)));
    soon("everybody gone", || simulator.stats().logins == 0).await;
}

#[tokio::test]
async fn nobody_in_is_an_error_that_says_why() {
    let simulator = Simulator::builder().people(10).start().await.unwrap();
    let mut wrong = cast(&simulator, 1);
    wrong[0].password = Some(Secret::from("wrong"));
    let server = simulator.addr().to_string();
    let call = |cast: &[Actor]| call(server.clone(), cast, 0);
    let refused = Actors::log_in(call(&wrong), wrong, None, Interrupt::never()).await.err().unwrap();
    assert!(refused.to_string().starts_with("none of 1 test users could log in at 127.0.0.1:"), "{refused}");
    let without = vec![Actor { id: "CN=Ann/O=R".into(), password: None }];
    let error = Actors::log_in(call(&without), without, None, Interrupt::never()).await.err().unwrap();
    assert!(matches!(error, ActorsError::NoProof(_)), "{error}");
}
