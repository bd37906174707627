//! Pages that log in themselves, with a password, a token or nothing: who they are then, and for how long.

use protocol::presence::{PersonId, Status};
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use crate::browser::{self, Browser};
use crate::site::{Site, id, people};

/// Counts the page's polls.
const COUNTING: &str = "{ window.polls = 0; const real = window.fetch; \
    window.fetch = (url, ...more) => ((polls += /RTCServlet\\?/.test(url) ? 1 : 0), real(url, ...more)); }";

async fn open(page: &mut Browser, address: &str) {
    page.open(address).await;
    page.wait_for("window.addRow").await;
}

/// Calls a log-in with callbacks; the id of whoever is logged in then, or the error's code.
async fn log_in(page: &mut Browser, member: &str, arguments: &str) -> Value {
    let call = format!(
        "new Promise((done) => stproxy.login.{member}({arguments}, (person) => done(person.id), (reason, code) => done(code)))"
    );
    page.value(&call).await
}

fn shows(status: &str) -> String {
    format!("document.querySelector('.livename[data-status={status}]')")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_log_in_calls_back_with_who_it_is() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(6)).await;
    site.online([id(5)]);
    let mut page = site.browser().await;
    let waiting = site.page("https", "https", "stproxy", "wait=1");
    for (member, arguments, expected) in [
        ("loginByPassword", "'p1', 'p1', 1, ''", json!(id(1))),
        ("loginByPassword", "'p1', 'wrong', 1, ''", json!(12)),
        ("loginWithToken", "'p2', 'st:p2', 1, ''", json!(id(2))),
        ("loginWithToken", "'p2', 'nonsense', 1, ''", json!(12)),
        // Public pages call the last one with a token and without.
        ("loginAsAnon", "'Guest', 1, ''", json!("")),
        ("loginAsAnonWithToken", "null, stproxy.awareness.AVAILABLE, null", json!("")),
        ("loginAsAnonWithToken", "'Guest', 'st:p2', 1, ''", json!("")),
        // Nobody has a cookie here.
        ("loginByToken", "null, 1, ''", json!(11)),
    ] {
        page.forget_cookies().await;
        open(&mut page, &waiting).await;
        assert_eq!(log_in(&mut page, member, arguments).await, expected, "{member}({arguments})");
        if expected.is_string() {
            println!("{member}({arguments}) is logged in");
            page.value("addRow('p5@renovation.test')").await;
            page.wait_for(&shows("active")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_logs_in_is_who_the_page_goes_on_as_whatever_cookie_there_is() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(4)).await;
    let mut page = site.browser().await;
    site.log_in(&mut page, "https", &id(0), 600, "; Secure").await;
    open(&mut page, &site.page("https", "https", "stproxy", "")).await;
    page.wait_for("window.outcome === 'works'").await;
    assert_eq!(log_in(&mut page, "loginByPassword", "'p1', 'p1', 1, ''").await, id(1));
    // What one may see is not shown to the next, and a status is the new person's.
    let set = page
        .value("new Promise((done) => stproxy.status.set(3, 'Mine', done, (reason, code) => done(code)))")
        .await;
    assert_eq!(set["status"], 3);
    assert_eq!(site.community.truth(&PersonId::from(id(1).as_str())).status, Status::Dnd);
    assert_ne!(site.community.truth(&PersonId::from(id(0).as_str())).status, Status::Dnd);
    assert_eq!(log_in(&mut page, "loginWithToken", "'p2', 'st:p2', 1, ''").await, id(2));
    // After a log-out only the cookie is left.
    let out = "new Promise((done) => stproxy.login.logout(true, () => done('out'), done))";
    assert_eq!(page.value(out).await, "out");
    assert_eq!(log_in(&mut page, "loginByToken", "null, 1, ''").await, id(0));

    for (more, user) in [("user=p3&password=p3", id(3)), ("user=p2&token=st:p2", id(2))] {
        page.open(&site.page("https", "https", "links", more)).await;
        page.wait_for("window.outcome === 'works'").await;
        assert_eq!(page.value("window.user").await, user);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_with_a_password_heals_after_a_crash_of_the_gateway() {
    if !browser::available() {
        return;
    }
    let mut site = Site::start(&people(3)).await;
    site.online([id(2)]);
    let mut page = site.browser().await;
    for family in ["stproxy", "links"] {
        let address = site.page("https", "https", family, "wait=1&user=p1&password=p1");
        open(&mut page, &address).await;
        if family == "stproxy" {
            assert_eq!(log_in(&mut page, "loginByPassword", "'p1', 'p1', 1, ''").await, id(1));
        } else {
            page.wait_for("window.outcome === 'works'").await;
        }
        page.value("addRow('p2@renovation.test')").await;
        page.wait_for(&shows("active")).await;
        site.crash();
        page.wait_for("document.documentElement.dataset.livenameState === 'waiting'").await;
        site.community.set_status(&PersonId::from(id(2).as_str()), Status::Dnd, "");
        site.run().await;
        page.wait_for(&shows("dnd")).await;
        site.community.set_status(&PersonId::from(id(2).as_str()), Status::Active, "");
        page.wait_for(&shows("active")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tabs_with_the_same_password_share_one_poll_and_others_do_not_race_for_it() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(3)).await;
    site.online([id(2)]);
    let mut page = site.browser().await;
    let mut tabs = Vec::new();
    // The last is a page of another host: no channel leads to it, but the browser's session is the same.
    for host in ["mail1", "mail1", "mail2"] {
        tabs.push(page.new_tab().await);
        page.before_pages(COUNTING).await;
        open(&mut page, &format!("{}wait=1", site.page_of(host, "https", "stproxy"))).await;
        assert_eq!(log_in(&mut page, "loginByPassword", "'p1', 'p1', 1, ''").await, id(1));
        if host == "mail1" {
            page.value("addRow('p2@renovation.test')").await;
            page.wait_for(&shows("active")).await;
        }
    }
    let (mut before, mut polls) = (Vec::new(), Vec::new());
    for counts in [&mut before, &mut polls] {
        for tab in &tabs {
            page.go_to(tab);
            counts.push(page.value("polls").await.as_u64().unwrap());
        }
        sleep(Duration::from_secs(4)).await;
    }
    let polls: Vec<u64> = polls.iter().zip(before).map(|(after, before)| after - before).collect();
    println!("polls in four seconds: {polls:?}");
    assert!(polls.iter().sum::<u64>() < 20, "{polls:?}");
    assert!(polls[0] == 0 || polls[1] == 0, "one of the tabs that know each other polls: {polls:?}");
}
