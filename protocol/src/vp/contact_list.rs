//! The contact list as the storage service keeps it: vp-wire.md 9.2, key 0. Lines of text; blanks inside fields
//! are written as `;`. Lines that are not understood stay as they are.

use bytes::Bytes;

use super::prim::{DecodeError, EncodeError, Reader, Writer};

/// Groups with their people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactList {
    /// In the order of the list.
    pub groups: Vec<Group>,
    /// Before the first group: the version, and what else there is.
    head: Vec<String>,
}

/// A group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// What the user calls it.
    pub alias: String,
    /// One of the directory, whose members are not listed.
    pub public: bool,
    /// Shown open.
    pub open: bool,
    /// Its people; empty for public ones.
    pub people: Vec<Contact>,
    /// Lines that are not understood.
    rest: Vec<String>,
}

/// A person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// Directory id.
    pub id: String,
    /// Of another community.
    pub external: bool,
    /// Display name.
    pub name: String,
    /// What the user calls the person.
    pub alias: String,
}

const VERSION: &str = "Version=3.1.3";

impl ContactList {
    /// Reads the stored value: a string as the wire has it.
    pub fn decode(value: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self::parse(&Reader::new(value).string("contact list")?))
    }

    /// The value to be stored.
    pub fn encode(&self) -> Result<Bytes, EncodeError> {
        Writer::payload(|writer| writer.string("contact list", &self.text()))
    }

    /// Reads the text.
    pub fn parse(text: &str) -> Self {
        let mut list = Self::default();
        for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            if let Some(group) = line.strip_prefix("G ").and_then(Group::parse) {
                list.groups.push(group);
            } else if let Some(group) = list.groups.last_mut() {
                match line.strip_prefix("U ").and_then(Contact::parse) {
                    Some(contact) => group.people.push(contact),
                    None => group.rest.push(line.to_owned()),
                }
            } else {
                list.head.push(line.to_owned());
            }
        }
        list
    }

    /// The text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |written: &str| {
            text.push_str(written);
            text.push_str("\r\n");
        };
        if self.head.is_empty() {
            line(VERSION);
        }
        self.head.iter().for_each(|written| line(written));
        for group in &self.groups {
            let (kind, open) = (if group.public { 3 } else { 2 }, if group.open { 'O' } else { 'C' });
            line(&format!("G {}{kind} {} {open}", joined(&group.name), joined(&group.alias)));
            for contact in &group.people {
                let kind = if contact.external { 2 } else { 1 };
                let (name, alias) = (joined(&contact.name), joined(&contact.alias));
                line(&format!("U {}{kind}:: {name},{alias}", joined(&contact.id)));
            }
            group.rest.iter().for_each(|written| line(written));
        }
        text
    }

    /// The group of that name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name || group.alias == name)
    }

    /// The same, to be changed.
    pub fn group_mut(&mut self, name: &str) -> Option<&mut Group> {
        self.groups.iter_mut().find(|group| group.name == name || group.alias == name)
    }
}

impl Group {
    /// A private group.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), alias: name.to_owned(), open: true, ..Self::default() }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split(' ');
        let name = fields.next()?;
        let alias = fields.next().unwrap_or_default();
        let open = fields.next() == Some("O");
        let (name, public) = match (name.strip_suffix('2'), name.strip_suffix('3')) {
            (Some(name), _) => (name, false),
            (_, Some(name)) => (name, true),
            _ => return None,
        };
        Some(Self { name: split(name), alias: split(alias), public, open, ..Self::default() })
    }
}

impl Contact {
    fn parse(text: &str) -> Option<Self> {
        let (id, names) = text.split_once(":: ")?;
        let (name, alias) = names.split_once(',').unwrap_or((names, ""));
        let (id, external) = match (id.strip_suffix('1'), id.strip_suffix('2')) {
            (Some(id), _) => (id, false),
            (_, Some(id)) => (id, true),
            _ => return None,
        };
        Some(Self { id: split(id), external, name: split(name), alias: split(alias) })
    }
}

fn split(field: &str) -> String {
    field.replace(';', " ")
}

/// Line breaks would make two lines of one.
fn joined(field: &str) -> String {
    field.replace([' ', '\r', '\n'], ";")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Version=3.1.3\r\nG Work;Mates2 Work;Mates O\r\nU CN=Bo;Ex/O=Acme1:: Bo;Ex,Bo\r\n\
                        X something new\r\nU bo@other.example2:: Bo,\r\nG Lisbon3 Lisbon C\r\n";

    #[test]
    fn a_list_is_read_and_written_as_it_was() {
        let list = ContactList::parse(TEXT);
        assert_eq!(list.groups.len(), 2);
        let mates = list.group("Work Mates").unwrap();
        assert_eq!((mates.public, mates.open, mates.people.len()), (false, true, 2));
        assert_eq!(mates.people[0].id, "CN=Bo Ex/O=Acme");
        assert_eq!((&*mates.people[0].name, &*mates.people[0].alias), ("Bo Ex", "Bo"));
        assert!(mates.people[1].external && list.groups[1].public);
        let again = ContactList::parse(&list.text());
        assert_eq!(again, list);
        assert!(list.text().contains("X something new"), "what is not understood stays");
        let value = list.encode().unwrap();
        assert_eq!(ContactList::decode(&value).unwrap(), list);
    }

    #[test]
    fn an_empty_list_gets_a_version_and_nothing_breaks_a_line() {
        assert_eq!(ContactList::parse("").text(), "Version=3.1.3\r\n");
        let mut list = ContactList::default();
        list.groups.push(Group::named("a\r\nG b2 b O"));
        assert_eq!(ContactList::parse(&list.text()).groups.len(), 1);
        assert!(ContactList::decode(b"\x00").is_err());
    }
}
