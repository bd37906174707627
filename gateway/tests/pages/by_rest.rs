//! Where only plain requests get through, and what only the REST interface has: with the gateway, and with a
//! stand-in that was written from browser-side.md.

use protocol::presence::{PersonId, Status};
use serde_json::json;
use tokio::time::{Duration, Instant};

use crate::browser;
use crate::site::{Site, id, people};

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_answers_directory_calls_and_lets_passwords_in() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(5)).await;
    site.online([id(2)]);
    let mut page = site.browser().await;
    site.log_in(&mut page, "https", &id(0), 600, "; Secure").await;
    page.open(&site.page("https", "https", "stproxy", "")).await;
    page.wait_for("window.outcome === 'works'").await;
    let ask = |call: &str| {
        format!("new Promise((done) => stproxy.{call}done, (reason, code) => done([reason, code])))")
    };
    let found = page.value(&ask("quickfind.getUsers('Person 3', ")).await;
    assert!(found["Persons"].to_string().contains(&id(3)), "{found}");
    let card = page.value(&ask(&format!("person.getUserInfo({:?}, ", id(3)))).await;
    assert!(card["info"].to_string().contains("Person 3"), "{card}");
    for call in ["buddylist.get(", "buddylist.getUsers(", "buddylist.getGroups(", "privacy.get("] {
        assert_eq!(page.value(&ask(call)).await["returnCode"], 200, "{call}");
    }

    // Nobody is logged in at the mail server, but the page has a password.
    let mut stranger = site.browser().await;
    stranger.open(&site.page("https", "https", "stproxy", "wait=1")).await;
    stranger.wait_for("window.addRow").await;
    let log_in = |password: &str| ask(&format!("login.loginByPassword('p1', '{password}', 1, '', "));
    assert_eq!(stranger.value(&log_in("wrong")).await[1], 12);
    let person = stranger.value(&log_in("p1")).await;
    assert_eq!(person["id"], id(1), "{person}");
    stranger.value("addRow('p2@renovation.test')").await;
    stranger.wait_for("document.querySelector('.livename[data-status=active]')").await;
    site.community.set_status(&PersonId::from(id(2).as_str()), Status::Dnd, "");
    stranger.wait_for("document.querySelector('.livename[data-status=dnd]')").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_live_over_the_long_poll_alone_and_directory_calls_are_answered() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(1)).await;
    let mut page = site.browser().await;
    // The mail server has the REST interface here, and nothing else.
    let origin = site.mail.origin("https");
    page.open(&format!("{origin}/stproxy?gateway={origin}&loose=1")).await;
    page.wait_for("window.outcome === 'works'").await;
    page.value("addRow('CN=Bo Example,O=Acme', 'Bo')").await;
    page.wait_for("document.querySelector('.livename[data-status=away]')").await;
    assert_eq!(page.value("new Promise((ok) => stproxy.status.set(3, 'Writing', ok))").await["status"], 3);

    let found = page.value("new Promise((ok) => stproxy.quickfind.getUsers('Bo Ex', ok))").await;
    assert_eq!(found["Persons"][0]["displayName"], "Bo Ex");
    let card = page.value("new Promise((ok) => stproxy.person.getUserInfo('bo', ok))").await;
    assert_eq!(card["info"]["MailAddress"], "bo@acme.example");
    let nobody = "new Promise((done) => stproxy.person.getUserInfo('nobody', null, (reason, code) => done([reason, code])))";
    // A callback that is left out is none: the error still finds its own.
    assert_eq!(page.value(nobody).await, json!(["person not found", 7]));
    let missing = "new Promise((done) => stproxy.privacy.get(done, (reason, code) => done(code)))";
    assert_eq!(page.value(missing).await, 3);

    // Nobody says here which cookies arrive, so only those count that the page sees.
    let has = |name: &str| format!("new Promise((done) => stproxy.login.hasToken(done{name}))");
    assert_eq!(page.value(&has("")).await, false);
    page.value("document.cookie = 'PD-H-SESSION-ID=x'").await;
    assert_eq!(page.value(&has("")).await, true);
    assert_eq!(page.value(&has(", 'PD-H-SESSION-ID'")).await, true);
    assert_eq!(page.value(&has(", 'LtpaToken'")).await, false);

    // Over this transport, too, a name is who the server says, and nobody is nobody.
    let resolve = |name: &str| {
        format!("new Promise((done) => stproxy.resolveUser('{name}', done, (reason, code) => done(code)))")
    };
    assert_eq!(page.value(&resolve("bo")).await["id"], "bo");
    assert_eq!(page.value(&resolve("nobody")).await, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_names_are_live_over_the_long_poll_of_the_gateway_and_heal_after_its_crash() {
    if !browser::available() {
        return;
    }
    let mut site = Site::start(&people(200)).await;
    site.online((1..200).map(id));
    let mut page = site.browser().await;
    site.log_in(&mut page, "https", &id(0), 600, "; Secure").await;
    page.before_pages(
        "window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.(), 5); } send() {} close() {} };\
         window.EventSource = class { constructor() { setTimeout(() => this.onerror?.(), 5); } close() {} };",
    )
    .await;
    page.open(&site.page("https", "https", "events", "")).await;
    page.wait_for("window.outcome === 'works'").await;
    page.value("for (let n = 1; n < 200; n++) addRow(n % 2 ? `CN=Person ${n}/O=Renovation` : `p${n}@renovation.test`)").await;
    let are =
        |status: &str| format!("document.querySelectorAll('.livename[data-status={status}]').length === 199");
    page.wait_for(&are("active")).await;
    site.crash();
    page.wait_for("document.documentElement.dataset.livenameState === 'waiting'").await;
    (1..200).for_each(|number| {
        site.community.set_status(&PersonId::from(id(number).as_str()), Status::Dnd, "");
    });
    site.run().await;
    page.wait_for(&are("dnd")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_directory_call_gets_its_own_answer_and_one_that_fails_takes_no_others() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(1)).await;
    let mut page = site.browser().await;
    let origin = site.mail.origin("https");
    page.open(&format!("{origin}/stproxy?gateway={origin}&loose=1")).await;
    page.wait_for("window.outcome === 'works'").await;
    // The first answer comes after the others'.
    let cards = "Promise.all(['slow@acme.example', 'bo', 'slow2@acme.example'].map((id) =>\
                 new Promise((ok) => stproxy.person.getUserInfo(id, ({ info }) => ok(info.MailAddress)))))";
    assert_eq!(
        page.value(cards).await,
        json!(["slow@acme.example", "bo@acme.example", "slow2@acme.example"])
    );
    let find = |text: &str| {
        format!(
            "new Promise((done) => stproxy.quickfind.getUsers('{text}', ({{ Persons }}) => done(Persons[0].displayName), (reason, code) => done(code)))"
        )
    };
    assert_eq!(page.value(&find("")).await, 14);
    let begun = Instant::now();
    assert_eq!(page.value(&find("Bo")).await, "Bo");
    assert!(begun.elapsed() < Duration::from_secs(10), "nobody waits for the answer of the one before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_session_the_server_has_forgotten_logs_in_anew() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(1)).await;
    let mut page = site.browser().await;
    let origin = site.mail.origin("https");
    page.open(&format!("{origin}/stproxy?gateway={origin}&loose=1")).await;
    page.wait_for("window.outcome === 'works'").await;
    page.value("{ window.states = []; new MutationObserver(() => states.push(document.documentElement.dataset.livenameState)).observe(document.documentElement, { attributes: true }); undefined }").await;
    page.value("fetch('/stwebapi/test/restart').then((answer) => answer.ok)").await;
    page.wait_for("states.includes('waiting') && states.at(-1) === 'open'").await;
    page.value("addRow('CN=Bo Example,O=Acme', 'Bo')").await;
    page.wait_for("document.querySelector('.livename[data-status=away]')").await;
    // A call that meets the forgotten session first has its answer nevertheless.
    page.value("fetch('/stwebapi/test/restart').then((answer) => answer.ok)").await;
    let card = page.value("new Promise((ok) => stproxy.person.getUserInfo('bo', ok))").await;
    assert_eq!(card["info"]["MailAddress"], "bo@acme.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_or_a_token_of_the_page_is_passed_on_and_carries_the_session() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(1)).await;
    let mut page = site.browser().await;
    // The gateway has no cookie of this user; its REST interface is the stand-in's.
    let origin = site.mail.origin("https");
    page.open(&format!("{origin}/stproxy?gateway={origin}&loose=1&wait=1")).await;
    let log_in = |call: &str| {
        format!(
            "new Promise((done) => stproxy.login.{call}, 1, '', (person) => done(person.id), (reason, code) => done(code)))"
        )
    };
    assert_eq!(page.value(&log_in("loginByPassword('ann', 'wrong'")).await, 12);
    assert_eq!(page.value(&log_in("loginWithToken('ann', 'stale'")).await, 12);
    let ann = "CN=Ann Example,O=Acme";
    assert_eq!(page.value(&log_in("loginByPassword('ann', 'secret & safe'")).await, ann);
    assert_eq!(page.value(&log_in("loginWithToken('ann', 'stoken='")).await, ann);
    page.value("addRow('CN=Bo Example,O=Acme', 'Bo')").await;
    page.wait_for("document.querySelector('.livename[data-status=away]')").await;

    page.open(&format!("{origin}/links?gateway={origin}&loose=1&user=ann&token=stoken%3D")).await;
    page.wait_for("window.outcome === 'works'").await;
    page.value("addRow('CN=Bo Example,O=Acme', 'Bo')").await;
    page.wait_for("document.querySelector('.livename[data-status=away]')").await;
    assert!(
        page.complaints.iter().all(|complaint| !complaint.contains("exception")),
        "{:?}",
        page.complaints
    );
}
