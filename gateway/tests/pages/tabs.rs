//! Tabs of one browser share one connection, whoever of them goes.

use protocol::presence::{PersonId, Status};

use crate::browser::{self, Browser, Tab};
use crate::estate::Estate;
use crate::site::{Site, id, people};
use crate::truth::same_as_the_truth;

const OPEN: &str = "window.livename?.state === 'open'";
const LOADED: &str = "document.querySelectorAll('.livename').length > 12";
/// Whichever script of a page has the connection, it has a socket.
const SOCKETS: &str = "{ window.sockets = []; const Real = WebSocket;\
    window.WebSocket = class extends Real { constructor(url) { super(url); sockets.push(this); } }; }";
const LEADS: &str = "sockets.some(({ readyState }) => readyState === 1)";

#[tokio::test(flavor = "multi_thread")]
async fn tabs_share_one_connection_and_take_it_over_from_each_other() {
    if !browser::available() {
        return;
    }
    let estate = Estate::start(40).await;
    let ann = estate.person(0);
    let mut browser = Browser::start().await;
    browser.log_in(&estate.http(), &ann).await;
    // The tab of the log-in goes, so that one of the others leads.
    browser.open("about:blank#logged-in").await;
    let mut tabs = Vec::new();
    for path in ["", "demo/links", "demo/stproxy"] {
        tabs.push(browser.new_tab().await);
        browser.before_pages(SOCKETS).await;
        browser.open(&format!("{}/{path}", estate.http())).await;
        browser.wait_for(OPEN).await;
        browser.wait_for(LOADED).await;
    }
    estate.has_channels(1).await;
    everybody_is_current(&mut browser, &estate, &tabs, Status::Dnd).await;

    // A frozen tab lets go of the connection; the others go on, and it comes back as one of them.
    let first = leader(&mut browser, &tabs).await.expect("one of the tabs has the connection");
    browser.go_to(&tabs[first]);
    browser.freeze(true).await;
    let others = tabs.iter().enumerate().filter(|(index, _)| *index != first);
    let others: Vec<Tab> = others.map(|(_, tab)| tab.clone()).collect();
    everybody_is_current(&mut browser, &estate, &others, Status::Away).await;
    assert!(leader(&mut browser, &others).await.is_some(), "another tab has taken over");
    browser.go_to(&tabs[first]);
    browser.freeze(false).await;
    everybody_is_current(&mut browser, &estate, &tabs, Status::Meeting).await;
    estate.has_channels(1).await;

    // Tabs go one after the other; the last still has its connection.
    while tabs.len() > 1 {
        let tab = tabs.remove(0);
        browser.close_tab(tab).await;
        everybody_is_current(&mut browser, &estate, &tabs, Status::Dnd).await;
        estate.has_channels(1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_goes_into_the_back_forward_cache_and_is_current_when_it_comes_out() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(2)).await;
    let person = PersonId::from(id(1).as_str());
    site.online([id(1)]);
    let mut browser = site.browser().await;
    site.log_in(&mut browser, "https", &id(0), 600, "; Secure").await;
    for family in ["links", "stproxy", "events"] {
        site.community.set_status(&person, Status::Active, "");
        browser.open(&site.page("https", "https", family, "")).await;
        browser.wait_for("window.outcome === 'works'").await;
        browser.value("addRow('CN=Person 1/O=Renovation')").await;
        browser.wait_for("document.querySelector('.livename[data-status=active]')").await;
        browser
            .value(
                "{ addEventListener('pageshow', ({ persisted }) => (window.kept = persisted)); undefined }",
            )
            .await;
        browser.open(&format!("{}/login", site.mail.origin("https"))).await;
        site.community.set_status(&person, Status::Meeting, "");
        browser.value("history.back()").await;
        browser.wait_for("window.addRow").await;
        let reasons = "JSON.stringify(performance.getEntriesByType('navigation')[0].notRestoredReasons)";
        let reasons = browser.value(reasons).await;
        assert_eq!(browser.value("window.kept ?? null").await, true, "{family}: loaded anew, for {reasons}");
        browser.wait_for("document.querySelector('.livename[data-status=meeting]')").await;
        site.community.set_status(&person, Status::Dnd, "");
        browser.wait_for("document.querySelector('.livename[data-status=dnd]')").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_set_in_one_tab_is_set_over_the_shared_connection() {
    if !browser::available() {
        return;
    }
    let estate = Estate::start(20).await;
    let ann = estate.person(0);
    let mut browser = Browser::start().await;
    browser.log_in(&estate.https(), &ann).await;
    browser.new_tab().await;
    browser.open(&format!("{}/demo/stproxy", estate.https())).await;
    browser.wait_for("window.stproxy?.isLoggedIn").await;
    let set = "new Promise((ok, err) => stproxy.status.set(stproxy.awareness.DND, 'Writing', ok, (reason, code) => ok([reason, code])))";
    assert_eq!(browser.value(set).await, serde_json::json!({"status": 3, "statusMessage": "Writing"}));
    let end = tokio::time::Instant::now() + crate::estate::PATIENCE;
    while estate.simulator().truth_for(&estate.person(2), &ann).status != Status::Dnd {
        assert!(tokio::time::Instant::now() < end, "the community never hears of it");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    estate.has_channels(1).await;
}

/// Changes somebody and waits until every tab shows it.
async fn everybody_is_current(browser: &mut Browser, estate: &Estate, tabs: &[Tab], status: Status) {
    for index in 1..30 {
        estate.simulator().login_virtual(&estate.person(index));
        estate.simulator().set_status(&estate.person(index), status, "");
    }
    for tab in tabs {
        browser.go_to(tab);
        same_as_the_truth(browser, estate, &estate.person(0)).await;
    }
}

async fn leader(browser: &mut Browser, tabs: &[Tab]) -> Option<usize> {
    for (index, tab) in tabs.iter().enumerate() {
        browser.go_to(tab);
        if browser.value(LEADS).await == true {
            return Some(index);
        }
    }
    None
}
