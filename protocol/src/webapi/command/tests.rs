//! Each command of the table, and what is refused.

use super::*;

fn read(verb: Verb, target: &str) -> Result<Command, Wrong> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut all = Parameters::default();
    all.add(query);
    let (verb, _) = verb.overridden(&all);
    Command::read(verb, path, &all)
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn every_command_is_read() {
    use Verb::{Delete, Get, Post, Put};
    let status = ScriptStatus(3);
    let contacts = |people, groups, private, watch| Command::Contacts { people, groups, private, watch };
    for (verb, target, expected) in [
        (Delete, "user/connect", Command::Disconnect),
        (Post, "RTCServlet/6f0c/user?userName=ann&method=put", Command::Join { sid: "6f0c".into() }),
        (Put, "RTCServlet/6f0c/user?userName=ann", Command::Join { sid: "6f0c".into() }),
        (Get, "RTCServlet?format=json&dojo.preventCache=1", Command::Poll { ack: None }),
        (Get, "RTCServlet?ack=7", Command::Poll { ack: Some(7) }),
        (Put, "RTCServlet/6f0c/endUpdate", Command::EndUpdate),
        (Delete, "RTCServlet/6f0c/user?userName=ann&broadcast=false", Command::Leave),
        (Post, "user/status?status=3&statusMessage=Hi", Command::SetStatus { status, message: "Hi".into() }),
        (Post, "presence?users=a|b", Command::Watch(texts(&["a", "b"]))),
        (Delete, "presence?users=a", Command::Unwatch(Some(texts(&["a"])))),
        (Delete, "presence", Command::Unwatch(None)),
        (Post, "presence?groupId=Lisbon", Command::WatchGroup("Lisbon".into())),
        (Delete, "presence?groupId=Lisbon", Command::UnwatchGroup("Lisbon".into())),
        (Get, "presence/status?users=a", Command::ReadStatus(texts(&["a"]))),
        (Delete, "presence/status", Command::Suspend),
        (Post, "presence/status?method=delete", Command::Suspend),
        (Post, "presence/status", Command::Resume),
        (
            Post,
            "presence/attributes?attributes=1|2",
            Command::Attributes { names: texts(&["1", "2"]), add: true },
        ),
        (Get, "buddylist?isWatchList=TRUE", contacts(true, true, None, true)),
        (Get, "buddylist/users?isPrivate=true", contacts(true, false, Some(true), false)),
        (Get, "buddylist/groups?isPrivate=false", contacts(false, true, Some(false), false)),
        (Delete, "buddylist/group?groupId=G", Command::Edit(Edit::RemoveGroup("G".into()))),
        (
            Put,
            "buddylist/group?oldGroupId=G&newGroupId=H",
            Command::Edit(Edit::RenameGroup { old: "G".into(), new: "H".into() }),
        ),
        (
            Post,
            "buddylist/alerts?receivers=a|b&message=Fire&isAllowed=true",
            Command::Announce { receivers: texts(&["a", "b"]), message: "Fire".into(), may_reply: true },
        ),
        (
            Get,
            "quickfind?searchString=An&isUser=true",
            Command::Find { text: "An".into(), people: Some(true) },
        ),
        (Get, "userinfo?userId=a", Command::UserInfo("a".into())),
        (Get, "user/privacy", Command::Privacy),
        (
            Post,
            "user/privacy?list=a|b&isExcluding=TRUE",
            Command::SetPrivacy { list: texts(&["a", "b"]), excluding: true },
        ),
        (Get, "preferences", Command::Preferences(None)),
        (Get, "preferences/sound", Command::Preferences(Some("sound".into()))),
        (
            Post,
            "preferences/sound?value=on",
            Command::SetPreference { name: "sound".into(), value: "on".into() },
        ),
        (Get, "connectweb/loggedin", Command::LoggedIn),
        (Post, "chat?userId=a", Command::Chat { user: "a".into(), text: None }),
        (
            Post,
            "chat?userId=a&msg=Hi%20there",
            Command::Chat { user: "a".into(), text: Some("Hi there".into()) },
        ),
        (Put, "chat?userId=a&typing=TRUE", Command::Typing { user: "a".into(), typing: true }),
        (Put, "chat/nway", Command::Elsewhere),
    ] {
        assert_eq!(read(verb, target), Ok(expected), "{verb:?} {target}");
    }
}

#[test]
fn what_is_known_is_what_can_be_read() {
    for path in ["user/connect", "user/status/", "RTCServlet/1/user", "presence/status", "quickfind", "chat"]
    {
        assert!(Command::is_known(path, true), "{path}");
    }
    for path in
        ["", "user", "user/location", "call", "chat/nway", "nway/invitation", "connectweb", "Presence"]
    {
        assert!(!Command::is_known(path, true), "{path}");
        let read = read(Verb::Get, path);
        assert!(matches!(read, Err(Wrong::Unknown) | Ok(Command::Elsewhere)), "{path}");
    }
    assert!(!Command::is_known("chat", false));
}

#[test]
fn the_three_ways_to_log_in() {
    let method = |query: &str| match read(Verb::Post, &format!("user/connect?{query}")) {
        Ok(Command::Connect(connect)) => Ok(connect.method),
        Ok(other) => panic!("{other:?}"),
        Err(wrong) => Err(wrong),
    };
    assert_eq!(method(""), Ok(LoginMethod::Token));
    assert_eq!(method("loginMethod=byToken&loginType=5284&initialStatus=1"), Ok(LoginMethod::Token));
    assert_eq!(method("username=ann&password=pw"), Ok(LoginMethod::Password));
    assert_eq!(method("loginMethod=anonymous&username=guest"), Ok(LoginMethod::Anonymous));
    assert_eq!(method("loginMethod=byToken&username=ann&token=stoken"), Ok(LoginMethod::Token));
    assert_eq!(method("loginMethod=byPassword&username=ann"), Err(Wrong::Missing("password")));
    assert_eq!(method("loginMethod=byPassword&password=pw"), Err(Wrong::Missing("username")));
    assert_eq!(method("loginMethod=byMagic"), Err(Wrong::Bad("loginMethod")));
    let shown = format!("{:?}", read(Verb::Post, "user/connect?username=ann&password=hush&token=hush"));
    assert!(!shown.contains("hush"), "{shown}");
}

#[test]
fn what_is_no_command_says_why() {
    use Verb::{Delete, Get, Post, Put};
    for (verb, target, expected) in [
        (Get, "", Wrong::Unknown),
        (Get, "nothing", Wrong::Unknown),
        (Get, "user", Wrong::Unknown),
        (Get, "RTCServlet/a/b/c", Wrong::Unknown),
        (Get, "user/connect", Wrong::Verb),
        (Delete, "quickfind?searchString=a", Wrong::Verb),
        (Put, "presence", Wrong::Verb),
        (Post, "presence", Wrong::Missing("users")),
        (Get, "presence/status", Wrong::Missing("users")),
        (Get, "quickfind", Wrong::Missing("searchString")),
        (Get, "quickfind?SearchString=a", Wrong::Missing("searchString")),
        (Post, "user/status", Wrong::Missing("status")),
        (Post, "user/status?status=96", Wrong::Bad("status")),
        (Post, "user/status?status=away", Wrong::Bad("status")),
        (Get, "chat?userId=a", Wrong::Verb),
        (Post, "chat?msg=Hi", Wrong::Missing("userId")),
        (Put, "chat?userId=a", Wrong::Missing("typing")),
        (Post, "buddylist/user", Wrong::Missing("userId")),
    ] {
        assert_eq!(read(verb, target), Err(expected), "{verb:?} {target}");
    }
}
