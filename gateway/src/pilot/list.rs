//! The pilot list: names, patterns, and a share of all users by a hash that is the same on every node.

use std::collections::HashSet;

use ring::digest::{SHA256, digest};

use crate::auth::spelled;
use crate::config::{NameForm, Pilot};

/// Who is in the pilot.
#[derive(Debug)]
pub struct PilotList {
    /// Without a list and a share nobody is left out.
    everybody: bool,
    names: HashSet<String>,
    patterns: Vec<String>,
    /// Percent of all users.
    share: u64,
}

impl PilotList {
    /// Without a configured pilot everybody is in it.
    pub fn new(pilot: Option<&Pilot>) -> Self {
        let people = pilot.map_or(&[][..], |pilot| &pilot.people);
        let share = pilot.and_then(|pilot| pilot.share);
        let (patterns, names): (Vec<String>, Vec<String>) =
            people.iter().map(|name| plain(name)).partition(|name| name.contains('*'));
        let everybody = pilot.is_none_or(|pilot| pilot.people.is_empty() && pilot.share.is_none());
        Self { everybody, names: names.into_iter().collect(), patterns, share: share.unwrap_or(0).into() }
    }

    /// Nobody has to be known to decide.
    pub fn is_everybody(&self) -> bool {
        self.everybody
    }

    /// Whether the user with this name is in the pilot.
    pub fn contains(&self, user: &str) -> bool {
        if self.everybody {
            return true;
        }
        let name = plain(user);
        self.names.contains(&name)
            || self.patterns.iter().any(|pattern| matches(pattern, &name))
            || percentile(&name) < self.share
    }

    /// In words, for the status page.
    pub fn summary(&self) -> String {
        if self.everybody {
            return "everybody".to_owned();
        }
        format!("{} names, {} patterns, {} % of all users", self.names.len(), self.patterns.len(), self.share)
    }
}

/// A name without what its spellings differ in: types of components, separators, case, blanks around parts.
fn plain(name: &str) -> String {
    // A pattern in LDAP's spelling begins with a part that has no type.
    let typed = name.strip_prefix("*,").map(|rest| format!("cn=*,{rest}"));
    let name = typed.as_deref().unwrap_or(name).trim();
    let name = spelled(name.to_owned(), NameForm::Domino).unwrap_or_else(|| name.to_owned());
    let parts = name.split('/').map(|part| match part.split_once('=') {
        Some((_, value)) => value.trim(),
        None => part.trim(),
    });
    parts.collect::<Vec<_>>().join("/").to_lowercase()
}

/// `*` stands for any text, as in the names of Domino groups (`*/Sales/Acme`).
fn matches(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = rest.get(at + piece.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

/// From 0 to 99, the same for a user everywhere and always: a larger share adds people and removes nobody.
fn percentile(name: &str) -> u64 {
    let hash = digest(&SHA256, name.as_bytes());
    let start = hash.as_ref().iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    start % 100
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(people: &[&str], share: Option<u32>) -> PilotList {
        let people = people.iter().map(|name| (*name).to_owned()).collect();
        PilotList::new(Some(&Pilot { people, share, state_file: "x".into() }))
    }

    #[test]
    fn a_name_is_found_in_every_spelling() {
        let list = list(&["CN=Ann Example/O=Acme", "bob example/sales/acme", "uid=cem,ou=it,o=Acme"], None);
        for name in [
            "CN=Ann Example/O=Acme",
            "cn=ann example,o=acme",
            "Ann Example/Acme",
            "CN=Bob Example/OU=Sales/O=Acme",
            "uid=cem,ou=it,o=acme",
        ] {
            assert!(list.contains(name), "{name}");
        }
        for name in ["CN=Ann Example/OU=Sales/O=Acme", "CN=Ann/O=Acme", "Ann Example", ""] {
            assert!(!list.contains(name), "{name}");
        }
    }

    #[test]
    fn a_pattern_stands_for_any_text() {
        let list = list(&["*/OU=Sales/O=Acme", "*,ou=it,o=acme", "CN=Test*/O=Acme", "*a*b*"], None);
        for name in [
            "CN=Bob/OU=Sales/O=Acme",
            "cn=Bob,ou=Sales,o=Acme",
            "cn=x,ou=it,o=acme",
            "CN=Test 1/O=Acme",
            "aab",
        ] {
            assert!(list.contains(name), "{name}");
        }
        for name in ["CN=Bob/OU=Presales/O=Acme", "CN=Bob/OU=Sales/O=Acme Two", "CN=Tess/O=Other", "ba"] {
            assert!(!list.contains(name), "{name}");
        }
        assert!(matches("*", "") && matches("a*a", "aa") && !matches("a*a", "a"));
    }

    #[test]
    fn a_share_grows_without_losing_anybody_and_is_near_its_size() {
        let users: Vec<String> = (0..2_000).map(|number| format!("CN=User {number}/O=Acme")).collect();
        let chosen = |share| -> Vec<bool> {
            let list = list(&[], Some(share));
            users.iter().map(|user| list.contains(user)).collect()
        };
        let (ten, thirty) = (chosen(10), chosen(30));
        assert!(ten.iter().zip(&thirty).all(|(ten, thirty)| !ten || *thirty));
        let count = ten.iter().filter(|chosen| **chosen).count();
        assert!((150..250).contains(&count), "{count}");
        assert!(chosen(100).iter().all(|chosen| *chosen) && !chosen(0).iter().any(|chosen| *chosen));
        // The hash is part of what operators rely on: it must not change with a version.
        assert_eq!(percentile("ann example/acme"), 53);
    }

    #[test]
    fn without_a_list_everybody_is_in_the_pilot() {
        assert!(PilotList::new(None).contains("x") && list(&[], None).is_everybody());
        assert!(!list(&[], Some(0)).contains("x"));
    }
}
