//! What was found out about names, both ways, within a bound.
//!
//! Two halves: what is used moves to the young one; when that is full, it becomes the old one, and what nobody
//! has used since is forgotten.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use tokio::time::Instant;

use super::Meaning;
use super::spelling::Key;

/// See the module.
#[derive(Debug)]
pub(super) struct Memory {
    half: usize,
    young: Half,
    old: Half,
}

#[derive(Debug, Default)]
struct Half {
    meanings: HashMap<Key, Known<Meaning>>,
    names: HashMap<Arc<str>, Known<Arc<str>>>,
}

#[derive(Clone, Debug)]
struct Known<T> {
    what: T,
    until: Instant,
}

impl Memory {
    /// For so many names.
    pub(super) fn new(names: usize) -> Self {
        Self { half: (names / 2).max(1), young: Half::default(), old: Half::default() }
    }

    pub(super) fn remember(&mut self, key: &Key, meaning: &Meaning, until: Instant) {
        if let Meaning::Person { id, name } = meaning
            && !name.is_empty()
        {
            let known = Known { what: Arc::clone(name), until };
            self.young.names.insert(id.as_str().into(), known);
        }
        self.young.meanings.insert(key.clone(), Known { what: meaning.clone(), until });
        self.age();
    }

    pub(super) fn recall(&mut self, key: &Key, now: Instant) -> Option<Meaning> {
        if let Some(known) = self.young.meanings.get(key) {
            return (known.until > now).then(|| known.what.clone());
        }
        let known = self.old.meanings.remove(key).filter(|known| known.until > now)?;
        self.young.meanings.insert(key.clone(), known.clone());
        self.age();
        Some(known.what)
    }

    pub(super) fn display_name(&self, id: &str, now: Instant) -> Option<Arc<str>> {
        let known = self.young.names.get(id).or_else(|| self.old.names.get(id))?;
        (known.until > now).then(|| Arc::clone(&known.what))
    }

    fn age(&mut self) {
        if self.young.meanings.len() > self.half || self.young.names.len() > self.half {
            self.old = mem::take(&mut self.young);
        }
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.young.meanings.len() + self.old.meanings.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::names::spelling::Spelling;

    fn key(name: &str) -> Key {
        Spelling::of(name).key().clone()
    }

    fn ann() -> Meaning {
        Meaning::Person { id: "CN=Ann/O=Acme".into(), name: "Ann".into() }
    }

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let now = Instant::now();
        let until = now + Duration::from_secs(60);
        let mut memory = Memory::new(100);
        memory.remember(&key("ann"), &ann(), until);
        for number in 0..1000 {
            memory.remember(&key(&format!("n{number}")), &Meaning::Nobody, until);
            assert_eq!(memory.recall(&key("ANN "), now), Some(ann()), "after {number}");
            assert!(memory.size() <= 102, "{}", memory.size());
        }
        assert_eq!(memory.recall(&key("n0"), now), None);
        assert_eq!(memory.recall(&key("n999"), now), Some(Meaning::Nobody));
    }

    #[test]
    fn nothing_is_remembered_for_ever() {
        let now = Instant::now();
        let mut memory = Memory::new(100);
        memory.remember(&key("ann"), &ann(), now + Duration::from_secs(60));
        let late = now + Duration::from_secs(61);
        assert_eq!(memory.display_name("CN=Ann/O=Acme", now).as_deref(), Some("Ann"));
        assert_eq!(memory.display_name("CN=Ann/O=Acme", late), None);
        assert_eq!(memory.recall(&key("ann"), late), None);
    }
}
