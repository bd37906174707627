//! The stproxy object, member by member: every call answers, and what is not offered says so.

use protocol::presence::{PersonId, Status};
use serde_json::{Value, json};

use crate::browser::{self, Browser};
use crate::site::{Site, id, people};

/// Calls a member with its arguments and both callbacks; `["ok", value]` or `["err", reason, code]`.
async fn call(page: &mut Browser, member: &str, arguments: &Value) -> Value {
    let call = format!(
        "new Promise((done) => {{ const [group, name] = {member:?}.split('.'); const target = name ? stproxy[group] : stproxy;\
         target[name ?? group](...{arguments}, (value) => done(['ok', value ?? null]), (reason, code) => done(['err', reason, code])); }})"
    );
    page.value(&call).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_answered_and_events_are_raised() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(20)).await;
    site.online([id(1), id(2)]);
    let mut page = site.browser().await;
    site.log_in(&mut page, "https", &id(0), 600, "; HttpOnly").await;
    page.open(&site.page("https", "https", "stproxy", "")).await;
    page.wait_for("window.outcome === 'works' && stproxy.isLoggedIn").await;

    // The watch list, by chained event functions as dojo.connect makes them.
    page.value("{ const before = stproxy.watchlist.onUpdate; window.chained = []; stproxy.watchlist.onUpdate = (person) => { before(person); chained.push(person.id); }; undefined }").await;
    assert_eq!(call(&mut page, "watchlist.add", &json!([[id(1), "p2@renovation.test"]])).await[0], "ok");
    page.wait_for(&format!(
        "updates[{:?}]?.status === 1 && updates['p2@renovation.test']?.status === 1",
        id(1)
    ))
    .await;
    site.community.set_status(&PersonId::from(id(1).as_str()), Status::Dnd, "Writing");
    page.wait_for(&format!("updates[{:?}]?.status === stproxy.awareness.DND", id(1))).await;
    assert_eq!(page.value(&format!("updates[{:?}].statusMessage", id(1))).await, "Writing");
    assert_eq!(page.value(&format!("chained.includes({:?})", id(1))).await, true);
    let status = call(&mut page, "watchlist.getStatus", &json!([id(1)])).await;
    assert_eq!((&status[0], &status[1]["status"]), (&json!("ok"), &json!(3)));
    assert_eq!(call(&mut page, "watchlist.remove", &json!([id(1)])).await[0], "ok");

    // Models and names.
    page.value(&format!("{{ window.model = stproxy.getLiveNameModel({:?}, {{}}); model.onUpdate = () => (window.told = true); undefined }}", id(2))).await;
    site.community.set_status(&PersonId::from(id(2).as_str()), Status::Meeting, "");
    page.wait_for("window.told && model.status === stproxy.awareness.IN_MEETING").await;
    assert_eq!(page.value("model.displayName").await, "Person 2");
    let resolved = call(&mut page, "resolveUser", &json!(["p3@renovation.test"])).await;
    assert_eq!(resolved, json!(["ok", {"resolvedName": "Person 3", "id": id(3)}]));
    assert_eq!(call(&mut page, "resolveUser", &json!(["Nobody Atall"])).await[2], 7);
    let icon = "fetch(stproxy.getIconURL(stproxy.awareness.AWAY)).then((answer) => answer.headers.get('content-type'))";
    assert_eq!(page.value(icon).await, "image/svg+xml");

    // The own status, and a cookie that no script can read.
    assert_eq!(call(&mut page, "status.set", &json!([3, "Writing"])).await[0], "ok");
    assert_eq!(call(&mut page, "status.set", &json!([77, ""])).await[2], 14);
    assert_eq!(page.value("new Promise((done) => stproxy.login.hasToken(done, 'LtpaToken'))").await, true);

    // A widget as Dojo's parser makes it, on markup that is live already.
    let parsed = format!(
        "{{ const node = document.createElement('div'); node.setAttribute('dojoType', 'sametime.LiveName'); node.setAttribute('userId', {0:?});\
         document.body.append(node); const widget = new sametime.LiveName({{ userId: {0:?}, displayName: 'Person 2' }}, node); widget.startup();\
         widget.domNode === node && widget.declaredClass }}",
        id(2)
    );
    assert_eq!(page.value(&parsed).await, "sametime.LiveName");
    page.wait_for("document.querySelectorAll('.livename[data-status=meeting] > svg').length === 1").await;

    // What is not offered.
    for member in
        ["watchlist.addGroup", "watchlist.removeGroup", "buddylist.addUser", "openChat", "openGroupChat"]
    {
        assert_eq!(call(&mut page, member, &json!(["x"])).await[2], 3, "{member}");
    }
    assert_eq!(call(&mut page, "watchlist.clear", &json!([])).await[0], "ok");
    page.value("{ stproxy.login.onLogout = (reason) => (window.left = reason ?? ''); undefined }").await;
    assert_eq!(call(&mut page, "login.logout", &json!([true])).await[0], "ok");
    page.wait_for("window.left !== undefined && !stproxy.isLoggedIn").await;
    // And in again.
    let again = call(&mut page, "login.loginByToken", &json!([null, 1, ""])).await;
    assert_eq!((&again[0], &again[1]["id"]), (&json!("ok"), &json!(id(0))));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_member_has_a_line_in_the_docs() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(1)).await;
    let mut page = site.browser().await;
    site.log_in(&mut page, "https", &id(0), 600, "").await;
    page.open(&site.page("https", "https", "stproxy", "")).await;
    let members = "Object.entries(stproxy).flatMap(([name, value]) => typeof value === 'object' ? \
                   Object.keys(value).filter((key) => !/^[A-Z_]+$/.test(key)).map((key) => `${name}.${key}`) : [name])";
    let members = page.value(members).await;
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/pages.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let members: Vec<&str> = members.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(members.len() > 50, "{members:?}");
    for member in members {
        let (group, name) = member.split_once('.').unwrap_or(("", member));
        let told = docs.contains(&format!("`{group}.*`"))
            || [format!("`{member}"), format!("`{name}`"), format!("`{name}(")]
                .iter()
                .any(|form| docs.contains(form));
        assert!(told, "{member} is not in docs/pages.md");
    }
}
