//! The text that says when a change was made: `1795476000000000 #17 -800,-2300 Lunch`.
//!
//! Microseconds since 1970, the number of this person's change, and how many milliseconds earlier the changes
//! before it were made, newest first, as far as they are recent. Whoever receives it knows how long it took,
//! how many changes were left out on the way, and when those were made.

use std::collections::VecDeque;

/// So many changes before the newest are told.
const RECENT: usize = 8;
/// In milliseconds; nothing is overtaken by a change that comes later than this.
const LONG_AGO: u64 = 60_000;

/// The changes of one person.
#[derive(Clone, Debug, Default)]
pub struct Stamps {
    number: u32,
    /// When they were made, newest first.
    recent: VecDeque<u64>,
}

/// What a stamped text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp<'a> {
    /// Microseconds since 1970.
    pub at: u64,
    /// 0: not numbered.
    pub number: u32,
    earlier: &'a str,
}

impl Stamps {
    /// The text of the next change, made at this time.
    pub fn text(&mut self, at: u64, words: &str) -> String {
        self.number = self.number.wrapping_add(1);
        let mut text = format!("{at} #{}", self.number);
        for (place, earlier) in self.recent.iter().enumerate() {
            let ago = at.saturating_sub(*earlier) / 1000;
            if ago > LONG_AGO {
                self.recent.truncate(place);
                break;
            }
            text.push_str(if place == 0 { " -" } else { ",-" });
            text.push_str(&ago.to_string());
        }
        self.recent.push_front(at);
        self.recent.truncate(RECENT);
        if !words.is_empty() {
            text.push(' ');
            text.push_str(words);
        }
        text
    }
}

impl<'a> Stamp<'a> {
    /// `None`: not a stamped text.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut words = text.split(' ');
        let at = words.next()?.parse().ok()?;
        let number = words.next().and_then(|word| word.strip_prefix('#')?.parse().ok()).unwrap_or(0);
        let earlier = words.next().filter(|_| number > 0).unwrap_or_default();
        Some(Self { at, number, earlier })
    }

    /// When the changes before this one were made, newest first.
    pub fn earlier(&self) -> impl Iterator<Item = u64> + use<'a> {
        let at = self.at;
        let ago = |part: &str| part.strip_prefix('-')?.parse::<u64>().ok();
        self.earlier.split(',').map_while(ago).map(move |ago| at.saturating_sub(ago.saturating_mul(1000)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_tells_the_changes_before_it() {
        let mut stamps = Stamps::default();
        assert_eq!(stamps.text(1_000_000, ""), "1000000 #1");
        assert_eq!(stamps.text(3_000_000, "Lunch"), "3000000 #2 -2000 Lunch");
        let third = stamps.text(3_500_000, "-5 degrees");
        assert_eq!(third, "3500000 #3 -500,-2500 -5 degrees");
        let stamp = Stamp::parse(&third).unwrap();
        assert_eq!((stamp.at, stamp.number), (3_500_000, 3));
        assert_eq!(stamp.earlier().collect::<Vec<_>>(), [3_000_000, 1_000_000]);
        assert_eq!(stamps.text(100_000_000, "x"), "100000000 #4 x", "those are long ago");
        for at in 0..50 {
            stamps.text(100_000_000 + at, "");
        }
        let text = stamps.text(100_000_100, "");
        assert_eq!(Stamp::parse(&text).unwrap().earlier().count(), RECENT);
    }

    #[test]
    fn other_texts_are_no_stamps_and_tell_nothing_earlier() {
        assert_eq!(Stamp::parse("Lunch"), None);
        assert_eq!(Stamp::parse(""), None);
        let stamp = Stamp::parse("17 Lunch -3").unwrap();
        assert_eq!((stamp.at, stamp.number, stamp.earlier().count()), (17, 0, 0));
        assert_eq!(Stamp::parse("17 #2 In a meeting").unwrap().earlier().count(), 0);
    }
}
