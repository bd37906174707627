//! The people and public groups of a community, and finding them by any of their names.
//!
//! Like a Domino directory, look-ups do not care for case; the ids themselves keep their spelling.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use protocol::presence::PersonId;
use protocol::secret::Secret;

use super::csv::{self, CsvError};
use super::invent;

/// A person of the directory.
#[derive(Clone, Debug)]
pub struct Person {
    /// The canonical id, for example `CN=Ann Example/OU=Lisbon/O=Renovation`.
    pub id: PersonId,
    /// The short name, usable for a login.
    pub short_name: String,
    /// What others see.
    pub display_name: Arc<str>,
    /// The mail address.
    pub mail: String,
    /// The Internet password.
    pub password: Secret,
    /// The id of the home server; none: the first server of the community.
    pub home: Option<String>,
}

/// A public group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name, which is also its id.
    pub name: Arc<str>,
    /// Its members.
    pub members: Vec<PersonId>,
}

/// What a name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nobody.
    Nobody,
    /// Exactly this entry of [`Directory::people`].
    One(usize),
    /// Several.
    Many(Vec<usize>),
}

/// Everybody there is. Does not change once made, but for home servers.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    people: Vec<Person>,
    groups: Vec<Group>,
    by_id: HashMap<String, usize>,
    by_name: HashMap<String, Vec<usize>>,
    by_group: HashMap<String, usize>,
    /// Display names from each of their words on, sorted.
    beginnings: Vec<(String, usize)>,
}

impl Directory {
    /// An invented company: the same for the same count and seed. Its groups are its offices.
    pub fn invented(count: usize, seed: u64) -> Self {
        let (people, groups) = invent::company(count, seed);
        Self::of(people, groups)
    }

    /// The people of a CSV file with the header `id,short_name,display_name,mail,password`.
    pub fn from_csv_file(path: &Path) -> Result<Self, CsvError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| CsvError::Unreadable { file: path.display().to_string(), error })?;
        Self::from_csv(&path.display().to_string(), &text)
    }

    /// The same from text; `file` is for the error messages.
    pub fn from_csv(file: &str, text: &str) -> Result<Self, CsvError> {
        Ok(Self::of(csv::people(file, text)?, Vec::new()))
    }

    /// A directory of these people and groups.
    pub fn of(people: Vec<Person>, groups: Vec<Group>) -> Self {
        let mut directory = Self { people, groups, ..Self::default() };
        for (index, person) in directory.people.iter().enumerate() {
            directory.by_id.insert(person.id.as_str().to_owned(), index);
            for name in names(person) {
                let entry = directory.by_name.entry(fold(&name)).or_default();
                if !entry.contains(&index) {
                    entry.push(index);
                }
            }
        }
        for (index, person) in directory.people.iter().enumerate() {
            let name = fold(&person.display_name);
            let later = name.split(' ').skip(1).map(|word| (word.to_owned(), index));
            directory.beginnings.extend(later);
            directory.beginnings.push((name, index));
        }
        directory.beginnings.sort();
        for (index, group) in directory.groups.iter().enumerate() {
            directory.by_group.entry(fold(&group.name)).or_insert(index);
        }
        directory
    }

    /// Everybody, in a fixed order.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// All public groups.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The number of people.
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// Whether nobody is in it.
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// The person with exactly this id.
    pub fn person(&self, id: &PersonId) -> Option<&Person> {
        self.people.get(*self.by_id.get(id.as_str())?)
    }

    /// The entry with this id, spelled in any case.
    pub fn index_of(&self, id: &str) -> Option<usize> {
        if let Some(index) = self.by_id.get(id) {
            return Some(*index);
        }
        let folded = fold(id);
        let candidates = self.by_name.get(&folded)?;
        candidates.iter().copied().find(|index| fold(self.people[*index].id.as_str()) == folded)
    }

    /// Who has this name: id (canonical or abbreviated), short name, display name or mail address.
    pub fn find(&self, name: &str) -> Found {
        match self.by_name.get(&fold(name.trim())).map(Vec::as_slice) {
            None | Some([]) => Found::Nobody,
            Some([one]) => Found::One(*one),
            Some(many) => Found::Many(many.to_vec()),
        }
    }

    /// Whose display name, or a word of it, starts so.
    pub fn starting_with(&self, beginning: &str, limit: usize) -> Vec<usize> {
        let beginning = fold(beginning.trim());
        if beginning.is_empty() {
            return Vec::new();
        }
        let from = self.beginnings.partition_point(|(name, _)| *name < beginning);
        let found = self.beginnings.iter().skip(from).take_while(|(name, _)| name.starts_with(&beginning));
        let mut people: Vec<usize> = found.map(|(_, index)| *index).collect();
        people.sort_unstable();
        people.dedup();
        people.truncate(limit);
        people
    }

    /// The group of this name, in any case.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(*self.by_group.get(&fold(name))?)
    }

    /// Gives a person a home server. False: no such person.
    pub fn set_home(&mut self, id: &PersonId, server: &str) -> bool {
        let Some(index) = self.by_id.get(id.as_str()) else { return false };
        self.people[*index].home = Some(server.into());
        true
    }
}

/// `CN=Ann Example/OU=Lisbon/O=Renovation` → `Ann Example/Lisbon/Renovation`.
fn abbreviated(id: &str) -> Option<String> {
    let parts: Option<Vec<&str>> =
        id.split('/').map(|part| part.split_once('=').map(|pair| pair.1)).collect();
    Some(parts?.join("/"))
}

fn names(person: &Person) -> Vec<String> {
    let mut names = vec![
        person.id.as_str().to_owned(),
        person.short_name.clone(),
        person.display_name.to_string(),
        person.mail.clone(),
    ];
    names.extend(abbreviated(person.id.as_str()));
    names.retain(|name| !name.is_empty());
    names
}

fn fold(name: &str) -> String {
    name.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_count_and_seed_give_the_same_company() {
        let (one, two) = (Directory::invented(500, 7), Directory::invented(500, 7));
        let ids = |directory: &Directory| directory.people.iter().map(|p| p.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&one), ids(&two));
        assert_ne!(ids(&one), ids(&Directory::invented(500, 8)));
    }

    #[test]
    fn twenty_thousand_people_have_ids_short_names_and_addresses_of_their_own() {
        let directory = Directory::invented(20_000, 1);
        assert_eq!(directory.by_id.len(), 20_000);
        for person in directory.people() {
            assert!(matches!(directory.find(&person.short_name), Found::One(_)), "{}", person.short_name);
            assert!(matches!(directory.find(&person.mail), Found::One(_)), "{}", person.mail);
            assert!(person.short_name.is_ascii() && person.mail.is_ascii());
        }
        assert!(directory.people().iter().any(|person| !person.display_name.is_ascii()));
        assert!(directory.groups().iter().map(|group| group.members.len()).sum::<usize>() == 20_000);
    }

    #[test]
    fn people_are_found_by_any_name_in_any_case() {
        let directory = Directory::invented(50, 3);
        let person = &directory.people()[17];
        let abbreviated = abbreviated(person.id.as_str()).unwrap();
        for name in [person.id.as_str(), &person.short_name, &person.mail, &abbreviated] {
            assert_eq!(directory.find(&name.to_uppercase()), Found::One(17), "{name}");
        }
        assert_eq!(directory.index_of(&person.id.as_str().to_lowercase()), Some(17));
        assert_eq!(directory.index_of(&person.short_name), None);
        assert_eq!(directory.find("nobody at all"), Found::Nobody);
    }

    #[test]
    fn people_are_found_by_the_beginning_of_any_word_of_their_names() {
        let directory = Directory::invented(300, 3);
        let slowly = |beginning: &str, limit| {
            let matches = |person: &Person| {
                let name = fold(&person.display_name);
                name.starts_with(beginning) || name.split(' ').any(|word| word.starts_with(beginning))
            };
            let all = 0..directory.len();
            all.filter(|index| matches(&directory.people[*index])).take(limit).collect::<Vec<_>>()
        };
        let whole = fold(&directory.people()[5].display_name);
        for beginning in ["a", "an", "m", "xyz", &whole, whole.split(' ').next_back().unwrap()] {
            for limit in [3, 1000] {
                assert_eq!(
                    directory.starting_with(beginning, limit),
                    slowly(beginning, limit),
                    "{beginning}"
                );
            }
        }
        assert!(directory.starting_with("  ", 9).is_empty());
        let group = &directory.groups()[1];
        assert_eq!(directory.group(&group.name.to_uppercase()).map(|found| &found.name), Some(&group.name));
    }
}
