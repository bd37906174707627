//! What an event channel says to its page (docs/events.md): messages as JSON text.
//!
//! A person's state is written once per change and shared by everybody who watches; the frame around it
//! is joined from those pieces.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use gateway_core::{Cursor, StateRecord, WireForm};
use serde_json::json;

use super::channel::{Bounds, ChannelKey};
use super::command::Refusal;
use crate::hub::{Chat, Item, Me};
use crate::names::Meaning;

/// Why a channel ends, for the page and for the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) code: &'static str,
    pub(crate) close_code: u16,
    pub(crate) message: &'static str,
    /// Whether coming back makes sense.
    pub(crate) retry: bool,
}

macro_rules! ends {
    ($($name:ident = $code:literal, $close:literal, $retry:literal, $message:literal;)*) => {
        impl End {
            $(pub(crate) const $name: Self =
                Self { code: $code, close_code: $close, message: $message, retry: $retry };)*
        }
    };
}

ends! {
    LOGGED_OUT = "logged_out", 1000, false, "logged out";
    DRAINING = "draining", 1001, true, "this node stops; come back in a moment";
    NOT_TEXT = "bad_message", 1003, true, "only text messages are understood";
    NOT_UTF8 = "bad_message", 1007, true, "a message was not UTF-8 or not a legal frame";
    TOO_BIG = "message_too_big", 1009, true, "a message was over the size limit";
    TOKEN_EXPIRED = "token_expired", 4401, false, "the login has expired; reload the page";
    LOGGED_IN_ELSEWHERE = "logged_in_elsewhere", 4403, false, "the community has ended this login";
    LOGIN_REFUSED = "login_refused", 4404, false, "the community does not accept this login";
    TOO_SLOW = "too_slow", 4408, true, "answers piled up unread";
}

impl End {
    pub(crate) fn text(&self) -> Bytes {
        text(&json!({"type": "end", "code": self.code, "message": self.message, "retry": self.retry}))
    }
}

pub(super) fn hello(
    key: &ChannelKey,
    me: Option<&Me>,
    expires_in: Option<Duration>,
    bounds: &Bounds,
) -> Bytes {
    text(&json!({
        "type": "hello",
        "version": 1,
        "channel": key.to_string(),
        "me": me.map(me_object),
        "expires_in": expires_in.map(|left| left.as_secs()),
        "limits": {"watches": bounds.watches, "message_bytes": bounds.message_bytes},
    }))
}

pub(crate) fn me(me: Option<&Me>) -> Bytes {
    text(&json!({"type": "me", "me": me.map(me_object)}))
}

pub(crate) fn ok(id: Option<u64>) -> Bytes {
    text(&with_id(json!({"type": "ok"}), id))
}

/// What somebody else wanted of the user.
pub(crate) fn notice(item: &Item) -> Bytes {
    text(&match item {
        Item::ChatRefused { from, name } => {
            json!({"type": "notice", "notice": "chat_refused", "from": from, "name": name})
        }
        Item::Chat { with, what } => {
            let (from, name) = (&with.id, &with.name);
            match what {
                Chat::Opened => {
                    json!({"type": "notice", "notice": "chat_opened", "from": from, "name": name})
                }
                Chat::Said(text) => {
                    json!({"type": "notice", "notice": "chat", "from": from, "name": name, "text": text})
                }
                Chat::Typing(typing) => json!({
                    "type": "notice", "notice": "chat_typing", "from": from, "name": name, "typing": typing,
                }),
                Chat::Closed(reason) => json!({
                    "type": "notice", "notice": "chat_closed", "from": from, "name": name,
                    "reason": reason.text(),
                }),
            }
        }
        Item::Announcement { from, name, text, may_reply } => json!({
            "type": "notice", "notice": "announcement", "from": from, "name": name, "text": text,
            "may_reply": may_reply,
        }),
        Item::Admin(text) => json!({"type": "notice", "notice": "admin", "text": text}),
    })
}

/// Who is meant by the names of a `watch`.
pub(crate) fn names(id: Option<u64>, names: &[(Arc<str>, Meaning)]) -> Bytes {
    let entry = |(asked, meaning): &(Arc<str>, Meaning)| match meaning {
        Meaning::Person { id, name } => json!({"asked": &**asked, "id": id.as_str(), "name": &**name}),
        other => json!({"asked": &**asked, "error": why(other)}),
    };
    let names: Vec<_> = names.iter().map(entry).collect();
    text(&with_id(json!({"type": "names", "names": names}), id))
}

fn why(meaning: &Meaning) -> &'static str {
    match meaning {
        Meaning::Person { .. } => "",
        Meaning::Group(_) => "group",
        Meaning::Nobody => "nobody",
        Meaning::Ambiguous => "ambiguous",
        Meaning::Outside => "outside",
        Meaning::Unavailable => "unavailable",
    }
}

pub(crate) fn renewed(id: Option<u64>, expires_in: Option<Duration>) -> Bytes {
    text(&with_id(json!({"type": "renewed", "expires_in": expires_in.map(|left| left.as_secs())}), id))
}

pub(crate) fn pong(id: Option<u64>) -> Bytes {
    text(&with_id(json!({"type": "pong"}), id))
}

pub(crate) fn error(refusal: &Refusal) -> Bytes {
    text(&with_id(json!({"type": "error", "code": refusal.code, "message": refusal.message}), refusal.id))
}

/// The last message about few states that this thread has made.
#[derive(Default)]
struct Last {
    states: Vec<Arc<StateRecord>>,
    cursor: Option<Cursor>,
    message: Bytes,
}

/// So many states are few.
const FEW: usize = 16;

thread_local! {
    static LAST: RefCell<Last> = RefCell::default();
}

/// One message for several states; `cursor` if the page has now seen everything. Pages that watch the same people
/// are told of a change one after the other, in the same words: these are made once.
pub(crate) fn presence(states: &[Arc<StateRecord>], cursor: Option<Cursor>) -> Bytes {
    if states.len() > FEW {
        return joined(states, cursor);
    }
    LAST.with_borrow_mut(|last| {
        let is_same = last.cursor == cursor
            && last.states.len() == states.len()
            && last.states.iter().zip(states).all(|(last, state)| Arc::ptr_eq(last, state));
        if !is_same {
            last.states.clear();
            last.states.extend_from_slice(states);
            (last.cursor, last.message) = (cursor, joined(states, cursor));
        }
        last.message.clone()
    })
}

fn joined(states: &[Arc<StateRecord>], cursor: Option<Cursor>) -> Bytes {
    let pieces = states.iter().map(|state| state.wire(WireForm::Events, person));
    let mut frame = BytesMut::with_capacity(pieces.clone().map(|piece| piece.len() + 1).sum::<usize>() + 96);
    frame.put_slice(br#"{"type":"presence","people":["#);
    for (index, piece) in pieces.enumerate() {
        if index > 0 {
            frame.put_u8(b',');
        }
        frame.put_slice(piece);
    }
    frame.put_u8(b']');
    if let Some(cursor) = cursor {
        // Into memory that grows: nothing can go wrong.
        let _ = write!(frame, r#","cursor":"{cursor}""#);
    }
    frame.put_u8(b'}');
    frame.freeze()
}

fn person(state: &StateRecord) -> Bytes {
    let presence = &state.presence;
    text(&json!({
        "id": state.person.as_str(),
        "status": presence.status.name(),
        "text": &*presence.text,
        "name": &*presence.name,
        "mobile": presence.mobile,
        "revision": state.revision(),
    }))
}

fn me_object(me: &Me) -> serde_json::Value {
    json!({
        "id": me.person.as_str(),
        "status": me.presence.status.name(),
        "text": &*me.presence.text,
        "login": me.login.name(),
    })
}

fn with_id(mut message: serde_json::Value, id: Option<u64>) -> serde_json::Value {
    if let (Some(id), Some(fields)) = (id, message.as_object_mut()) {
        fields.insert("id".to_owned(), id.into());
    }
    message
}

fn text(value: &serde_json::Value) -> Bytes {
    value.to_string().into()
}

#[cfg(test)]
mod tests {
    use protocol::presence::{Presence, Status};

    use super::*;

    #[test]
    fn states_share_one_frame_and_are_written_once() {
        let state = |id: &str, text: &str| {
            let presence = Presence { text: text.into(), ..Presence::of(Status::Away) };
            Arc::new(StateRecord::new(id.into(), presence, 7, Duration::ZERO))
        };
        let states = [state("CN=Ann/O=Acme", "\"Lunch\" </script>"), state("CN=\u{9234}/O=Acme", "")];
        let cursor = "1.2.3".parse().ok();
        let frame = presence(&states, cursor);
        let value: serde_json::Value = serde_json::from_slice(&frame).unwrap();
        assert_eq!(value["people"][0]["text"], "\"Lunch\" </script>");
        assert_eq!(value["people"][1]["id"], "CN=\u{9234}/O=Acme");
        assert_eq!(value["cursor"], "1.2.3");
        let first = states[0].wire(WireForm::Events, |_| unreachable!("it was written already"));
        assert!(!first.is_empty());

        assert_eq!(presence(&states, cursor).as_ptr(), frame.as_ptr(), "the same words");
        let [ann, other] = &states;
        for (states, cursor) in [
            (vec![ann.clone()], cursor),
            (vec![other.clone(), ann.clone()], cursor),
            (vec![state("CN=Ann/O=Acme", "back"), other.clone()], cursor),
            (states.to_vec(), None),
            (vec![ann.clone(); FEW + 1], cursor),
        ] {
            let message = presence(&states, cursor);
            assert_eq!(message, joined(&states, cursor));
            assert_ne!(message, frame);
        }
    }

    #[test]
    fn answers_repeat_the_number_of_their_command() {
        assert_eq!(ok(Some(7)), r#"{"id":7,"type":"ok"}"#);
        assert_eq!(ok(None), r#"{"type":"ok"}"#);
    }
}
