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

    // Somebody whom nobody watches, by a name that has to be looked up: the state, not the wait for it.
    let status = call(&mut page, "watchlist.getStatus", &json!(["p1@renovation.test"])).await;
    assert_eq!((&status[0], &status[1]["status"]), (&json!("ok"), &json!(3)));

    // What is not offered.
    for member in ["openChat", "openGroupChat"] {
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
async fn the_contact_list_is_edited_and_its_groups_are_watched() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(4)).await;
    site.online([id(1)]);
    let mut page = site.browser().await;
    site.log_in(&mut page, "https", &id(0), 600, "; Secure").await;
    page.open(&site.page("https", "https", "stproxy", "")).await;
    page.wait_for("window.outcome === 'works' && stproxy.isLoggedIn").await;
    for (member, arguments) in [
        ("buddylist.addGroup", json!(["Mates", true])),
        ("buddylist.addUser", json!([id(1), "Mates", "One"])),
        ("buddylist.addUser", json!([id(2), "Mates"])),
        ("buddylist.renameUser", json!([id(2), "Two"])),
        ("buddylist.renameGroup", json!(["Mates", "Friends"])),
    ] {
        assert_eq!(call(&mut page, member, &arguments).await[0], "ok", "{member}");
    }
    let told = call(&mut page, "watchlist.addGroup", &json!(["Friends"])).await;
    let names: Vec<_> =
        told[1]["children"].as_array().unwrap().iter().map(|child| &child["displayName"]).collect();
    assert_eq!(names, ["One", "Two"]);
    page.wait_for(&format!("updates[{:?}]?.status === 1 && updates[{:?}]?.status === 0", id(1), id(2))).await;
    site.community.set_status(&PersonId::from(id(1).as_str()), Status::Away, "");
    page.wait_for(&format!("updates[{:?}].status === 2", id(1))).await;
    assert_eq!(call(&mut page, "watchlist.removeGroup", &json!(["Friends"])).await[0], "ok");
    assert_eq!(call(&mut page, "watchlist.addGroup", &json!(["Nobody's"])).await[2], 5);
    for (member, arguments) in
        [("buddylist.removeUser", json!([id(1), "Friends"])), ("buddylist.removeGroup", json!(["Friends"]))]
    {
        assert_eq!(call(&mut page, member, &arguments).await[0], "ok", "{member}");
    }
    let groups = call(&mut page, "buddylist.getGroups", &json!([])).await;
    assert_eq!(groups[1]["AllPrivateGroups"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_entry_point_changes_nothing() {
    if !browser::available() {
        return;
    }
    let site = Site::start(&people(2)).await;
    site.online([id(1)]);
    let mut page = site.browser().await;
    site.log_in(&mut page, "https", &id(0), 600, "; Secure").await;
    for (family, object, scripts) in [
        ("stproxy", "stproxy", ["stbaseapi/baseComps.js", "stwebclient/livename.js"]),
        ("links", "setSTLinksURL", ["sametime/stlinks/stlinks.js", "Sametime/STLinks/STLinks.js"]),
    ] {
        page.open(&site.page("https", "https", family, "loose=1")).await;
        page.wait_for("window.outcome === 'works'").await;
        page.value(&format!("{{ window.before = {object}; window.sockets = 0; const Real = WebSocket; window.WebSocket = class extends Real {{ constructor(url) {{ super(url); sockets += 1; }} }}; undefined }}")).await;
        for script in scripts {
            let load = format!(
                "new Promise((done) => {{ const script = document.createElement('script'); script.src = {:?}; script.onload = () => done(true); document.head.append(script); }})",
                format!("{}/{script}", site.gateway("https"))
            );
            assert_eq!(page.value(&load).await, true);
        }
        assert_eq!(page.value(&format!("before === {object}")).await, true, "{family}");
        page.value("addRow('CN=Person 1/O=Renovation')").await;
        page.wait_for("document.querySelector('.livename[data-status=active]')").await;
        assert_eq!(page.value("sockets").await, 0, "{family}: one connection does");
        assert_eq!(page.value("document.querySelectorAll('.livename').length").await, 1);
    }
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
    // What the other families put into a page's hands.
    let before = "{ const frame = document.createElement('iframe'); document.body.append(frame); Object.keys(window).filter((name) => !(name in frame.contentWindow)) }";
    page.open(&site.page("https", "https", "links", "loose=1")).await;
    page.wait_for("window.outcome === 'works'").await;
    let globals = page.value(before).await;
    let of_page = ["outcome", "user", "wished", "addRow", "0"];
    let globals: Vec<&str> = globals.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let globals: Vec<&str> = globals.into_iter().filter(|name| !of_page.contains(name)).collect();
    assert!(globals.len() > 8, "{globals:?}");
    let prototypes = "import(new URLSearchParams(location.search).get('gateway') + '/livename/v1/events.js').then((module) =>\
        ['Presence', 'LiveNames'].flatMap((name) => Object.getOwnPropertyNames(module[name].prototype)))";
    page.open(&site.page("https", "https", "events", "loose=1")).await;
    let members = page.value(prototypes).await;
    let members = members.as_array().unwrap().iter().filter_map(Value::as_str);
    for member in globals.into_iter().chain(members.filter(|name| *name != "constructor")) {
        let told = [format!("`{member}"), format!(".{member}"), format!(" {member}(")];
        assert!(told.iter().any(|form| docs.contains(form)), "{member} is not in docs/pages.md");
    }
}
