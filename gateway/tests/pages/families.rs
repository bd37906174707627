//! The same inbox with each of the old interfaces, and a page that has both.

use protocol::presence::Status;

use crate::browser::{self, Browser};
use crate::estate::Estate;
use crate::truth::same_as_the_truth;

const LOADED: &str = "document.querySelectorAll('.livename').length > 12";

#[tokio::test(flavor = "multi_thread")]
async fn every_family_shows_what_the_community_knows_on_http_and_https() {
    if !browser::available() {
        return;
    }
    let estate = Estate::start(230).await;
    let ann = estate.person(0);
    let mut page = Browser::start().await;
    for (scheme, origin) in [("http", estate.http()), ("https", estate.https())] {
        if scheme == "http" {
            // One cookie for both schemes: the demo's has no Secure.
            page.log_in(&origin, &ann).await;
        }
        for family in ["links", "stproxy", "both"] {
            page.open(&format!("{origin}/demo/{family}")).await;
            page.wait_for(LOADED).await;
            same_as_the_truth(&mut page, &estate, &ann).await;
            for index in 1..20 {
                estate.simulator().login_virtual(&estate.person(index));
                let status = if family == "links" { Status::Dnd } else { Status::Meeting };
                estate.simulator().set_status(&estate.person(index), status, "<b>busy</b>");
            }
            same_as_the_truth(&mut page, &estate, &ann).await;
            page.picture(&format!("{family}-{scheme}")).await;
            if family != "both" {
                page.value("location.hash = '#people'").await;
                page.wait_for("document.querySelectorAll('#list .livename').length === 230").await;
                same_as_the_truth(&mut page, &estate, &ann).await;
            }
        }
    }
    page.value("document.querySelector('.livename').focus({focusVisible: true})").await;
    page.wait_for("document.querySelector('.livename-card')").await;
    page.picture("card").await;
    page.colour_scheme("dark").await;
    page.picture("both-dark").await;
    page.size(420, 900).await;
    page.picture("both-narrow").await;
    assert!(page.complaints.is_empty(), "{:?}", page.complaints);
}
