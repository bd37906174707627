//! Domino Access Services with its sharp edges.

use gateway_setup::apply::{Fate, Journal};
use gateway_setup::config::Url;
use gateway_setup::directory::Client;
use http::Method;

use crate::estate::{Desk, Folder, fill, toml};
use crate::standin::{PASSWORD, Standin, USER, same_but_empty};

const PERSONS: &str = "[awareness]\nfor = \"mail-servers\"";

#[tokio::test]
async fn items_that_are_not_written_survive_with_or_without_patch_and_index() {
    for (patch, indexed) in [(true, true), (false, true), (true, false)] {
        let standin = Standin::start().await;
        fill(&standin, false);
        standin.lock().patch_allowed = patch;
        standin.lock().indexed = indexed;
        let before = standin.snapshot();
        let folder = Folder::new();
        let text = toml(&standin, "not-clustered", "[awareness]\nfor = \"mail-servers\"")
            .replace("\"drapi\"", "\"das\"");
        let mut desk = Desk::new(folder.setup(&text));
        let report = desk.apply(&mut folder.journal()).await;
        assert_eq!((report.written(), report.stopped.clone()), (6, None), "{:#?}", report.outcomes);
        for (unid, items) in &before {
            let now = &standin.snapshot()[unid];
            assert!(items.keys().all(|name| now.contains_key(name)), "{now:?}");
        }
        assert_eq!(desk.plan().await.writes().count(), 0);
        assert_eq!(desk.undo(&mut folder.journal()).await.exit_code(), 0);
        same_but_empty(&standin, &before);
    }
}

/// The form computes when it is asked to: what it changes beside is said, is in the journal, and is taken back.
#[tokio::test]
async fn what_the_form_computes_is_reported_and_taken_back() {
    for always in [false, true] {
        let standin = Standin::start().await;
        fill(&standin, false);
        standin.lock().computed = Some(("ServerTitle", always));
        let before = standin.snapshot();
        let folder = Folder::new();
        let text = toml(&standin, "same-domain", PERSONS).replace("\"drapi\"", "\"das\"");
        let mut desk = Desk::new(folder.setup(&text));
        let title = Fate::Written { beside: vec!["ServerTitle".to_owned()] };
        let report = desk.apply(&mut folder.journal()).await;
        assert_eq!((report.count(|fate| *fate == title), report.written()), (1, 4), "{:#?}", report.outcomes);
        let standing = Journal::look(&folder.0.join("journal")).unwrap();
        let server = standing.iter().find(|standing| !standing.beside.is_empty()).unwrap();
        assert_eq!(server.beside[0].before, Some("not ours to touch".into()));
        let undone = desk.undo(&mut folder.journal()).await;
        // A form that insists on its value gets its way, and that is said.
        assert_eq!(
            (undone.count(|fate| *fate == title), undone.exit_code()),
            (usize::from(always), 0),
            "{:#?}",
            undone.outcomes
        );
        if !always {
            same_but_empty(&standin, &before);
        }
    }
}

/// Why the write path never uses it: the stand-in's PUT is as sharp as the service's.
#[tokio::test]
async fn a_put_would_remove_what_it_does_not_name() {
    let standin = Standin::start().await;
    fill(&standin, false);
    let mail = standin.lock().find("Server", "ServerName", "CN=Mail1/O=Renovation").unwrap();
    let url = Url { tls: false, host: "127.0.0.1".to_owned(), port: standin.address.port() };
    let basic = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("{USER}:{PASSWORD}"));
    let headers = [("authorization", format!("Basic {basic}"))];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let path = format!("/names.nsf/api/data/documents/unid/{mail}");
    let body = b"{\"HTTP_SSOCfg\":\"LtpaToken\"}";
    let answer = Client::new(url, None).send(Method::PUT, &path, &headers, body).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(!standin.snapshot()[&mail].contains_key("ServerTitle"));
}
