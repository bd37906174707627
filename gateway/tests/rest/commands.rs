//! Each command of the table in browser-side.md 3.4 that is answered here: the exact shape of its answer and
//! of what travels on the event channel, as golden files. `LIVENAME_GOLDEN=write` writes them.

use std::path::PathBuf;

use http::{Method, StatusCode};
use protocol::presence::Status;
use serde_json::{Value, json};

use crate::browser::{Browser, Call, encoded, json as body};
use crate::estate::{Plan, id};

/// File, verb, path with query, and the action that the channel brings, if any.
const COMMANDS: &[(&str, &str, &str, &[&str])] = &[
    ("own-status", "POST", "user/status?status=3&statusMessage=Busy", &["MY_STATUS_CHANGED"]),
    ("watch", "POST", "presence?users=p1|nobody", &["watchlist", "addUser"]),
    ("read-status", "GET", "presence/status?users=p1", &["watchlist", "userStatus"]),
    ("unwatch", "DELETE", "presence?users=p1", &["watchlist", "removeUser"]),
    ("unwatch-all", "DELETE", "presence", &["watchlist", "removeUser"]),
    ("suspend", "DELETE", "presence/status", &[]),
    ("resume", "POST", "presence/status", &[]),
    ("watch-attributes", "POST", "presence/attributes?attributes=1|2", &["attributes", "add"]),
    ("unwatch-attributes", "DELETE", "presence/attributes?attributes=1", &["attributes", "remove"]),
    ("add-group", "POST", "buddylist/group?groupId=Mates&isPrivate=true", &["buddylist", "addGroup"]),
    (
        "add-contact",
        "POST",
        "buddylist/user?userId=CN%3DPerson%201%2FO%3DAcme&groupId=Mates&newUserDisplayName=One",
        &["buddylist", "addUser"],
    ),
    ("contacts", "GET", "buddylist", &["buddylist", "get"]),
    ("contacts-users", "GET", "buddylist/users?isPrivate=true", &["buddylist", "users"]),
    ("contacts-groups", "GET", "buddylist/groups", &["buddylist", "groups"]),
    ("watch-group", "POST", "presence?groupId=Mates", &["watchlist", "addGroup"]),
    ("unwatch-group", "DELETE", "presence?groupId=Mates", &["watchlist", "removeGroup"]),
    ("watch-no-group", "POST", "presence?groupId=Strangers", &["watchlist", "addGroup"]),
    (
        "rename-contact",
        "PUT",
        "buddylist/user?userId=CN%3DPerson%201%2FO%3DAcme&newUserDisplayName=Uno",
        &["buddylist", "renameUser"],
    ),
    (
        "remove-contact",
        "DELETE",
        "buddylist/user?userId=CN%3DPerson%201%2FO%3DAcme",
        &["buddylist", "removeUser"],
    ),
    (
        "rename-group",
        "PUT",
        "buddylist/group?oldGroupId=Mates&newGroupId=Friends",
        &["buddylist", "renameGroup"],
    ),
    ("remove-group", "DELETE", "buddylist/group?groupId=Friends", &["buddylist", "removeGroup"]),
    (
        "announce",
        "POST",
        "buddylist/alerts?receivers=p1&message=Fire%20drill&isAllowed=true",
        &["announcement", "sent"],
    ),
    ("find", "GET", "quickfind?searchString=Person%201&isUser=true", &["quickfind", "find"]),
    ("user-info", "GET", "userinfo?userId=p1", &["user", "info"]),
    ("set-privacy", "POST", "user/privacy?list=p2|p3&isExcluding=TRUE", &["privacy", "set"]),
    ("privacy", "GET", "user/privacy", &["privacy", "get"]),
    ("set-preference", "POST", "preferences/sound?value=on", &["preferences", "set"]),
    ("preferences", "GET", "preferences", &["preferences", "get"]),
    ("loggedin", "GET", "connectweb/loggedin", &[]),
    ("end-update", "PUT", "RTCServlet/SID/endUpdate", &[]),
    ("leave", "DELETE", "RTCServlet/SID/user?userName=ann&broadcast=false", &[]),
    ("chat", "POST", "chat?userId=p1&msg=Hi", &[]),
    ("group-chat", "PUT", "chat/nway?placeId=1&msg=Hi", &[]),
    ("meeting", "GET", "chat/meeting", &[]),
];

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/rest/golden").join(format!("{name}.json"))
}

/// Compares with the file, or writes it.
pub fn compare(name: &str, found: &Value) {
    let text = format!("{}\n", serde_json::to_string_pretty(found).unwrap());
    if std::env::var("LIVENAME_GOLDEN").is_ok_and(|wish| wish == "write") {
        std::fs::write(golden(name), &text).unwrap();
    }
    let expected = std::fs::read_to_string(golden(name)).unwrap_or_default();
    assert_eq!(text, expected, "{name}");
}

/// Random parts replaced by words.
fn without_secrets(value: &Value, page: &Browser) -> Value {
    let nonce = page.nonce.clone().unwrap_or_default();
    let text = value.to_string().replace(&page.sid(), "SID").replace(&nonce, "NONCE");
    serde_json::from_str(&text.replace(env!("CARGO_PKG_VERSION"), "VERSION")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_has_the_documented_shape() {
    let estate = Plan::default().start().await;
    estate.online([1]);
    estate.sets(1, Status::Away, "Lunch");
    let mut page = Browser::of(estate.address(), &id(0));
    let login = body(&page.connect().await);
    let joined = page.join().await;
    compare("connect", &without_secrets(&login, &page));
    compare("join", &without_secrets(&body(&joined), &page));
    for (name, verb, path, action) in COMMANDS {
        let path = path.replace("SID", &page.sid());
        let answer = page.call(verb.parse().unwrap(), &path).await;
        let mut found = json!({"status": answer.status.as_u16(), "answer": body(&answer)});
        if !action.is_empty() {
            found["update"] = page.hears(action).await;
        }
        compare(name, &without_secrets(&found, &page));
        page.updates.clear();
    }
    page.does(Method::POST, "presence?users=p1").await;
    page.sees(&id(1), 2).await;
    let person = page.people[&id(1)].clone();
    compare("watchlist", &json!({"action": ["watchlist", "watchlist"], "watchlist": [person]}));
    // A poll that is let go before there is anything to say.
    let empty = loop {
        let other = page.clone();
        let nudge = async {
            let mut other = other;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            other.does(Method::PUT, &format!("RTCServlet/{}/endUpdate", other.sid())).await;
        };
        let (poll, ()) = tokio::join!(page.poll(), nudge);
        if poll["update"] == json!([]) {
            break poll;
        }
    };
    compare("empty-poll", &empty);
    let logout = page.delete("user/connect").await;
    compare("disconnect", &body(&logout));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_wrong_say_how() {
    let estate = Plan::default().start().await;
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    for (method, path, status) in [
        (Method::GET, "nothing", StatusCode::NOT_FOUND),
        (Method::GET, "user/nothing", StatusCode::NOT_FOUND),
        (Method::POST, "quickfind?searchString=a", StatusCode::METHOD_NOT_ALLOWED),
        (Method::GET, "quickfind", StatusCode::BAD_REQUEST),
        (Method::GET, "quickfind?searchstring=a", StatusCode::BAD_REQUEST),
        (Method::POST, "presence", StatusCode::BAD_REQUEST),
        (Method::POST, "user/status?status=77", StatusCode::BAD_REQUEST),
        (Method::POST, "user/connect?loginMethod=byMagic", StatusCode::BAD_REQUEST),
    ] {
        let answer = page.call(method.clone(), path).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(body(&answer)["returnCode"], status.as_u16(), "{path}");
        assert!(!answer.headers.contains_key("location"));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_may_come_in_a_form_and_verbs_by_a_parameter() {
    let estate = Plan::default().start().await;
    estate.online([1]);
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    let users = format!("users={}", encoded(&id(1)));
    let form = Call { method: Method::POST, path: "presence", body: &users, headers: vec![] };
    assert_eq!(page.send(form).await.status, StatusCode::OK);
    page.sees(&id(1), 1).await;
    for (method, path) in [
        (Method::POST, "presence?method=delete"),
        (Method::POST, "presence?method=DELETE"),
        (Method::GET, "presence?method=DELETE"),
    ] {
        page.does(method, path).await;
        page.hears(&["watchlist", "removeUser"]).await;
    }
    page.does(Method::GET, &format!("presence?method=POST&users=x&{users}")).await;
    assert_eq!(page.hears(&["watchlist", "addUser"]).await["userId"], id(1), "the last one wins");
    // By GET only with the nonce.
    page.nonce = None;
    assert_eq!(page.get("presence?method=DELETE").await.status, StatusCode::FORBIDDEN);
    assert_eq!(page.post("presence?method=DELETE").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_updates_come_all_at_once_when_resumed() {
    let estate = Plan::default().start().await;
    estate.online([1, 2]);
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    page.does(Method::POST, "presence?users=p1|p2").await;
    page.sees(&id(1), 1).await;
    page.sees(&id(2), 1).await;
    page.does(Method::DELETE, "presence/status").await;
    estate.sets(1, Status::Away, "");
    page.does(Method::GET, "preferences").await;
    page.hears(&["preferences", "get"]).await;
    assert_eq!(page.status(&id(1)), Some(1));
    page.people.clear();
    page.does(Method::POST, "presence/status").await;
    page.sees(&id(1), 2).await;
    page.sees(&id(2), 1).await;
}
