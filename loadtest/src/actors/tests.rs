use std::path::PathBuf;

use loadtest_sim::Simulator;

use super::*;

fn plan(server: String, watch: usize) -> plan::Actors {
    plan::Actors { server, file: PathBuf::new(), login_type: 0x1002, watch }
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
    let plan = plan(simulator.addr().to_string(), 3);
    let actors = Actors::log_in(&plan, cast(&simulator, 3), None, 1).await.unwrap();
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
            actors.state_of(&actor.id) == Some(PersonState::new(truth.status.name(), &truth.text))
        })
    })
    .await;
    assert_eq!(actors.state_of(&people[3].id), None, "nobody knows about others");
    actors.leave().await;
    soon("everybody gone", || simulator.connections() == 0).await;
}

#[tokio::test]
async fn nobody_in_is_an_error_that_says_why() {
    let simulator = Simulator::builder().people(10).start().await.unwrap();
    let mut wrong = cast(&simulator, 1);
    wrong[0].password = Some(Secret::from("wrong"));
    let server = simulator.addr().to_string();
    let refused = Actors::log_in(&plan(server.clone(), 0), wrong, None, 1).await.err().unwrap();
    assert!(refused.to_string().starts_with("none of 1 test users could log in at 127.0.0.1:"), "{refused}");
    let without = vec![Actor { id: "CN=Ann/O=R".into(), password: None }];
    let error = Actors::log_in(&plan(server, 0), without, None, 1).await.err().unwrap();
    assert!(matches!(error, ActorsError::NoProof(_)), "{error}");
}
