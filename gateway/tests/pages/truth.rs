//! What a page shows, beside what the community shows to the viewer.

use std::time::Duration;

use protocol::presence::{PersonId, Presence};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use crate::browser::Browser;
use crate::estate::{Estate, PATIENCE};

/// Every live name on the page, of whatever family: id, status, and status text where it is shown.
const NAMES: &str = "[...document.querySelectorAll('.livename')].map((name) => [\
    name.dataset.livename ?? name.dataset.stlink ?? name.dataset.stproxyName, name.dataset.status,\
    name.querySelector('.livename-note')?.textContent ?? null])";

/// One of the places where a page names somebody: whom, in which status, with which text.
#[derive(Debug, Deserialize)]
struct Name(String, String, Option<String>);

/// Waits until every name on the page has the state that the community shows to the viewer.
pub(crate) async fn same_as_the_truth(browser: &mut Browser, estate: &Estate, viewer: &PersonId) {
    same_as(browser, |person| estate.simulator().truth_for(viewer, person)).await;
}

/// Waits until every name on the page has that state, wherever it stands.
pub(crate) async fn same_as(browser: &mut Browser, truth: impl Fn(&PersonId) -> Presence) {
    let end = Instant::now() + PATIENCE;
    loop {
        let shown: Vec<Name> = serde_json::from_value(browser.value(NAMES).await).unwrap();
        let differing = shown.iter().find(|Name(id, status, text)| {
            let truth = truth(&PersonId::from(id.as_str()));
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
