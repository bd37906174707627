//! Watching people by the names that pages have for them.

use protocol::presence::Status;
use serde_json::json;

use crate::estate::{Plan, id};
use crate::page::{BOTH, Page};

/// The `names` message that answers the command.
async fn names(page: &mut Page, names: &[&str]) -> serde_json::Value {
    assert_eq!(page.ask(json!({"op": "watch", "names": names})).await["type"], "ok");
    loop {
        let message = page.next().await.expect("the meaning of the names");
        if message["type"] == "names" {
            return message["names"].clone();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_a_name_leads_to_the_person() {
    let estate = Plan::default()
        .community(|community| community.names.deny_domains = vec!["shop.example".into()])
        .start()
        .await;
    estate.online([1]);
    estate.sets(1, Status::Away, "Lunch");
    for transport in BOTH {
        let mut page = estate.page_over(transport, 0).await;
        let forms = [
            "CN=Person 1/O=Acme",
            "cn=person 1,o=acme",
            "Person 1/Acme",
            "p1@acme.example",
            "Person One <p1@acme.example>",
            "p1",
            "Person 1",
        ];
        let answer = names(&mut page, &forms).await;
        for (index, form) in forms.iter().enumerate() {
            assert_eq!(answer[index]["asked"], *form);
            assert_eq!(answer[index]["id"], id(1), "{form}: {answer}");
            assert_eq!(answer[index]["name"], "Person 1");
        }
        page.sees(&id(1), "away").await;
        let answer = names(&mut page, &["nobody@acme.example", "x@shop.example", "Person", ""]).await;
        let errors: Vec<_> = (0..4).map(|index| answer[index]["error"].as_str().unwrap()).collect();
        assert_eq!(errors, ["nobody", "outside", "ambiguous", "nobody"]);
        assert_eq!(page.people.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_a_login_asks_through_the_observer() {
    let estate = Plan::trust()
        .community(|community| community.own_presence = gateway::config::OwnPresence::Off)
        .auth(gateway::config::AuthPolicy::Optional)
        .start()
        .await;
    estate.online([1]);
    let mut page = Page::open(estate.address(), BOTH[0], None).await;
    let answer = names(&mut page, &["Person 1/Acme"]).await;
    assert_eq!(answer[0]["id"], id(1), "{answer}");
    page.sees(&id(1), "active").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_names_at_once_are_refused_and_bad_ones_named() {
    let estate = Plan::default().start().await;
    let mut page = estate.page_up(0).await;
    let many: Vec<_> = (0..501).map(|number| format!("n{number}")).collect();
    let refused = page.ask(json!({"op": "watch", "names": many})).await;
    assert_eq!((&refused["type"], &refused["code"]), (&json!("error"), &json!("too_many_watches")));
    let refused = page.ask(json!({"op": "watch", "names": ["a", 7]})).await;
    assert_eq!(refused["code"], "bad_json");
    assert!(refused["message"].as_str().unwrap().contains("names[1]"), "{refused}");
}
