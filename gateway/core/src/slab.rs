//! Values in slots. A slot number is a compact integer for indexes inside a shard; a key is the slot
//! with its generation, is never used twice, and is what leaves the shard.

/// Slots with generations.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    entries: Vec<Entry<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Entry<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new(), free: Vec::new() }
    }

    /// The slot of the new value.
    ///
    /// # Panics
    /// Beyond 2³² slots, which memory does not allow.
    pub(crate) fn insert(&mut self, value: T) -> u32 {
        if let Some(slot) = self.free.pop()
            && let Some(entry) = self.entries.get_mut(slot as usize)
        {
            entry.value = Some(value);
            return slot;
        }
        let slot = self.entries.len() as u32;
        self.entries.push(Entry { generation: 0, value: Some(value) });
        slot
    }

    /// The key of an occupied slot.
    pub(crate) fn key(&self, slot: u32) -> u64 {
        let generation = self.entries.get(slot as usize).map_or(0, |entry| entry.generation);
        u64::from(generation) << 32 | u64::from(slot)
    }

    /// The slot of a key, if its value is still there.
    pub(crate) fn slot(&self, key: u64) -> Option<u32> {
        let slot = key as u32;
        let entry = self.entries.get(slot as usize)?;
        (entry.value.is_some() && u64::from(entry.generation) == key >> 32).then_some(slot)
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&T> {
        self.entries.get(slot as usize)?.value.as_ref()
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.entries.get_mut(slot as usize)?.value.as_mut()
    }

    pub(crate) fn remove(&mut self, slot: u32) -> Option<T> {
        let entry = self.entries.get_mut(slot as usize)?;
        let value = entry.value.take()?;
        // The last generation is retired with its slot: a key is never used twice.
        if let Some(next) = entry.generation.checked_add(1) {
            entry.generation = next;
            self.free.push(slot);
        }
        Some(value)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Occupied slots and their values.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0u32..).zip(&self.entries).filter_map(|(slot, entry)| Some((slot, entry.value.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_find_the_next_value_in_its_slot() {
        let mut slab = Slab::new();
        let slot = slab.insert('a');
        let key = slab.key(slot);
        assert_eq!(slab.slot(key), Some(slot));
        assert_eq!(slab.remove(slot), Some('a'));
        assert_eq!(slab.slot(key), None);
        assert_eq!(slab.insert('b'), slot);
        assert_eq!(slab.slot(key), None);
        assert_ne!(slab.key(slot), key);
        assert_eq!(slab.len(), 1);
        assert_eq!(slab.iter().count(), 1);
    }
}
