//! What reaches a user's own login from others and is not presence: the user's pages are told.

use std::collections::VecDeque;
use std::sync::Arc;

/// What is kept for pages that look late.
const KEPT: usize = 16;

/// The last news of a login, numbered. A page remembers the number it has seen.
#[derive(Clone, Debug, Default)]
pub struct News {
    next: u64,
    last: VecDeque<Arc<Item>>,
}

/// One piece of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Somebody wanted to chat. Pages have no chat, so that was refused; the other side knows.
    ChatRefused { from: String, name: String },
    /// A text for several users.
    Announcement { from: String, name: String, text: String, may_reply: bool },
    /// A text of the administrators.
    Admin(String),
}

impl News {
    /// Adds one; the oldest goes when there are too many.
    pub fn add(&mut self, item: Item) {
        if self.last.len() >= KEPT {
            self.last.pop_front();
        }
        self.last.push_back(Arc::new(item));
        self.next += 1;
    }

    /// What came since, as far as it is kept; `seen` is moved on.
    pub fn since(&self, seen: &mut u64) -> impl Iterator<Item = &Arc<Item>> {
        let fresh = usize::try_from(self.next.saturating_sub(*seen)).unwrap_or(usize::MAX);
        *seen = self.next;
        self.last.iter().skip(self.last.len().saturating_sub(fresh))
    }

    /// The number of whoever has seen everything.
    pub fn seen(&self) -> u64 {
        self.next
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
            news.since(seen).map(text).collect()
        };
        news.add(Item::Admin("a".into()));
        news.add(Item::Admin("b".into()));
        assert_eq!(texts(&news, &mut seen), ["a", "b"]);
        assert!(texts(&news, &mut seen).is_empty());
        for number in 0..100 {
            news.add(Item::Admin(number.to_string()));
        }
        let late = texts(&news, &mut seen);
        assert_eq!((late.len(), &*late[0]), (KEPT, "84"));
    }
}
