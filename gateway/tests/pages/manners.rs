//! How live names behave: without a mouse, in other languages, without some of what browsers have, and across
//! page changes.

use protocol::presence::{PersonId, Status};

use crate::browser;
use crate::site::{Site, id, people};

const ROW: &str = "document.querySelector('.livename')";

#[tokio::test(flavor = "multi_thread")]
async fn a_name_can_be_reached_and_read_without_a_mouse() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(3)).await;
    site.online([id(1)]);
    let mut page = site.browser().await;
    site.log_in(&mut page, "https", &id(0), 600, "").await;
    page.open(&site.page("https", "https", "links", "")).await;
    page.wait_for("window.outcome === 'works'").await;
    page.value("{ window.STLinkClicked = (...all) => (window.clicked = all.slice(0, 3)); undefined }").await;
    page.value("addRow('CN=Person 1/O=Renovation', 'Person One')").await;
    page.wait_for(&format!("{ROW}?.dataset.status === 'active'")).await;
    page.key("Tab").await;
    page.wait_for(&format!("document.activeElement === {ROW}")).await;
    assert_eq!(page.value(&format!("{ROW}.getAttribute('role')")).await, "button");
    let described = format!("document.getElementById({ROW}.getAttribute('aria-describedby'))?.textContent");
    page.wait_for(&format!("{described}?.includes('Available')")).await;
    page.key("Escape").await;
    page.wait_for("!document.querySelector('.livename-card')").await;
    page.key("Enter").await;
    page.wait_for("window.clicked?.[1] === 'Person One' && clicked[2] === 32").await;
    let icon = format!("{ROW}.querySelector('svg[role=img]').getAttribute('aria-label')");
    assert_eq!(page.value(&icon).await, "Available");
    page.media("forced-colors", "active").await;
    let colours =
        format!("[getComputedStyle({ROW}.querySelector('svg')).color, getComputedStyle({ROW}).color]");
    let colours = page.value(&colours).await;
    assert_eq!(colours[0], colours[1], "high contrast: the icon has the text's colour");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_are_in_the_language_of_the_page() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(2)).await;
    let mut page = site.browser().await;
    site.log_in(&mut page, "https", &id(0), 600, "").await;
    site.online([id(1)]);
    site.community.set_status(&PersonId::from(id(1).as_str()), Status::Dnd, "");
    for (language, word) in [
        ("en", "Do not disturb"),
        ("de-AT", "Bitte nicht stören"),
        ("fr", "Ne pas déranger"),
        ("es", "No molestar"),
        ("it", "Non disturbare"),
        ("nl", "Niet storen"),
        ("pt", "Não incomodar"),
        ("ja", "取り込み中"),
        ("xx", "Do not disturb"),
    ] {
        page.open(&site.page("https", "https", "links", &format!("lang={language}"))).await;
        page.wait_for("window.outcome === 'works'").await;
        page.value("addRow('CN=Person 1/O=Renovation')").await;
        page.wait_for(&format!("{ROW}?.querySelector('svg').getAttribute('aria-label') === '{word}'")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_live_without_websockets_and_without_broadcast_channels() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(2)).await;
    site.online([id(1)]);
    let mut page = site.browser().await;
    site.log_in(&mut page, "https", &id(0), 600, "").await;
    // What a middle box does to WebSockets.
    page.before_pages(
        "window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.(), 5); } send() {} close() {} };\
         delete window.BroadcastChannel;",
    )
    .await;
    // Below an affinity id, too.
    let behind_an_id = site.page("https", "https", "links", "loose=1").replacen("&", "/st01&", 1);
    for address in [site.page("https", "https", "events", ""), behind_an_id] {
        page.open(&address).await;
        page.wait_for("window.outcome === 'works'").await;
        page.value("addRow('CN=Person 1/O=Renovation')").await;
        page.wait_for(&format!("{ROW}?.dataset.status === 'active'")).await;
    }
    assert_eq!(page.value("typeof WebSocket.CONNECTING").await, "undefined", "it was the other one");
}
