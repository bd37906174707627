//! What people write (names, status texts) is text on every page, and so is what a query says.

use protocol::presence::{PersonId, Status};
use serde_json::{Value, json};

use crate::browser;
use crate::site::{Site, id, named, people};

/// Markup, attributes, templates and addresses that run a script where they are not escaped.
const CORPUS: [&str; 12] = [
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "\"><svg onload=window.hacked=1>",
    "'-(window.hacked=1)-'",
    "</title></textarea></style><img src=x onerror=window.hacked=1>",
    "javascript:window.hacked=1",
    "<a href=javascript:window.hacked=1 autofocus onfocus=window.hacked=1>x</a>",
    "&lt;script&gt;window.hacked=1&lt;/script&gt;",
    "&#60;img src=x onerror=window.hacked=1&#62;",
    "${window.hacked=1}{{constructor.constructor('window.hacked=1')()}}",
    "<iframe srcdoc=\"<script>parent.hacked=1</script>\">",
    "\u{202e}<b onmouseover=window.hacked=1>\u{0}\u{2028}",
];

/// What none of the texts may have become.
const STRANGERS: &str = "document.querySelectorAll('#rows script, #rows img, #rows iframe, #rows a, #rows b, .livename-card img, .livename-card script').length";

#[tokio::test(flavor = "multi_thread")]
async fn names_and_status_texts_are_never_markup() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(CORPUS.len() + 1)).await;
    site.online((1..=CORPUS.len()).map(id));
    for (index, text) in CORPUS.iter().enumerate() {
        site.community.set_status(&PersonId::from(id(index + 1).as_str()), Status::Away, text);
    }
    let mut page = site.browser().await;
    for family in ["links", "stproxy", "events"] {
        site.log_in(&mut page, "https", &id(0), 600, "").await;
        // No content security policy may hide a mistake.
        page.open(&site.page("https", "https", family, "loose=1")).await;
        page.wait_for("window.outcome === 'works'").await;
        for (index, text) in CORPUS.iter().enumerate() {
            page.value(&format!("addRow({}, {})", json!(id(index + 1)), json!(text))).await;
            // As a name that the gateway has to look up, too.
            page.value(&format!("addRow({})", json!(text))).await;
        }
        let away = "document.querySelectorAll('.livename[data-status=away]').length";
        page.wait_for(&format!("{away} === {}", CORPUS.len())).await;
        // The card shows everything there is about a person.
        let hover = "for (const name of document.querySelectorAll('.livename')) name.dispatchEvent(new MouseEvent('mouseenter'))";
        page.value(hover).await;
        page.wait_for("document.querySelector('.livename-card')").await;
        for index in 1..=CORPUS.len() {
            page.value(&format!(
                "document.querySelectorAll('.livename')[{}].focus({{focusVisible: true}})",
                2 * (index - 1)
            ))
            .await;
            let text = page.value("document.querySelector('.livename-card-text')?.textContent").await;
            assert_eq!(text.as_str().map(printable), Some(printable(CORPUS[index - 1])), "{family}");
        }
        assert_eq!(page.value(STRANGERS).await, 0, "{family}");
        assert_eq!(page.value("window.hacked ?? null").await, Value::Null, "{family}");
    }
}

/// A NUL ends a text on the way through the community.
fn printable(text: &str) -> String {
    text.chars().filter(|character| *character != '\0').collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_the_community_says_are_never_markup() {
    if !browser::available() {
        return;
    }
    // A directory has no empty characters.
    let corpus = CORPUS.map(printable);
    let mut names = vec!["Ann Example"];
    names.extend(corpus.iter().map(String::as_str));
    let site = Site::start(&named(&names)).await;
    site.online((1..names.len()).map(id));
    let mut page = site.browser().await;
    site.log_in(&mut page, "https", &id(0), 600, "").await;
    for family in ["stproxy", "events", "links"] {
        page.open(&site.page("https", "https", family, "loose=1")).await;
        page.wait_for("window.outcome === 'works'").await;
        page.value("{ window.told = {}; window.STLinksUserStatusChanged = (id, name) => (told[id] = name); undefined }").await;
        for number in 1..names.len() {
            page.value(&format!("addRow({}, '')", json!(id(number)))).await;
        }
        page.wait_for(&format!(
            "document.querySelectorAll('.livename[data-status=active]').length === {}",
            names.len() - 1
        ))
        .await;
        for (index, name) in corpus.iter().enumerate() {
            let shown = match family {
                // The page's own text stays; the name is told to the page.
                "links" => format!("told[{}]", json!(id(index + 1))),
                _ => format!("document.querySelectorAll('.livename-name')[{index}].textContent"),
            };
            assert_eq!(page.value(&shown).await, name.as_str(), "{family}");
        }
        let hover = "for (const name of document.querySelectorAll('.livename')) { name.focus({ focusVisible: true }); }";
        page.value(hover).await;
        page.wait_for("document.querySelector('.livename-card')").await;
        assert_eq!(page.value(STRANGERS).await, 0, "{family}");
        assert_eq!(page.value("window.hacked ?? null").await, Value::Null, "{family}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_changes_nothing_but_the_language() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(2)).await;
    let mut page = site.browser().await;
    site.log_in(&mut page, "https", &id(0), 600, "").await;
    page.open(&site.page("https", "https", "stproxy", "loose=1")).await;
    page.wait_for("window.outcome === 'works'").await;
    page.value("addRow('CN=Person 1/O=Renovation')").await;
    let word = "document.querySelector('.livename-icon').getAttribute('aria-label')";
    page.wait_for(&format!("{word} === 'Offline'")).await;
    for attack in CORPUS.iter().copied().chain(["__proto__", "constructor", "../../de"]) {
        let load = format!(
            "new Promise((done) => {{ const script = document.createElement('script');\
             script.src = stproxyConfig.server + '/stwebclient/include.js?lang=' + encodeURIComponent({0}) + '&widget=' + encodeURIComponent({0});\
             script.onload = () => done('loaded'); script.onerror = () => done('error'); document.head.append(script); }})",
            json!(attack)
        );
        assert_eq!(page.value(&load).await, "loaded");
    }
    assert_eq!(page.value("window.hacked ?? null").await, Value::Null);
    assert_eq!(page.value("typeof stproxy.login.loginByToken").await, "function");
}
