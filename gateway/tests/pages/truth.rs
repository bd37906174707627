//! What a page shows, beside what the community shows to the viewer.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::presence::PersonId;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::browser::Browser;
use crate::estate::{Estate, PATIENCE};

/// Every live name on the page, of whatever family: id, status, and status text where it is shown.
const NAMES: &str = "[...document.querySelectorAll('.livename')].map((name) => [\
    name.dataset.livename ?? name.dataset.stlink ?? name.dataset.stproxyName, name.dataset.status,\
    name.querySelector('.livename-note')?.textContent ?? null])";

/// Waits until every name on the page has the state that the community shows to the viewer.
pub(crate) async fn same_as_the_truth(browser: &mut Browser, estate: &Estate, viewer: &PersonId) {
    let end = Instant::now() + PATIENCE;
    loop {
        let shown = names(&browser.value(NAMES).await);
        let differing = shown.iter().find(|(id, (status, text))| {
            let truth = estate.simulator().truth_for(viewer, &PersonId::from(id.as_str()));
            truth.status.name() != status || text.as_ref().is_some_and(|text| *text != *truth.text)
        });
        let Some(differing) = differing else {
            assert!(shown.len() > 10, "there are names: {shown:?}");
            return;
        };
        assert!(Instant::now() < end, "the page differs from the truth: {differing:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

fn names(value: &Value) -> BTreeMap<String, (String, Option<String>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let names = value.as_array().unwrap().iter();
    names.map(|name| (text(&name[0]), (text(&name[1]), name[2].as_str().map(str::to_owned)))).collect()
}
