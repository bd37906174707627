//! The contact list is the community's: what one client stores, the others find.

use http::Method;
use protocol::vp::service::Service;
use serde_json::{Value, json};

use crate::browser::{Browser, encoded};
use crate::estate::{Plan, id};

async fn groups(page: &mut Browser) -> Value {
    page.does(Method::GET, "buddylist").await;
    page.hears(&["buddylist", "get"]).await["buddylist"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_browser_stores_another_finds() {
    let estate = Plan::default().start().await;
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    assert_eq!(groups(&mut page).await, json!([]), "an empty list");
    let bo = encoded(&id(1));
    page.does(Method::POST, &format!("buddylist/user?userId={bo}&newUserDisplayName=Bo%20%E9%88%B4")).await;
    page.hears(&["buddylist", "addUser"]).await;
    page.does(Method::POST, "buddylist/group?groupId=Work%20Mates").await;
    page.hears(&["buddylist", "addGroup"]).await;
    let mut other = Browser::logged_in(estate.address(), &id(0)).await;
    let list = groups(&mut other).await;
    assert_eq!((&list[0]["id"], &list[1]["id"]), (&"Contacts".into(), &"Work Mates".into()));
    let person = &list[0]["children"][0];
    assert_eq!(person["id"], format!("acme::{}", id(1)));
    assert_eq!((&person["contactId"], &person["displayName"]), (&id(1).into(), &"Bo \u{9234}".into()));
    let mut stranger = Browser::logged_in(estate.address(), &id(2)).await;
    assert_eq!(groups(&mut stranger).await, json!([]), "everybody has a list of their own");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_cannot_be_made_say_why_and_change_nothing() {
    let estate = Plan::default().start().await;
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    page.does(Method::POST, "buddylist/group?groupId=A").await;
    page.hears(&["buddylist", "addGroup"]).await;
    for (method, path, action, code) in [
        (Method::POST, "buddylist/group?groupId=A", "addGroup", 10),
        (Method::DELETE, "buddylist/group?groupId=B", "removeGroup", 5),
        (Method::PUT, "buddylist/group?oldGroupId=B&newGroupId=C", "renameGroup", 5),
        (Method::POST, "buddylist/user?userId=x&groupId=B", "addUser", 5),
        (Method::DELETE, "buddylist/user?userId=x", "removeUser", 7),
    ] {
        page.does(method, path).await;
        let told = page.hears(&["buddylist", action]).await;
        assert_eq!(told["code"], code, "{path}: {told}");
    }
    assert_eq!(groups(&mut page).await.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_people_of_a_group_and_of_the_whole_list_can_be_watched() {
    let estate = Plan::default().start().await;
    estate.online([1, 2]);
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    for (person, group) in [(1, "A"), (2, "B")] {
        page.does(Method::POST, &format!("buddylist/group?groupId={group}")).await;
        let user = encoded(&id(person));
        page.does(Method::POST, &format!("buddylist/user?userId={user}&groupId={group}")).await;
        page.hears(&["buddylist", "addUser"]).await;
    }
    page.does(Method::POST, "presence?groupId=A").await;
    page.sees(&id(1), 1).await;
    assert_eq!(page.status(&id(2)), None);
    page.does(Method::GET, "buddylist?isWatchList=true").await;
    page.sees(&id(2), 1).await;
    // The qualified id of the list is understood, too.
    page.does(Method::GET, &format!("presence/status?users={}", encoded(&format!("acme::{}", id(2))))).await;
    assert_eq!(page.hears(&["watchlist", "userStatus"]).await["userStatus"]["status"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn privacy_is_the_communitys_and_applies_at_once() {
    let estate = Plan::default().start().await;
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    let mut viewer = Browser::logged_in(estate.address(), &id(1)).await;
    viewer.does(Method::POST, "presence?users=p0").await;
    viewer.sees(&id(0), 1).await;
    page.does(Method::POST, "user/privacy?list=p1&isExcluding=TRUE").await;
    let set = page.hears(&["privacy", "set"]).await;
    assert_eq!((&set["isExcluding"], &set["list"][0]["id"]), (&true.into(), &id(1).into()));
    viewer.sees(&id(0), 0).await;
    page.does(Method::GET, "user/privacy").await;
    assert_eq!(page.hears(&["privacy", "get"]).await["list"][0]["id"], id(1));
    page.does(Method::POST, "user/privacy?isExcluding=TRUE").await;
    viewer.sees(&id(0), 1).await;
    page.does(Method::POST, "user/privacy?list=p1|nobody&isExcluding=TRUE").await;
    page.hears(&["privacy", "set"]).await;
    let failed = page.hears(&["privacy", "set"]).await;
    assert_eq!((&failed["code"], &failed["userId"]), (&7.into(), &"nobody".into()));
    assert_eq!(viewer.status(&id(0)), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_hears_which_of_its_questions_failed() {
    let estate = Plan::default().start().await;
    let mut page = Browser::logged_in(estate.address(), &id(0)).await;
    estate.community.set_service(Service::STORAGE.id, false);
    for (path, word) in [("", "get"), ("/users", "users"), ("/groups?isPrivate=true", "groups")] {
        page.does(Method::GET, &format!("buddylist{path}")).await;
        let failed = page.hears(&["buddylist", word]).await;
        assert_eq!(failed["returnCode"], 500, "{failed}");
    }
}
