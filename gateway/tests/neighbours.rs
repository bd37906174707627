//! Browser users and users of a real Sametime client (libmeanwhile) in one community.

#![cfg(feature = "demo")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/estate.rs"]
mod estate;

use browser::Browser;
use estate::{Estate, PATIENCE};
use loadtest_sim::peer::Peer;
use protocol::presence::{PersonId, Status};

/// The script that finds somebody on the page with everybody.
fn name(person: &PersonId) -> String {
    format!("document.querySelector('#list [data-livename={:?}]')", person.as_str())
}

async fn everybody(browser: &mut Browser) {
    browser.value("location.hash = '#people'").await;
    browser.wait_for("document.querySelectorAll('#list .person').length > 0").await;
}

fn peers_are_there() -> bool {
    browser::available() && Peer::is_installed().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_user_and_a_client_user_see_each_other_come_change_and_go() {
    if !peers_are_there() {
        return;
    }
    let estate = Estate::configured(20, "[limits]\nsession_grace = \"500ms\"").await;
    let (ann, bo) = (estate.person(0), estate.person(1));
    estate.simulator().logout_virtual(&ann);
    let mut client = estate.peer(1);
    client.tell(&["add", ann.as_str()]).unwrap();
    client.wait_for("aware", PATIENCE, |seen| seen["online"] == 0).unwrap();

    let mut page = Browser::start().await;
    page.log_in(&estate.http(), &ann).await;
    client.wait_for("aware", PATIENCE, |seen| seen["online"] == 1).unwrap();
    page.value("livename.setStatus('dnd', 'Writing <b>')").await;
    client
        .wait_for("aware", PATIENCE, |seen| seen["status"] == 0x80 && seen["text"] == "Writing <b>")
        .unwrap();

    everybody(&mut page).await;
    client.tell(&["status", "60", "À table"]).unwrap();
    let shown = name(&bo);
    page.wait_for(&format!("{shown}.dataset.status === 'away' && {shown}.textContent.includes('À table')"))
        .await;

    page.open("about:blank#gone").await;
    client.wait_for("aware", PATIENCE, |seen| seen["online"] == 0).unwrap();
    assert_eq!(estate.simulator().login_count(&ann), 0);
}

/// The demo's inbox, with each of the families.
const PAGES: [&str; 3] = ["", "demo/links", "demo/stproxy"];
const OPEN: &str = "window.livename?.state === 'open' && document.querySelectorAll('.livename').length > 12";

#[tokio::test(flavor = "multi_thread")]
async fn a_status_set_on_a_page_of_any_family_is_seen_by_a_client() {
    if !peers_are_there() {
        return;
    }
    let estate = Estate::start(20).await;
    let ann = estate.person(0);
    let mut client = estate.peer(1);
    client.tell(&["add", ann.as_str()]).unwrap();
    let mut page = Browser::start().await;
    page.log_in(&estate.http(), &ann).await;
    for origin in [estate.http(), estate.https()] {
        for path in PAGES {
            page.open(&format!("{origin}/{path}")).await;
            page.wait_for(OPEN).await;
            // By the page's own menu.
            let text = format!("Writing on {origin}/{path}");
            page.value(&format!("document.querySelector('#me-text').value = {text:?}")).await;
            page.value("document.querySelector('#me-menu input[value=dnd]').click()").await;
            page.value("document.querySelector('#me-menu').requestSubmit()").await;
            client
                .wait_for("aware", PATIENCE, |seen| seen["status"] == 0x80 && seen["text"] == text.as_str())
                .unwrap();
        }
        page.wait_for("window.stproxy?.isLoggedIn").await;
        let text = format!("Back at {origin}");
        page.value(&format!(
            "new Promise((ok, err) => stproxy.status.set(stproxy.awareness.AWAY, {text:?}, ok, err))"
        ))
        .await;
        client
            .wait_for("aware", PATIENCE, |seen| seen["status"] == 0x60 && seen["text"] == text.as_str())
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_never_sees_a_user_leave_who_changes_pages_or_reopens_a_tab() {
    if !peers_are_there() {
        return;
    }
    let estate = Estate::start(20).await;
    let ann = estate.person(0);
    estate.simulator().logout_virtual(&ann);
    let mut client = estate.peer(1);
    client.tell(&["add", ann.as_str()]).unwrap();
    client.wait_for("aware", PATIENCE, |seen| seen["online"] == 0).unwrap();
    let mut page = Browser::start().await;
    page.log_in(&estate.http(), &ann).await;
    client.wait_for("aware", PATIENCE, |seen| seen["online"] == 1).unwrap();
    let before = client.passed().len();
    page.open("about:blank#logged-in").await;
    for origin in [estate.http(), estate.https()] {
        for path in PAGES {
            // The gateway has noticed that nobody is there any more, and somebody comes back.
            estate.has_channels(0).await;
            let tab = page.new_tab().await;
            page.open(&format!("{origin}/{path}")).await;
            page.wait_for(OPEN).await;
            assert_eq!(estate.simulator().login_count(&ann), 1);
            page.close_tab(tab).await;
        }
    }
    page.new_tab().await;
    page.open(&estate.http()).await;
    page.wait_for(OPEN).await;
    page.value("livename.logout()").await;
    client.wait_for("aware", PATIENCE, |seen| seen["online"] == 0).unwrap();
    let gone = |seen: &&serde_json::Value| seen["event"] == "aware" && seen["online"] == 0;
    let gone: Vec<_> = client.passed().iter().skip(before).filter(gone).collect();
    assert!(gone.is_empty(), "the log-out was the first that the client saw: {gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_of_a_client_is_refused_on_both_sides_and_the_page_says_so() {
    if !peers_are_there() {
        return;
    }
    let estate = Estate::start(20).await;
    let ann = estate.person(0);
    let mut client = estate.peer(1);
    let mut page = Browser::start().await;
    page.log_in(&estate.http(), &ann).await;
    let name = estate.simulator().directory().people()[1].display_name.to_string();
    // The last page knows nothing of chats: the script says it.
    for (path, place) in [
        ("", "#banner"),
        ("demo/links", "#banner"),
        ("demo/stproxy", "#banner"),
        ("demo/both", ".livename-notice span"),
    ] {
        page.open(&format!("{}/{path}", estate.http())).await;
        page.wait_for("document.querySelectorAll('.livename').length > 12 && document.documentElement.dataset.livenameState === 'open'").await;
        client.tell(&["im", ann.as_str(), "Are you there?"]).unwrap();
        client.wait_for("im_closed", PATIENCE, |seen| seen["with"] == ann.as_str()).unwrap();
        let said = format!("{name} wanted to chat");
        page.wait_for(&format!("document.querySelector({place:?})?.textContent.startsWith({said:?})")).await;
        page.picture(&format!("chat-{}", path.replace('/', "-"))).await;
        assert!(page.value("document.querySelectorAll('.livename-notice').length").await.as_u64() <= Some(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_do_not_disturb_of_the_client_stays_when_the_same_person_opens_a_page() {
    if !peers_are_there() {
        return;
    }
    let estate = Estate::start(20).await;
    let ann = estate.person(0);
    let mut client = estate.peer(0);
    client.tell(&["status", "80", "Month end"]).unwrap();
    let is_dnd = || {
        let truth = estate.simulator().truth(&ann);
        (truth.status, &*truth.text) == (Status::Dnd, "Month end")
    };
    estate::until(is_dnd).await;
    let mut page = Browser::start().await;
    page.log_in(&estate.https(), &ann).await;
    page.wait_for("document.querySelector('#me-button').dataset.status === 'dnd'").await;
    page.wait_for("document.querySelector('#me-button').textContent.includes('Month end')").await;
    assert_eq!(estate.simulator().login_count(&ann), 2);
    assert!(is_dnd());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hides_by_a_list_of_the_client_is_not_shown_to_that_browser_user() {
    if !peers_are_there() {
        return;
    }
    let estate = Estate::start(20).await;
    let (ann, bo, cy) = (estate.person(0), estate.person(1), estate.person(2));
    let mut client = estate.peer(1);
    let (mut hidden_from, mut other) = (Browser::start().await, Browser::start().await);
    hidden_from.log_in(&estate.http(), &ann).await;
    other.log_in(&estate.http(), &cy).await;
    everybody(&mut hidden_from).await;
    everybody(&mut other).await;
    let is = |status: &str| format!("{}.dataset.status === '{status}'", name(&bo));
    client.tell(&["status", "20", ""]).unwrap();
    hidden_from.wait_for(&is("active")).await;
    other.wait_for(&is("active")).await;

    client.tell(&["privacy", "deny", ann.as_str()]).unwrap();
    hidden_from.wait_for(&is("offline")).await;
    client.tell(&["status", "60", "Zugspitze"]).unwrap();
    other.wait_for(&is("away")).await;
    assert_eq!(hidden_from.value(&is("offline")).await, true);
    assert_eq!(hidden_from.value("document.body.textContent.includes('Zugspitze')").await, false);

    client.tell(&["privacy", "deny"]).unwrap();
    hidden_from.wait_for(&is("away")).await;
}
