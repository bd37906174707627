//! Chance that depends on nothing but the seed: amounts by dice, and who is watched by many.

use std::fmt;
use std::str::FromStr;

/// Splitmix64: small, good enough, and the same everywhere.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// A sequence of its own for each seed and purpose.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut dice = Self(seed ^ purpose.wrapping_mul(0xd6e8_feb8_6659_fd93));
        dice.roll();
        dice
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `bound` - 1; 0 if the bound is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.roll() % bound).unwrap_or(0)
    }

    /// From 0 to just below 1.
    pub fn share(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// An amount that differs from browser to browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Always the same.
    Fixed(usize),
    /// `20-80`: all equally likely.
    Range(usize, usize),
    /// `4d100`: the sum of so many dice with so many sides.
    Dice { count: usize, sides: usize },
}

/// Dice beyond this would take their time.
const MOST_DICE: usize = 1000;

impl Amount {
    /// One amount.
    pub fn draw(self, dice: &mut Dice) -> usize {
        match self {
            Self::Fixed(amount) => amount,
            Self::Range(low, high) => low + dice.below(high - low + 1),
            Self::Dice { count, sides } => (0..count).map(|_| 1 + dice.below(sides)).sum(),
        }
    }

    /// The largest there can be.
    pub fn most(self) -> usize {
        match self {
            Self::Fixed(amount) => amount,
            Self::Range(_, high) => high,
            Self::Dice { count, sides } => count * sides,
        }
    }
}

impl FromStr for Amount {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = |text: &str| text.trim().parse::<u32>().map(|number| number as usize).map_err(|_| ());
        if let Some((count, sides)) = text.split_once('d') {
            let (count, sides) = (number(count)?, number(sides)?);
            return if (1..=MOST_DICE).contains(&count) && sides > 0 {
                Ok(Self::Dice { count, sides })
            } else {
                Err(())
            };
        }
        if let Some((low, high)) = text.split_once('-') {
            let (low, high) = (number(low)?, number(high)?);
            return if low <= high { Ok(Self::Range(low, high)) } else { Err(()) };
        }
        number(text).map(Self::Fixed)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(amount) => write!(f, "{amount}"),
            Self::Range(low, high) => write!(f, "{low}-{high}"),
            Self::Dice { count, sides } => write!(f, "{count}d{sides}"),
        }
    }
}

/// How unevenly people are watched: the weight of the n-th most popular person is n to the power of
/// minus this. 0: all alike; 1: a few are on nearly every list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Popularity(pub f64);

impl Popularity {
    /// Sums of weights, in the order of the directory, for [`pick`].
    pub fn sums(self, people: usize) -> Vec<f64> {
        let mut sum = 0.0;
        (1..=people)
            .map(|rank| {
                sum += (rank as f64).powf(-self.0);
                sum
            })
            .collect()
    }
}

/// `amount` different people of `sums`, by weight, in ascending order; fewer if there are not so many.
pub(crate) fn pick(sums: &[f64], amount: usize, dice: &mut Dice) -> Vec<u32> {
    let amount = amount.min(sums.len());
    let all = sums.last().copied().unwrap_or(0.0);
    let mut picked = std::collections::BTreeSet::new();
    // With much skew the last few of a long list are hard to hit by weight.
    for _ in 0..amount * 8 {
        if picked.len() == amount {
            break;
        }
        let wanted = dice.share() * all;
        picked.insert(sums.partition_point(|sum| *sum <= wanted).min(sums.len() - 1));
    }
    let mut next = dice.below(sums.len());
    while picked.len() < amount {
        picked.insert(next % sums.len());
        next += 1;
    }
    picked.into_iter().map(|index| u32::try_from(index).unwrap_or(u32::MAX)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_stay_in_their_limits() {
        for (text, low, high) in [("50", 50, 50), ("20-80", 20, 80), ("4d100", 4, 400)] {
            let amount: Amount = text.parse().unwrap();
            assert_eq!((amount.to_string(), amount.most()), (text.to_owned(), high));
            let mut dice = Dice::new(1, 2);
            let drawn: Vec<_> = (0..2000).map(|_| amount.draw(&mut dice)).collect();
            assert!(drawn.iter().all(|amount| (low..=high).contains(amount)), "{text}");
            let mean = drawn.iter().sum::<usize>() as f64 / 2000.0;
            let expected = if text == "4d100" { 202.0 } else { (low + high) as f64 / 2.0 };
            assert!((mean - expected).abs() <= expected / 20.0, "{text}: {mean}");
        }
        for text in ["", "x", "-", "9-3", "0d6", "4d", "4d0", "2000d2"] {
            assert_eq!(text.parse::<Amount>(), Err(()), "{text}");
        }
    }

    #[test]
    fn lists_have_no_doubles_and_skew_makes_some_popular() {
        let count = |skew: f64| {
            let sums = Popularity(skew).sums(1000);
            let mut first = 0;
            for browser in 0..500 {
                let list = pick(&sums, 50, &mut Dice::new(7, browser));
                assert_eq!(list.len(), 50);
                assert!(list.is_sorted_by(|a, b| a < b));
                first += usize::from(list[0] == 0);
            }
            first
        };
        assert!((5..60).contains(&count(0.0)), "evenly, one in twenty watches the first person");
        assert!(count(1.0) > 450, "with skew nearly everybody does");
        assert_eq!(pick(&Popularity(2.0).sums(10), 50, &mut Dice::new(1, 1)).len(), 10);
    }

    #[test]
    fn the_same_seed_gives_the_same_list() {
        let sums = Popularity(0.8).sums(300);
        let list = |seed| pick(&sums, 20, &mut Dice::new(seed, 3));
        assert_eq!(list(5), list(5));
        assert_ne!(list(5), list(6));
    }
}
