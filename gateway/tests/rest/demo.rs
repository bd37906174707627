//! The demo lets pages in by all three methods, and says so.

use http::{Method, StatusCode};
use loadtest_sim::model::PrivacyList;
use protocol::presence::PersonId;

use crate::browser::{Browser, encoded, json};
use crate::demo_estate::Estate;
use crate::support::client::{get, send, send_body};
use crate::support::soon;

const BASE: &str = "/stwebapi/";

fn browser(estate: &Estate) -> Browser {
    let mut browser = Browser::new(estate.demo().ready().http.unwrap());
    browser.base = BASE;
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_logs_in_by_cookie_by_password_and_as_a_guest() {
    let estate = Estate::start(20).await;
    let address = estate.demo().ready().http.unwrap();
    let (ann, bo, cleo) = (estate.person(0), estate.person(1), estate.person(2));
    for person in [&bo, &cleo] {
        estate.simulator().login_virtual(person);
    }
    // Bo is to be seen by Ann alone.
    let only = PrivacyList { deny: false, people: vec![ann.clone()] };
    assert!(estate.simulator().set_privacy(&bo, only));
    // The cookie that the demo's own log-in gives out.
    let mut request = get("/demo/login");
    *request.method_mut() = Method::POST;
    let given = send_body(address, request, &serde_json::json!({"id": ann.as_str()}).to_string()).await;
    assert_eq!(given.status, StatusCode::OK, "{}", given.body);
    let mut by_cookie = browser(&estate);
    let cookie = given.header("set-cookie").split(';').next().unwrap().to_owned();
    let (name, value) = cookie.split_once('=').unwrap();
    by_cookie.cookies.insert(name.into(), value.into());
    let login = json(&by_cookie.connect().await);
    assert_eq!(login["person"]["id"], ann.as_str(), "{login}");

    // Everybody's password is the short name.
    let mut by_password = browser(&estate);
    let short = estate.simulator().directory().people()[0].short_name.clone();
    let form = format!("loginMethod=byPassword&username={0}&password={0}", encoded(&short));
    let login = json(&by_password.connect_by_form(&form).await);
    assert_eq!(login["person"]["id"], ann.as_str(), "{login}");

    let mut guest = browser(&estate);
    let login = json(&guest.connect_with("loginMethod=anonymous").await);
    assert_eq!((&login["returnCode"], &login["person"]["id"]), (&200.into(), &"".into()), "{login}");

    for (page, sees_bo) in [(&mut by_cookie, true), (&mut by_password, true), (&mut guest, false)] {
        page.join().await;
        let both = format!("{}|{}", bo.as_str(), cleo.as_str());
        page.does(Method::POST, &format!("presence?users={}", encoded(&both))).await;
        sees_online(page, &estate, &cleo).await;
        match sees_bo {
            true => sees_online(page, &estate, &bo).await,
            false => page.sees(bo.as_str(), 0).await,
        }
    }
}

/// Waits until the page shows somebody who is there, whatever the person's day brings.
async fn sees_online(page: &mut Browser, estate: &Estate, person: &PersonId) {
    soon("the person is shown", async {
        while page.status(person.as_str()).is_none_or(|status| status <= 0) {
            estate.simulator().login_virtual(person);
            page.poll().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_says_how_to_log_in() {
    let estate = Estate::start(20).await;
    let short = estate.simulator().directory().people()[0].short_name.clone();
    let welcome = estate.demo().welcome();
    for text in [
        "password is the short name",
        "loginMethod=byToken",
        &format!("loginMethod=byPassword&username={short}&password={short}"),
        "loginMethod=anonymous",
    ] {
        assert!(welcome.contains(text), "{text}\n{welcome}");
    }
    let address = estate.demo().ready().http.unwrap();
    for page in ["/", "/demo/links", "/demo/stproxy", "/demo/both"] {
        let body = send(address, get(page)).await.body;
        assert!(body.contains("password is the short name") && body.contains("as a guest"), "{page}");
    }
}
