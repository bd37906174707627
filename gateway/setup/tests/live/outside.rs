//! The checks from outside in estates whose servers' web pages are not all in the same place.

use std::net::SocketAddr;

use gateway_setup::verify::{Check, Outcome, Resolve, Way, network};
use protocol::secret::Secret;
use serde_json::json;

use crate::estate::{Folder, server, toml};
use crate::standin::{Standin, web};

const PROBE: &str = "[awareness]\nfor = \"mail-servers\"\n[probe]\nuser = \"Ann Archer/Renovation\"\nother = \"Bo Baker/Renovation\"\n\
                     login = \"http://mail1.renovation.example:8081\"\n";

/// Two servers on SSO; the SSO document lists those.
async fn site(listed: &[&str]) -> Standin {
    let standin = Standin::start().await;
    let mut state = standin.lock();
    state.put(server("Mail1", "Renovation", "2"));
    state.put(server("Sametime", "Renovation", "2"));
    state.put(json!({"Form": "WebSSOConfig", "LTPA_TokenName": "LtpaToken", "LTPA_ServerNames": listed}));
    drop(state);
    standin
}

/// C15 with the Sametime server's web pages on port 9090.
async fn c15(standin: &Standin, change: impl Fn(String) -> String) -> Check {
    let folder = Folder::new();
    let setup = folder.setup(&change(toml(standin, "same-domain", PROBE)));
    // Nobody listens on port 9.
    let closed: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let places = [
        (("mail1.renovation.example".to_owned(), 8081), standin.address),
        (("sametime.renovation.example".to_owned(), 8081), closed),
        (("sametime.renovation.example".to_owned(), 9090), standin.address),
        (("sametime.renovation.example".to_owned(), 1533), standin.address),
    ];
    let password = Secret::from(web::PASSWORD);
    let probe = setup.probe.as_ref().map(|probe| (probe, Way::Password(&password)));
    let (checks, _) = network(&setup, None, &Resolve(places.into()), probe, None).await;
    checks.into_iter().find(|check| check.id == "C15").unwrap()
}

fn with_web(text: String) -> String {
    let host = "host = \"sametime.renovation.example\"\n";
    text.replace(host, &format!("{host}web = \"http://sametime.renovation.example:9090\"\n"))
}

#[tokio::test]
async fn each_server_is_asked_where_its_own_pages_are() {
    let both = site(&["CN=Mail1/O=Renovation", "CN=Sametime/O=Renovation"]).await;
    let found = c15(&both, with_web).await;
    assert_eq!(
        (found.outcome, found.reason.as_str()),
        (Outcome::Pass, "sametime.renovation.example takes it")
    );
    // Where the pages are was a guess, so that nobody answers there proves nothing.
    let found = c15(&both, |text| text).await;
    assert!(found.outcome == Outcome::Unknown && found.reason.contains("web = "), "{found:?}");
    let one = site(&["CN=Mail1/O=Renovation"]).await;
    let found = c15(&one, with_web).await;
    assert_eq!(
        (found.outcome, found.reason.as_str()),
        (Outcome::Fail, "sametime.renovation.example asks for a login")
    );
}

#[tokio::test]
async fn the_server_that_made_the_token_proves_nothing() {
    let site = site(&["CN=Mail1/O=Renovation"]).await;
    let alone = |text: String| {
        let peer = "[sso.sametime]\ntoken_format = \"both\"\nlifetime = 30\n[awareness]\nfor = \"all\"";
        text.replace("same-domain", "sametime-12")
            .replace("name = \"Sametime/Renovation\"\ndomain = \"Renovation\"\n", "")
            .replace("[awareness]\nfor = \"mail-servers\"", peer)
    };
    let found = c15(&site, alone).await;
    assert!(found.outcome == Outcome::Unknown && found.reason.contains("C18"), "{found:?}");
}
