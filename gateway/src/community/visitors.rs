//! What others bring to a user's own login beside chats: announcements (vp-wire.md 3).

use protocol::vp::client::Event;
use tokio::sync::watch;

use crate::hub::{Item, News};

/// What there is to tell the pages.
pub(super) fn said(event: &Event) -> Option<Item> {
    match event {
        Event::Announcement(announce) => {
            let sender = announce.sender.as_ref();
            let (from, name) = sender
                .map_or_else(Default::default, |login| (login.user_id.clone(), login.user_name.clone()));
            let (text, may_reply) = (announce.text.clone(), announce.may_reply);
            Some(Item::Announcement { from, name, text, may_reply })
        }
        Event::Admin(text) => Some(Item::Admin(text.clone())),
        _ => None,
    }
}

/// Tells all of the user's pages.
pub(super) fn tell(news: &watch::Sender<News>, items: impl IntoIterator<Item = Item>) {
    news.send_if_modified(|news| items.into_iter().map(|item| news.add(item)).count() > 0);
}
