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
