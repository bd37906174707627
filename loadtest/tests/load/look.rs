//! The report as people see it: in a browser, narrow, wide, dark and printed.

use loadtest::plan::Part;
use serde_json::Value;

use crate::browser::{self, Browser};
use crate::faults::CLOSED;
use crate::support::{Folder, has_gateway};

/// Pages of A4; a report that needs more is not read.
const SHEETS: usize = 6;

/// What every report has, whatever it tells.
const CHARTS: &str = "[...document.querySelectorAll('figure')].map((figure) => {
    const [svg, lines] = [figure.querySelector('svg'), [...figure.querySelectorAll('path.line')]];
    const box = svg.getBoundingClientRect();
    return { title: figure.querySelector('b').textContent, width: box.width, height: box.height,
        drawn: lines.length > 0 && lines.every((line) => line.getAttribute('d') && line.getTotalLength() > 0),
        labels: svg.querySelectorAll('text').length,
        inside: [...svg.querySelectorAll('text')].every((text) => {
            const { left, right } = text.getBoundingClientRect();
            return left >= 0 && right <= document.documentElement.clientWidth;
        }) };
})";

async fn opened(folder: &Folder, name: &str) -> Browser {
    let mut browser = Browser::start().await;
    browser.requests.clear();
    browser.open(&format!("file://{}", folder.path().join(name).display())).await;
    browser
}

/// Nothing is complained of, nothing is fetched but the page, nothing is wider than the window.
async fn is_sound(browser: &mut Browser, name: &str) {
    for (width, scheme) in [(1280, "light"), (400, "light"), (1280, "dark")] {
        browser.size(width, 860).await;
        browser.colour_scheme(scheme).await;
        let overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(browser.value(overflow).await, 0, "{name} at {width}");
        let height = browser.value("document.documentElement.scrollHeight").await.as_u64().unwrap();
        browser.size(width, u32::try_from(height).unwrap()).await;
        browser.picture(&format!("{name}-{width}-{scheme}")).await;
    }
    assert_eq!(browser.complaints, Vec::<String>::new());
    assert!(
        browser.requests.len() == 1 && browser.requests[0].starts_with("file://"),
        "{:?}",
        browser.requests
    );
}

async fn charts(browser: &mut Browser, width: u32) -> Vec<Value> {
    browser.size(width, 860).await;
    let charts = browser.value(CHARTS).await.as_array().unwrap().clone();
    for chart in &charts {
        let wide = chart["width"].as_f64().unwrap() > f64::from(width) * 0.6;
        assert!(wide && chart["height"].as_f64() > Some(100.0), "{chart}");
        assert!(
            chart["drawn"] == true && chart["inside"] == true && chart["labels"].as_u64() > Some(5),
            "{chart}"
        );
    }
    charts
}

async fn print(browser: &mut Browser, name: &str) {
    // What is left of A4 between usual margins, in pixels.
    browser.size(718, 1000).await;
    browser.on_paper().await;
    let cut_off = "[...document.querySelectorAll('table')].filter((table) => \
                   table.getBoundingClientRect().right > document.documentElement.clientWidth + 1).length";
    assert_eq!(browser.value(cut_off).await, 0, "tables end with the paper");
    let pdf = browser.pdf().await;
    if let Ok(folder) = std::env::var("LIVENAME_SCREENSHOTS") {
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.pdf")), &pdf).unwrap();
    }
    let sheets =
        pdf.windows(PAGE.len() + 1).filter(|part| part.starts_with(PAGE) && part[PAGE.len()] != b's');
    let sheets = sheets.count();
    assert!((2..=SHEETS).contains(&sheets), "{sheets} pages of {name}");
}

/// In the dictionary of a page (ISO 32000, 7.7.3.3).
const PAGE: &[u8] = b"/Type /Page";

#[tokio::test]
async fn the_report_of_a_test_is_readable_in_a_browser_and_on_paper() {
    if !has_gateway() || !browser::available() {
        return;
    }
    let folder = Folder::new();
    let ended = folder
        .run(
            "[population]\npeople = 60\nwatches = 15\nchanges_per_second = 40\n\
             [transports]\nwebsocket = 1\nsse = 1\npoll = 1\n[thresholds]\np99 = \"5s\"\nlist_p99 = \"1ms\"\n\
             [[phase]]\nname = \"come & go\"\nkind = \"ramp\"\nduration = \"2s\"\nbrowsers = 20\n\
             [[phase]]\nname = \"work\"\nkind = \"hold\"\nduration = \"3s\"\nreloads_per_second = 3\n",
        )
        .end();
    assert_eq!(ended.code, Some(1), "a list within a millisecond: {}{}", ended.err, ended.out);
    let mut browser = opened(&folder, "out.html").await;
    let first = browser.value("document.body.innerText.trim().split('\\n')[0]").await;
    assert!(first.as_str().unwrap().starts_with("CONVERGED: 20 browsers agree"), "{first}");
    let text = browser.value("document.body.innerText").await;
    let text = text.as_str().unwrap();
    for part in
        ["The test failed.", "Missed: list_p99 is", "over 1.00 ms", "come & go", "websocket", "sse", "poll"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    charts(&mut browser, 400).await;
    let titles: Vec<_> =
        charts(&mut browser, 1280).await.iter().map(|chart| chart["title"].clone()).collect();
    let wanted =
        ["From change to browser", "Deliveries", "Browsers", "CPU", "Memory", "From change to browser"];
    assert_eq!(titles, wanted);
    is_sound(&mut browser, "report").await;
    print(&mut browser, "report").await;

    let compared = folder.start(&["compare", "out.json", "out.json", "--out", "compared"]).end();
    assert_eq!(compared.code, Some(0), "{}", compared.err);
    let mut browser = opened(&folder, "compared.html").await;
    let first = browser.value("document.querySelector('h1').innerText").await;
    assert!(first.as_str().unwrap().starts_with("0 differences of "), "{first}");
    is_sound(&mut browser, "compared").await;

    let mut results = ended.results.unwrap();
    for (number, name) in [(1, "one.json"), (2, "two.json")] {
        results.part = Part { number, of: 2 };
        folder.write(name, &serde_json::to_string(&results).unwrap());
    }
    let joined = folder.start(&["report", "one.json", "two.json", "--out", "joined"]).end();
    assert_eq!(joined.code, Some(1), "{}", joined.err);
    let mut browser = opened(&folder, "joined.html").await;
    let generators = "[...document.querySelectorAll('h2')].some((title) => title.innerText === 'Generators')";
    assert_eq!(browser.value(generators).await, true);
    charts(&mut browser, 1280).await;
    is_sound(&mut browser, "joined").await;
    print(&mut browser, "joined").await;
}

/// Nothing but failures: there is no change to tell of, and the page says why.
#[tokio::test]
async fn the_report_of_a_test_that_failed_says_what_went_wrong() {
    if !browser::available() {
        return;
    }
    let folder = Folder::new();
    folder.write("people.txt", "CN=Ann/O=R\nCN=Bo/O=R\n");
    let ended = folder
        .run(&format!(
            "[target]\nurl = \"http://{CLOSED}\"\npeople_file = \"people.txt\"\n[population]\nwatches = 2\n\
             [[phase]]\nkind = \"ramp\"\nduration = \"2s\"\nbrowsers = 5\n"
        ))
        .end();
    assert_eq!(ended.code, Some(1), "{}{}", ended.err, ended.out);
    let mut browser = opened(&folder, "out.html").await;
    let text = browser.value("document.body.innerText").await;
    let text = text.as_str().unwrap();
    for part in ["NOT COMPARED", "The test failed.", "unreachable", "nothing accepts connections there"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    is_sound(&mut browser, "failed").await;
}
