//! Who sees whom: docs/privacy.md.

use gateway::config::OwnPresence;
use loadtest_sim::model::PrivacyList;
use protocol::presence::{PersonId, Status};

use crate::estate::{OBSERVER, Plan, id, person};
use crate::own_login::peer;
use crate::page::BOTH;
use crate::support::until;

fn deny(people: &[usize]) -> PrivacyList {
    PrivacyList { deny: true, people: people.iter().copied().map(person).collect() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_shows_everybody_what_the_community_shows_them() {
    let estate = Plan::default().start().await;
    estate.online([3]);
    estate.sets(3, Status::Away, "secret");
    assert!(estate.community.set_privacy(&person(3), deny(&[1])));
    for transport in BOTH {
        let mut hidden_from = estate.page_over(transport, 1).await;
        let mut friend = estate.page_over(transport, 2).await;
        // The friend asks first: whatever is known of 3 here is not the other's business.
        friend.watch(&[id(3)]).await;
        friend.sees(&id(3), "away").await;
        hidden_from.watch(&[id(3)]).await;
        hidden_from.sees(&id(3), "offline").await;
        estate.sets(3, Status::Dnd, "still secret");
        friend.sees_text(&id(3), "still secret").await;
        hidden_from.settle().await;
        let heard = hidden_from.told.clone();
        assert!(heard.iter().all(|(_, status)| status != "away" && status != "dnd"), "{heard:?}");
        assert_eq!(hidden_from.people[&id(3)]["text"], "");

        // Lists change while pages are open, both ways.
        assert!(estate.community.set_privacy(&person(3), deny(&[2])));
        hidden_from.sees(&id(3), "dnd").await;
        friend.sees(&id(3), "offline").await;
        let only_friend = PrivacyList { deny: false, people: vec![person(2)] };
        assert!(estate.community.set_privacy(&person(3), only_friend));
        hidden_from.sees(&id(3), "offline").await;
        friend.sees(&id(3), "dnd").await;
        assert!(estate.community.set_privacy(&person(3), deny(&[1])));
        estate.sets(3, Status::Away, "secret");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_honours_the_list_of_a_real_client() {
    let estate = Plan::default().start().await;
    let Some(mut client) = peer(&estate, 3) else { return };
    let mut first = estate.page_up(1).await;
    let mut second = estate.page_up(2).await;
    for page in [&mut first, &mut second] {
        page.watch(&[id(3)]).await;
        page.sees(&id(3), "active").await;
    }
    client.tell(&["privacy", "deny", &id(1)]).unwrap();
    first.sees(&id(3), "offline").await;
    client.tell(&["status", "80", "for friends"]).unwrap();
    second.sees_text(&id(3), "for friends").await;
    first.settle().await;
    assert_eq!(first.status(&id(3)), "offline");
    // A page that comes later learns nothing from those who were there before.
    let mut later = estate.page(1).await;
    later.watch(&[id(3)]).await;
    later.sees(&id(3), "offline").await;
    assert_eq!(later.told.len(), 1, "{:?}", later.told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trust_shows_everybody_what_the_observer_sees() {
    let estate = Plan::trust().start().await;
    estate.online([3, 4]);
    assert!(estate.community.set_privacy(&person(3), deny(&[1])));
    let from_observer = PrivacyList { deny: true, people: vec![PersonId::from(OBSERVER)] };
    assert!(estate.community.set_privacy(&person(4), from_observer));
    for transport in BOTH {
        for viewer in [1, 2] {
            let mut page = estate.page_over(transport, viewer).await;
            page.watch(&[id(3), id(4)]).await;
            page.sees(&id(3), "active").await;
            page.sees(&id(4), "offline").await;
            page.is_up().await;
        }
    }
    assert_eq!(estate.community.watch_count(&PersonId::from(OBSERVER)), 2, "one watch per person");
    assert_eq!(estate.community.watch_count(&person(1)), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_own_presence_off_no_user_is_ever_logged_in() {
    let estate = Plan::trust().community(|community| community.own_presence = OwnPresence::Off).start().await;
    until("the observer is in", || estate.community.connections() == 1).await;
    let mut watcher = estate.page(1).await;
    watcher.watch(&[id(0)]).await;
    watcher.sees(&id(0), "offline").await;
    for transport in BOTH {
        let mut page = estate.page_over(transport, 0).await;
        page.watch(&[id(1)]).await;
        page.sees(&id(1), "offline").await;
        assert_eq!(page.me["login"], "off");
    }
    watcher.settle().await;
    assert_eq!(watcher.told.len(), 1);
    assert_eq!(estate.community.stats().logins, 1);
    let logins = "livename_upstream_logins_total{community=\"acme\",result=\"ok\"}";
    assert_eq!(estate.gateway.metric(logins), 1.0);
}
