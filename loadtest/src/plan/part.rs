//! Several generators play one plan: each its share of the browsers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// As many as the community lets wait for each other.
const MOST: usize = 32;

/// Which share of a plan's browsers a generator plays. All generators draw the same browsers and times from the
/// seed, so that the parts together are what one generator would play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// From 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

impl Part {
    /// All browsers.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    /// There are no others.
    pub fn is_whole(self) -> bool {
        self.of == 1
    }

    /// What concerns all browsers is done by one generator: the changes, and rich clients.
    pub fn leads(self) -> bool {
        self.number == 1
    }

    /// The number that a browser has among those of this part; nothing if another plays it.
    pub fn place(self, browser: usize) -> Option<usize> {
        (browser % self.of == self.number - 1).then_some(browser / self.of)
    }

    /// How many of the first so many browsers are its own.
    pub fn share(self, browsers: usize) -> usize {
        (browsers + self.of - self.number) / self.of
    }
}

impl FromStr for Part {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts =
            text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((number, of)) if (1..=of).contains(&number) && of <= MOST => Ok(Self { number, of }),
            _ => Err("expected a number and how many there are, such as 2/3; at most 32"),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "part {} of {}", self.number, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_browser_is_played_once() {
        for of in 1..=5 {
            let parts: Vec<Part> = (1..=of).map(|number| format!("{number}/{of}").parse().unwrap()).collect();
            for browsers in 0..40 {
                for part in &parts {
                    let places: Vec<_> = (0..browsers).filter_map(|browser| part.place(browser)).collect();
                    assert!(places.iter().copied().eq(0..part.share(browsers)), "{part}: {places:?}");
                }
                assert_eq!(parts.iter().map(|part| part.share(browsers)).sum::<usize>(), browsers);
            }
        }
        for wrong in ["0/2", "3/2", "1", "1/", "a/b", "1/33"] {
            assert!(wrong.parse::<Part>().is_err(), "{wrong}");
        }
    }
}
