//! Randomness of a seed: every run of a seed makes the same choices.

use std::time::Duration;

use protocol::vp::crypto::Random;

/// SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which must not be 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// True once in `times`.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// Something of the list, which must not be empty.
    pub(crate) fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    pub(crate) fn milliseconds(&mut self, below: usize) -> Duration {
        Duration::from_micros(self.below(below * 1000) as u64)
    }

    /// Random bytes for a machine.
    pub(crate) fn source(&mut self) -> Random {
        let mut own = Self(self.next());
        Box::new(move |bytes| bytes.iter_mut().for_each(|byte| *byte = own.next() as u8))
    }
}
