//! Pages of every family on another host than the gateway's, with a strict content security policy.

use protocol::presence::{PersonId, Status};
use serde_json::json;
use tokio::time::{Duration, Instant, sleep_until};

use crate::browser;
use crate::site::{Site, id, people};

const NAMES: usize = 200;
/// Whom the page's script has let go, as it told the gateway.
const UNWATCHED: &str = "new Set(sent.filter(({ op }) => op === 'unwatch').flatMap(({ ids }) => ids))";
const FAMILIES: [&str; 3] = ["links", "stproxy", "events"];

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_names_are_current_and_heal_after_a_crash_of_the_gateway() {
    if !browser::available() {
        return;
    }
    let mut site = Site::start(&people(NAMES + 1)).await;
    site.online((1..NAMES).map(id));
    let mut page = site.browser().await;
    for scheme in ["http", "https"] {
        site.log_in(&mut page, scheme, &id(0), 600, "").await;
        for family in FAMILIES {
            page.open(&site.page(scheme, scheme, family, "")).await;
            page.wait_for("window.outcome === 'works'").await;
            let globals = page.value("[typeof window.stproxy, typeof window.writeSTLinksApplet]").await;
            let expected = match family {
                "links" => json!(["undefined", "function"]),
                "stproxy" => json!(["object", "undefined"]),
                _ => json!(["undefined", "undefined"]),
            };
            assert_eq!(globals, expected, "{family} defines its own names and no others");
            page.value(&format!("for (let n = 1; n < {NAMES}; n++) addRow(`CN=Person ${{n}}/O=Renovation`)"))
                .await;
            page.wait_for(&count_of("active", NAMES - 1)).await;
            for number in 1..=100 {
                site.community.set_status(&PersonId::from(id(number).as_str()), Status::Dnd, "");
            }
            page.wait_for(&count_of("dnd", 100)).await;

            site.crash();
            page.wait_for("document.documentElement.dataset.livenameState === 'waiting'").await;
            for number in 1..=100 {
                site.community.set_status(&PersonId::from(id(number).as_str()), Status::Active, "");
            }
            site.run().await;
            page.wait_for(&count_of("active", NAMES - 1)).await;
        }
    }
    let policy: Vec<_> =
        page.complaints.iter().filter(|complaint| complaint.contains("Content Security Policy")).collect();
    assert!(policy.is_empty(), "{policy:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_any_form_are_found_and_rows_that_go_are_not_watched_any_more() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(20)).await;
    site.online((1..20).map(id));
    let mut page = site.browser().await;
    site.log_in(&mut page, "https", &id(0), 600, "; Secure").await;
    page.before_pages(
        "{ window.sent = []; const send = WebSocket.prototype.send;\
         WebSocket.prototype.send = function (text) { sent.push(JSON.parse(text)); send.call(this, text); }; }",
    )
    .await;
    for family in FAMILIES {
        page.open(&site.page("https", "https", family, "")).await;
        page.wait_for("window.outcome === 'works'").await;
        let names = [
            "CN=Person 1/O=Renovation",
            "CN=Person 2,O=Renovation",
            "Person 3/Renovation",
            "p4@renovation.test",
            "Person 5",
            "Nobody Atall",
        ];
        for name in names {
            page.value(&format!("addRow({})", json!(name))).await;
        }
        page.wait_for(&count_of("active", 5)).await;
        page.wait_for(&count_of("unknown", 1)).await;
        // A virtual list takes rows away and brings others, and reuses elements.
        page.value("document.querySelectorAll('#rows li').forEach((row, index) => index && row.remove())")
            .await;
        page.wait_for("document.querySelectorAll('.livename').length === 1").await;
        // The first stays; whom nobody knows was never watched.
        page.wait_for(&format!("{UNWATCHED}.size === 4")).await;
        let marker = match family {
            "links" => "stlink",
            "stproxy" => "stproxyName",
            _ => "livename",
        };
        page.value(&format!("document.querySelector('.livename').dataset.{marker} = 'p6@renovation.test'"))
            .await;
        page.wait_for(&format!("{UNWATCHED}.size === 5 && {UNWATCHED}.has('CN=Person 1/O=Renovation')"))
            .await;
        page.value("addRow('Person 7')").await;
        page.wait_for(&count_of("active", 2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_outlives_its_token_when_the_mail_server_renews_it_and_says_so_when_not() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(5)).await;
    site.online([id(1)]);
    // Tabs of mail servers of their own, so that none has the connection of another.
    let (mut kept, mut left) = (site.browser().await, site.browser().await);
    let (mut kept_tabs, mut left_tabs) = (Vec::new(), Vec::new());
    // The one has time to be renewed on a busy machine; its first token is over soon after.
    let over = Instant::now() + Duration::from_secs(40);
    for (page, tabs, life) in [(&mut kept, &mut kept_tabs, 30), (&mut left, &mut left_tabs, 15)] {
        site.log_in(page, "https", &id(0), life, "; Secure").await;
        for (family, host) in FAMILIES.into_iter().zip(["mail1", "mail2", "mail3"]) {
            tabs.push(page.new_tab().await);
            page.open(&site.page_of(host, "https", family)).await;
            page.wait_for("window.outcome === 'works'").await;
            page.value("addRow('CN=Person 1/O=Renovation')").await;
        }
    }
    site.mail
        .next_cookie(&format!("{}; Path=/; Domain=.renovation.test; Secure", crate::tokens::cookie(&id(0))));
    kept.value("fetch('/login').then((answer) => answer.ok)").await;
    for tab in &left_tabs {
        left.go_to(tab);
        left.wait_for("window.outcome.includes('expired')").await;
        left.wait_for(&count_of("unknown", 1)).await;
    }
    sleep_until(over).await;
    site.community.set_status(&PersonId::from(id(1).as_str()), Status::Meeting, "");
    for tab in &kept_tabs {
        kept.go_to(tab);
        kept.wait_for(&count_of("meeting", 1)).await;
        assert_eq!(kept.value("window.outcome").await, "works");
    }
    // Once there is a fresh cookie, a look at the page is enough.
    left.value("fetch('/login').then((answer) => answer.ok)").await;
    for tab in &left_tabs {
        left.look_at(tab).await;
        left.value("dispatchEvent(new Event('focus'))").await;
        left.wait_for("document.documentElement.dataset.livenameState === 'open'").await;
        left.wait_for(&count_of("meeting", 1)).await;
    }
}

fn count_of(status: &str, count: usize) -> String {
    format!("document.querySelectorAll('.livename[data-status={status}]').length === {count}")
}
