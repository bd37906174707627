//! What reaches a user's own login from others and is not presence: the user's pages are told.

use std::collections::VecDeque;
use std::sync::Arc;

use protocol::vp::reason::Reason;

/// What is kept for pages that look late: pieces, and bytes of text in them.
const KEPT: usize = 256;
const KEPT_BYTES: usize = 256 << 10;

/// The last news of a login, numbered. A page remembers the number it has seen.
#[derive(Clone, Debug, Default)]
pub struct News {
    next: u64,
    last: VecDeque<Arc<Item>>,
    bytes: usize,
}

/// One piece of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Somebody wanted to chat, and no page could show it, so that was refused; the other side knows.
    ChatRefused { from: String, name: String },
    /// Something of a chat.
    Chat { with: Partner, what: Chat },
    /// A text for several users.
    Announcement { from: String, name: String, text: String, may_reply: bool },
    /// A text of the administrators.
    Admin(String),
}

/// The other side of a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    pub id: String,
    /// Display name; empty if it is not known.
    pub name: String,
}

/// What happens in a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chat {
    /// Either side has begun it, and the other has agreed.
    Opened,
    /// The other side says something.
    Said(String),
    /// The other side types, or has stopped.
    Typing(bool),
    /// It is over, or never began: what was not said by then will not be heard.
    Closed(Reason),
}

impl News {
    /// Adds one; the oldest go when it is too much.
    pub fn add(&mut self, item: Item) {
        self.bytes += item.cost();
        self.last.push_back(Arc::new(item));
        self.next += 1;
        while self.last.len() > KEPT || self.bytes > KEPT_BYTES {
            let Some(oldest) = self.last.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.cost());
        }
    }

    /// What came since, and how much of it is not kept any more; `seen` is moved on.
    pub fn since(&self, seen: &mut u64) -> (u64, impl Iterator<Item = &Arc<Item>>) {
        let fresh = self.next.saturating_sub(*seen);
        *seen = self.next;
        let missed = fresh.saturating_sub(self.last.len() as u64);
        let fresh = usize::try_from(fresh).unwrap_or(usize::MAX);
        (missed, self.last.iter().skip(self.last.len().saturating_sub(fresh)))
    }

    /// The number of whoever has seen everything.
    pub fn seen(&self) -> u64 {
        self.next
    }
}

impl Item {
    /// Bytes of text.
    fn cost(&self) -> usize {
        match self {
            Self::ChatRefused { from, name } => from.len() + name.len(),
            Self::Chat { with, what } => {
                let said = if let Chat::Said(text) = what { text.len() } else { 0 };
                with.id.len() + with.name.len() + said
            }
            Self::Announcement { from, name, text, .. } => from.len() + name.len() + text.len(),
            Self::Admin(text) => text.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_sees_each_piece_once_and_old_ones_go() {
        let mut news = News::default();
        let mut seen = news.seen();
        let texts = |news: &News, seen: &mut u64| -> Vec<String> {
            let text = |item: &Arc<Item>| match &**item {
                Item::Admin(text) => text.clone(),
                other => panic!("{other:?}"),
            };
            news.since(seen).1.map(text).collect()
        };
        news.add(Item::Admin("a".into()));
        news.add(Item::Admin("b".into()));
        assert_eq!(texts(&news, &mut seen), ["a", "b"]);
        assert!(texts(&news, &mut seen).is_empty());
        for number in 0..300 {
            news.add(Item::Admin(number.to_string()));
        }
        assert_eq!(news.since(&mut seen.clone()).0, 44, "a page can say that it has missed something");
        let late = texts(&news, &mut seen);
        assert_eq!((late.len(), &*late[0]), (KEPT, "44"));
    }

    #[test]
    fn long_texts_are_kept_as_far_as_there_is_room() {
        let mut news = News::default();
        for _ in 0..10 {
            news.add(Item::Admin("x".repeat(KEPT_BYTES / 4)));
        }
        let mut nothing = 0;
        let (missed, kept) = news.since(&mut nothing);
        assert_eq!((missed, kept.count()), (6, 4));
    }
}
