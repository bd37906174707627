//! Pages of a Sametime web server in a real browser, through the bridge: every page scheme with every Sametime
//! scheme, and what happens without the gateway.

mod estate;

use estate::{Bridged, raw};
use serde_json::Value;

use crate::browser::{self, Browser};

const PAGE: &str = "/sametime/mixed/page.html";
/// Words of the browser's console, and of the issues that it lists.
const COMPLAINTS: [&str; 4] =
    ["Mixed Content", "MixedContentIssue", "Content Security Policy", "ContentSecurityPolicyIssue"];

async fn watching() -> Browser {
    let mut browser = Browser::start_with(&[crate::site::RULES]).await;
    browser.audit().await;
    browser
}

/// What the browser has against mixed content or a policy.
fn complaints(browser: &Browser) -> Vec<&String> {
    let is_one = |remark: &&String| COMPLAINTS.iter().any(|word| remark.contains(word));
    browser.remarks.iter().chain(&browser.complaints).filter(is_one).collect()
}

/// Every kind of load works, all of them go through the gateway, and the browser finds nothing to complain of.
#[tokio::test(flavor = "multi_thread")]
async fn pages_of_any_scheme_use_a_sametime_server_of_any_scheme() {
    if !browser::available() {
        return;
    }
    let mut browser = watching().await;
    for sametime in ["http", "https"] {
        let estate = Bridged::start(sametime).await;
        for page in ["https", "http"] {
            browser.forget_cookies().await;
            let gateway = estate.gateway(page, "im");
            browser.open(&format!("{gateway}{PAGE}")).await;
            browser.wait_for("window.outcome").await;
            assert_eq!(browser.value("window.outcome").await, "works", "{page} page, {sametime} Sametime");
            let loaded =
                browser.value("performance.getEntriesByType('resource').map((one) => one.name)").await;
            let loaded: Vec<_> = loaded.as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
            for name in
                ["style.css", "more.css", "script.js", "picture.png", "frame.html", "names.json", "who.json"]
            {
                assert!(loaded.iter().any(|one| one.contains(name)), "{name} in {loaded:?}");
            }
            // Chromium would load them over https by itself, and keep quiet about some.
            let strays =
                loaded.iter().filter(|name| !name.starts_with(&gateway) && !name.starts_with("data:"));
            assert_eq!(strays.count(), 0, "{loaded:?}");
            assert!(
                complaints(&browser).is_empty(),
                "{page} page, {sametime} Sametime: {:?}",
                browser.remarks
            );
        }
        estate.stop().await;
    }
}

/// So the test above can fail: the same page behind TLS that rewrites nothing.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_gateway_an_https_page_meets_mixed_content() {
    if !browser::available() {
        return;
    }
    let bare = raw("https").await;
    bare.call_itself("http://st1.renovation.test:8080");
    let mut browser = watching().await;
    browser.open(&format!("https://raw.renovation.test:{}{PAGE}", bare.addr().port())).await;
    browser.wait_for_remark(&["Mixed Content"]).await;
    browser.wait_for_remark(&["MixedContentIssue"]).await;
    assert_eq!(browser.value("typeof window.outcome").await, "undefined", "its script was not loaded");
}

/// And so it can fail for cookies: over http the browser refuses what Sametime has marked `Secure`.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_gateway_an_http_page_loses_secure_cookies() {
    if !browser::available() {
        return;
    }
    let bare = raw("http").await;
    let mut browser = watching().await;
    for (origin, expected) in
        [("http://raw.renovation.test", "STMixed=kept"), ("https://raw.renovation.test", "")]
    {
        bare.call_itself(origin);
        browser.forget_cookies().await;
        browser.open(&format!("http://raw.renovation.test:{}{PAGE}", bare.addr().port())).await;
        let seen = "fetch('/sametime/mixed/who.json').then((one) => one.json()).then((seen) => seen.cookie)";
        // The page's policy names another port: this is asked from a page without one.
        browser.open(&format!("http://raw.renovation.test:{}/sametime/", bare.addr().port())).await;
        assert_eq!(browser.value(seen).await, expected, "{origin}");
    }
}

/// A mail page on a host of its own: scripts, a frame, pictures, and a request with cookies that the browser asks about
/// first. Sametime takes requests of its own pages only, and knows nothing of such questions.
#[tokio::test(flavor = "multi_thread")]
async fn pages_of_another_host_use_it_with_credentials() {
    if !browser::available() {
        return;
    }
    let mut browser = watching().await;
    for sametime in ["http", "https"] {
        let estate = Bridged::start(sametime).await;
        for scheme in ["https", "http"] {
            browser.forget_cookies().await;
            let mail = raw(scheme).await;
            let visit = |host| {
                let (port, gateway) = (mail.addr().port(), estate.gateway(scheme, host));
                format!("{scheme}://mail1.renovation.test:{port}/sametime/mixed/visitor.html?of={gateway}")
            };
            assert_eq!(
                outcome(&mut browser, &visit("im")).await,
                "works",
                "{scheme} page, {sametime} Sametime"
            );
            assert!(complaints(&browser).is_empty(), "{scheme} page: {:?}", browser.remarks);
            // Where the upstream is to answer for itself, the browser asks in vain.
            assert_eq!(outcome(&mut browser, &visit("plain")).await, "failed: post");
            browser.wait_for_remark(&["CORS policy"]).await;
            browser.remarks.clear();
        }
        estate.stop().await;
    }
}

async fn outcome(browser: &mut Browser, page: &str) -> Value {
    browser.open(page).await;
    browser.wait_for("window.outcome").await;
    browser.value("window.outcome").await
}
