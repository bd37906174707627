//! What others want of a browser user that is not presence: a chat that a real client opens is refused on both
//! sides, for everybody to see, and announcements arrive.

use loadtest_sim::peer::Peer;

use crate::browser;
use crate::estate::PATIENCE;
use crate::site::{Site, id, people};

const HEAR: &str = "{ window.noticed = []; document.addEventListener('livename-notice', ({ detail }) => noticed.push(detail)); undefined }";

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_to_a_page_of_any_family_is_visibly_refused_and_an_announcement_arrives() {
    if !browser::available() || !Peer::is_installed().unwrap() {
        return;
    }
    let site = Site::start(&people(3)).await;
    let mut page = site.browser().await;
    let mut client = site.peer(1);
    for (family, more) in [("links", ""), ("stproxy", ""), ("events", ""), ("links", "user=p0&password=p0")] {
        // The last lives over the long poll.
        page.forget_cookies().await;
        if more.is_empty() {
            site.log_in(&mut page, "https", &id(0), 600, "; Secure").await;
        }
        page.open(&site.page("https", "https", family, more)).await;
        page.wait_for("window.outcome === 'works'").await;
        page.value(HEAR).await;
        client.tell(&["im", &id(0), "Are you there?"]).unwrap();
        let closed = client.wait_for("im_closed", PATIENCE, |seen| seen["with"] == id(0)).unwrap();
        assert_eq!(
            closed["reason"], 0x8000_2000_u32,
            "{family}: not online, as every client puts into words"
        );
        let refused = format!(
            "noticed.some((one) => one.notice === 'chat_refused' && one.from === {:?} && one.name === 'Person 1')",
            id(1)
        );
        page.wait_for(&refused).await;
        client.tell(&["announce", "Fire <drill>", &id(0)]).unwrap();
        page.wait_for("noticed.some((one) => one.notice === 'announcement' && one.text === 'Fire <drill>')")
            .await;
    }
}
