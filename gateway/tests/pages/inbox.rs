//! The mail page with the events API.

use loadtest_sim::model::UserStatus;
use protocol::presence::Status;

use crate::browser::{self, Browser};
use crate::dice::Dice;
use crate::estate::Estate;
use crate::truth::same_as_the_truth;

pub(crate) const STATUSES: [Status; 5] =
    [Status::Active, Status::Away, Status::Dnd, Status::Meeting, Status::Idle];
pub(crate) const TEXTS: [&str; 4] = ["", "a <b> & \"more\"", "Grüße 会議中 🙂", "back at ten"];

/// What random changes are drawn from; said, so that a failure can be repeated with `LIVENAME_SEED`.
pub(crate) fn seed() -> u64 {
    let wanted = std::env::var("LIVENAME_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = wanted.unwrap_or_else(|| getrandom::u64().unwrap());
    println!("LIVENAME_SEED={seed}");
    seed
}

#[tokio::test(flavor = "multi_thread")]
async fn both_pages_show_what_the_community_knows() {
    if !browser::available() {
        return;
    }
    let estate = Estate::start(60).await;
    let (ann, bo) = (estate.person(0), estate.person(1));
    let mut plain = Browser::start().await;
    let mut secure = Browser::start().await;
    plain.log_in(&estate.http(), &ann).await;
    secure.log_in(&estate.https(), &bo).await;

    same_as_the_truth(&mut plain, &estate, &ann).await;
    same_as_the_truth(&mut secure, &estate, &bo).await;

    let mut dice = Dice::new(seed());
    for _ in 0..50 {
        let person = estate.person(2 + dice.below(58));
        if dice.one_in(5) {
            estate.simulator().logout_virtual(&person);
            continue;
        }
        estate.simulator().login_virtual(&person);
        let (status, mobile, text) = (*dice.of(&STATUSES), dice.one_in(5), *dice.of(&TEXTS));
        let status = UserStatus { mobile, ..UserStatus::new(status, text) };
        estate.simulator().set_user_status(&person, status);
    }
    same_as_the_truth(&mut plain, &estate, &ann).await;
    same_as_the_truth(&mut secure, &estate, &bo).await;

    // Everybody of the directory at once, not only the inbox.
    plain.value("location.hash = '#people'").await;
    plain.wait_for("document.querySelectorAll('#list .livename').length === 60").await;
    same_as_the_truth(&mut plain, &estate, &ann).await;

    // The Sametime web server of the other scheme is there, through the bridge.
    plain.wait_for("document.querySelector('#estate').textContent.includes('https, bridged')").await;
    secure.wait_for("document.querySelector('#estate').textContent.includes('http, bridged')").await;
    plain.picture("people").await;
    secure.picture("inbox").await;
    secure.colour_scheme("dark").await;
    secure.value("document.querySelector('#me-button').click()").await;
    secure.picture("inbox-dark").await;
    secure.size(420, 900).await;
    secure.picture("inbox-narrow").await;
    assert!(plain.complaints.is_empty(), "{:?}", plain.complaints);
    assert!(secure.complaints.is_empty(), "{:?}", secure.complaints);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_set_in_one_browser_is_seen_in_the_other() {
    if !browser::available() {
        return;
    }
    let estate = Estate::start(20).await;
    let (ann, bo) = (estate.person(0), estate.person(1));
    let mut first = Browser::start().await;
    let mut second = Browser::start().await;
    first.log_in(&estate.http(), &ann).await;
    second.log_in(&estate.https(), &bo).await;
    second.value("location.hash = '#people'").await;

    first.value("document.querySelector('#me-button').click()").await;
    first.value("document.querySelector('#me-menu input[value=dnd]').click()").await;
    first.value("document.querySelector('#me-text').value = 'Writing'").await;
    first.value("document.querySelector('#me-menu').requestSubmit()").await;

    let name = format!("document.querySelector('#list [data-livename={:?}]')", ann.as_str());
    second
        .wait_for(&format!("{name}?.dataset.status === 'dnd' && {name}.textContent.includes('Writing')"))
        .await;
    first.wait_for("document.querySelector('#me-button').dataset.status === 'dnd'").await;
    let label = second.value(&format!("{name}.querySelector('svg').getAttribute('aria-label')")).await;
    assert_eq!(label, "Do not disturb");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_with_500_names_over_server_sent_events_is_current() {
    if !browser::available() {
        return;
    }
    let estate = Estate::start(500).await;
    let ann = estate.person(0);
    let mut page = Browser::start().await;
    page.log_in(&estate.http(), &ann).await;
    page.open(&format!("{}/?transport=sse#people", estate.http())).await;
    page.wait_for("document.querySelectorAll('#list .livename').length === 500").await;
    same_as_the_truth(&mut page, &estate, &ann).await;
    for index in 1..200 {
        estate.simulator().set_status(&estate.person(index), Status::Away, "gone for a walk");
    }
    same_as_the_truth(&mut page, &estate, &ann).await;
}
