//! What others want of a browser user that is not presence: a chat that a real client opens is shown or refused on
//! both sides, for everybody to see, and announcements arrive.

use loadtest_sim::peer::Peer;

use crate::browser;
use crate::estate::PATIENCE;
use crate::site::{Site, id, people};

/// What the corner of the page says last.
const SAID: &str =
    "document.querySelector('.livename-notices')?.lastChild?.querySelector('span').textContent";
const HEAR: &str = "{ window.noticed = []; document.addEventListener('livename-notice', ({ detail }) => noticed.push(detail)); undefined }";

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_to_a_page_of_any_family_is_shown_or_visibly_refused_and_an_announcement_arrives() {
    if !browser::available() || !Peer::is_installed().unwrap() {
        return;
    }
    let site = Site::start(&people(3)).await;
    let mut page = site.browser().await;
    let mut client = site.peer(1);
    for (family, more) in [("links", ""), ("stproxy", ""), ("events", ""), ("links", "user=p0&password=p0")] {
        page.forget_cookies().await;
        if more.is_empty() {
            site.log_in(&mut page, "https", &id(0), 600, "; Secure").await;
        }
        page.open(&site.page("https", "https", family, more)).await;
        page.wait_for("window.outcome === 'works'").await;
        page.value(HEAR).await;
        // What the page is told comes over its poll, which is there then.
        page.value("addRow('CN=Person 1/O=Renovation')").await;
        page.wait_for("document.querySelector('.livename[data-status=active]')").await;
        client.tell(&["im", &id(0), "Are you <there>?"]).unwrap();
        let said = if more.is_empty() {
            let closed = client.wait_for("im_closed", PATIENCE, |seen| seen["with"] == id(0)).unwrap();
            assert_eq!(
                closed["reason"], 0x8000_2000_u32,
                "{family}: not online, as every client puts into words"
            );
            "Person 1 wanted to chat. This page has no chat, and Person 1 was told so."
        } else {
            // A page that lives over the long poll is one that chats are given to: it shows them.
            client.wait_for("im_opened", PATIENCE, |seen| seen["with"] == id(0)).unwrap();
            "Person 1: Are you <there>?"
        };
        page.wait_for(&format!("{SAID} === {said:?}")).await;
        assert_eq!(page.value("noticed.every((one) => one.name === 'Person 1')").await, true);
        page.value("document.querySelector('.livename-notice button').click()").await;
        client.tell(&["announce", "Fire <drill>", &id(0)]).unwrap();
        page.wait_for(&format!("{SAID} === 'Person 1: Fire <drill>'")).await;
        // A page that says it itself has no use for ours.
        page.value("document.addEventListener('livename-notice', (event) => event.preventDefault())").await;
        client.tell(&["announce", "Once more", &id(0)]).unwrap();
        page.wait_for("noticed.some((one) => one.text === 'Once more')").await;
        page.wait_for(&format!("{SAID} === 'Person 1: Fire <drill>'")).await;
    }
    assert!(
        page.complaints.iter().all(|one| !one.contains("Content Security Policy")),
        "{:?}",
        page.complaints
    );
}
