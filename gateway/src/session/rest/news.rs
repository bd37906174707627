//! How a page hears what others want of its user: browser-side.md 3.4, as far as that is published.

use protocol::webapi::Code;
use protocol::webapi::update::Update;
use serde_json::json;

use crate::hub::{Chat, Item, Partner};

pub(super) fn told(item: &Item) -> Update {
    match item {
        Item::ChatRefused { from, name } => {
            let fields = json!({"userId": from, "displayName": name});
            Update::failed(["chat", "refused"], fields, 409, Code::NoChat)
        }
        Item::Chat { with, what } => chat(with, what),
        Item::Announcement { from, name, text, may_reply } => {
            let fields =
                json!({"userId": from, "displayName": name, "message": text, "isAllowed": may_reply});
            Update::new(["announcement", "received"], fields)
        }
        Item::Admin(text) => Update::new(["admin", "message"], json!({"message": text})),
    }
}

/// What was not kept for a page that came late.
pub(super) fn missed(count: u64) -> Option<Update> {
    (count > 0).then(|| Update::new(["session", "missed"], json!({"count": count})))
}

fn chat(with: &Partner, what: &Chat) -> Update {
    let Partner { id, name } = with;
    match what {
        Chat::Opened => Update::new(["chat", "opened"], json!({"userId": id, "displayName": name})),
        Chat::Said(text) => {
            let fields = json!({"userId": id, "displayName": name, "msg": text, "richtext": as_markup(text)});
            Update::new(["chat", "data"], fields)
        }
        Chat::Typing(typing) => {
            Update::new(["chat", "isTyping"], json!({"userId": id, "displayName": name, "typing": typing}))
        }
        Chat::Closed(reason) => {
            let fields = json!({"userId": id, "displayName": name, "message": reason.text()});
            if reason.is_failure() {
                Update::failed(["chat", "closed"], fields, 409, Code::NoChat)
            } else {
                Update::new(["chat", "closed"], fields)
            }
        }
    }
}

/// What is said is text; where a page takes it for markup it must mean the same.
fn as_markup(text: &str) -> String {
    let mut markup = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => markup.push_str("&amp;"),
            '<' => markup.push_str("&lt;"),
            '>' => markup.push_str("&gt;"),
            '"' => markup.push_str("&quot;"),
            '\'' => markup.push_str("&#39;"),
            '\n' => markup.push_str("<br>"),
            '\r' => {}
            c => markup.push(c),
        }
    }
    markup
}

#[cfg(test)]
mod tests {
    use protocol::vp::reason::Reason;

    use super::*;

    #[test]
    fn what_is_said_is_never_markup() {
        let with = Partner { id: "CN=Bo/O=Acme".into(), name: "Bo".into() };
        let update = chat(&with, &Chat::Said("<img src=x onerror=\"a('&')\">\r\nHi".into()));
        let value = update.value();
        assert_eq!(value["msg"], "<img src=x onerror=\"a('&')\">\r\nHi");
        assert_eq!(value["richtext"], "&lt;img src=x onerror=&quot;a(&#39;&amp;&#39;)&quot;&gt;<br>Hi");
    }

    #[test]
    fn an_end_says_whether_it_was_a_failure() {
        let with = Partner { id: "CN=Bo/O=Acme".into(), name: String::new() };
        let code = |reason| chat(&with, &Chat::Closed(reason)).value()["returnCode"].clone();
        assert_eq!(code(Reason::OK), 200);
        assert_eq!(code(Reason::PEER_OFFLINE), 409);
        assert!(missed(0).is_none());
    }
}
