//! What others bring to a user's own login: chats and announcements (vp-wire.md 3 and 9.3).
//!
//! Pages have no chat of this program. A chat that comes here although the user may have a client that shows it
//! is refused at once, with the reason that every client puts into words ("not online"), and the user's pages are
//! told who it was: it is never left without an answer.

use protocol::vp::client::{Client, Event};
use protocol::vp::prim::LoginInfo;
use protocol::vp::reason::Reason;
use tokio::sync::watch;

use crate::hub::{Item, News};

/// Answers what wants an answer, and tells the pages.
pub(super) fn answer(event: &Event, client: &mut Client, news: &watch::Sender<News>) {
    let item = match event {
        Event::Incoming { channel, create } => {
            // It fails only if the channel is gone already.
            let _ = client.destroy(*channel, Reason::PEER_OFFLINE);
            let (from, name) = named(create.creator.as_ref());
            Item::ChatRefused { from, name }
        }
        Event::Announcement(announce) => {
            let (from, name) = named(announce.sender.as_ref());
            let (text, may_reply) = (announce.text.clone(), announce.may_reply);
            Item::Announcement { from, name, text, may_reply }
        }
        Event::Admin(text) => Item::Admin(text.clone()),
        _ => return,
    };
    news.send_modify(|news| news.add(item));
}

fn named(login: Option<&LoginInfo>) -> (String, String) {
    login.map_or_else(Default::default, |login| (login.user_id.clone(), login.user_name.clone()))
}
