//! A small set of indexes, one bit each: which of a subscriber's watches have news.

/// Indexes below 64 cost no allocation.
#[derive(Debug, Default)]
pub(super) struct Bits {
    first: u64,
    rest: Vec<u64>,
    count: u32,
}

impl Bits {
    /// Whether the index was not in the set.
    pub(super) fn insert(&mut self, index: usize) -> bool {
        let word = index / 64;
        if word > self.rest.len() {
            self.rest.resize(word, 0);
        }
        let bit = 1 << (index % 64);
        let Some(word) = self.word(word) else { return false };
        let is_new = *word & bit == 0;
        *word |= bit;
        self.count += u32::from(is_new);
        is_new
    }

    /// Whether the index was in the set.
    pub(super) fn remove(&mut self, index: usize) -> bool {
        let bit = 1 << (index % 64);
        let Some(word) = self.word(index / 64) else { return false };
        let was_in = *word & bit != 0;
        *word &= !bit;
        self.count -= u32::from(was_in);
        was_in
    }

    /// Follows `swap_remove` of a list: `index` goes, `last` takes its place.
    pub(super) fn swap_remove(&mut self, index: usize, last: usize) {
        self.remove(index);
        if index != last && self.remove(last) {
            self.insert(index);
        }
    }

    /// Takes the first index not below `from`, or else the first of all.
    pub(super) fn take_from(&mut self, from: usize) -> Option<usize> {
        if self.count == 0 {
            return None;
        }
        let index = self.find(from).or_else(|| self.find(0))?;
        self.remove(index);
        Some(index)
    }

    pub(super) fn len(&self) -> usize {
        self.count as usize
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn find(&self, from: usize) -> Option<usize> {
        let start = from / 64;
        let words = std::iter::once(&self.first).chain(&self.rest).enumerate().skip(start);
        for (number, word) in words {
            let mask = if number == start { u64::MAX << (from % 64) } else { u64::MAX };
            if word & mask != 0 {
                return Some(number * 64 + (word & mask).trailing_zeros() as usize);
            }
        }
        None
    }

    fn word(&mut self, number: usize) -> Option<&mut u64> {
        match number.checked_sub(1) {
            None => Some(&mut self.first),
            Some(rest) => self.rest.get_mut(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_taken_in_rotation() {
        let mut bits = Bits::default();
        for index in [3, 64, 200, 65] {
            assert!(bits.insert(index));
            assert!(!bits.insert(index));
        }
        let taken: Vec<usize> = std::iter::from_fn(|| bits.take_from(65)).collect();
        assert_eq!(taken, [65, 200, 3, 64]);
        assert_eq!(bits.len(), 0);
    }

    #[test]
    fn it_follows_a_swap_remove() {
        let mut bits = Bits::default();
        bits.insert(1);
        bits.insert(70);
        bits.swap_remove(1, 70);
        assert_eq!((bits.take_from(0), bits.take_from(0)), (Some(1), None));
        bits.insert(5);
        bits.swap_remove(5, 5);
        assert_eq!(bits.len(), 0);
    }
}
