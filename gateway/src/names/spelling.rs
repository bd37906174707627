//! The spellings of one name, and what a look-up's matches say about it.
//!
//! Domino abbreviates `CN=Ann Example/OU=Lisbon/O=Acme` to `Ann Example/Lisbon/Acme`; LDAP writes commas for
//! slashes. Which of them a community's directory knows cannot be seen from outside, so it is asked for both.

use std::sync::Arc;

use protocol::vp::resolve::{Answer, Match};

use super::Meaning;
use crate::config::NameTuning;

/// What the Sametime Proxy puts before users of other communities (browser-side.md 3.2).
const OUTSIDE_USER: &str = "@E ";

/// A name as the memory knows it: without regard to case and surrounding blanks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(Arc<str>);

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Spelling {
    key: Key,
    /// What the directory is asked for; the first that somebody has counts.
    variants: Vec<String>,
    /// In lower case, for mail addresses.
    domain: Option<String>,
    is_foreign: bool,
}

impl Spelling {
    pub(super) fn of(name: &str) -> Self {
        let name = name.trim();
        let is_foreign = name.starts_with(OUTSIDE_USER);
        let name = bare(name.strip_prefix(OUTSIDE_USER).unwrap_or(name));
        let key = Key(name.to_lowercase().into());
        let domain = domain(name);
        let mut variants = vec![name.to_owned()];
        variants.extend(other(name));
        Self { key, variants, domain, is_foreign }
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    pub(super) fn variants(&self) -> &[String] {
        &self.variants
    }

    /// Whether it is the address of a mail domain that is not looked up.
    pub(super) fn is_outside(&self, tuning: &NameTuning) -> bool {
        let Some(domain) = &self.domain else { return self.is_foreign };
        let below = |names: &[String]| {
            names.iter().any(|name| {
                domain.strip_suffix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            })
        };
        self.is_foreign
            || below(&tuning.deny_domains)
            || (!tuning.allow_domains.is_empty() && !below(&tuning.allow_domains))
    }

    /// What the answer to one of the variants says.
    pub(super) fn meaning(&self, answer: &Answer) -> Meaning {
        let people: Vec<&Match> = answer.matches.iter().filter(|found| found.kind != Match::GROUP).collect();
        let asked = answer.name.trim().to_lowercase();
        let is_exact = |found: &&&Match| {
            [&found.id, &found.name, &found.desc].iter().any(|text| text.to_lowercase() == asked)
        };
        let mut exact = people.iter().filter(is_exact);
        let chosen = match (exact.next(), exact.next(), people.as_slice()) {
            (Some(one), None, _) => Some(*one),
            // Directories also find by the beginning of a name: `Ann` is not Ann Example.
            (None, None, [one]) => (!is_beginning(&asked, &one.name)).then_some(*one),
            (Some(_), Some(_), _) | (None, _, [_, _, ..]) => return Meaning::Ambiguous,
            _ => None,
        };
        if let Some(found) = chosen {
            return Meaning::Person { id: found.id.as_str().into(), name: found.name.as_str().into() };
        }
        let group = answer.matches.iter().find(|found| found.kind == Match::GROUP);
        group.map_or(Meaning::Nobody, |group| Meaning::Group(group.id.as_str().into()))
    }
}

/// `Ann Example <ann@acme.example>` → the address; the community of `community::id` is left out.
fn bare(name: &str) -> &str {
    let inside = name.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')).map(|(_, address)| address);
    let name = inside.unwrap_or(name);
    match name.split_once("::") {
        Some(("", id) | (id, "")) => id,
        Some((_, id)) => id,
        None => name,
    }
    .trim()
}

fn domain(name: &str) -> Option<String> {
    let (local, domain) = name.rsplit_once('@')?;
    let is_address = !local.is_empty() && !local.contains(['=', '/']) && domain.contains('.');
    (is_address && !domain.contains([' ', '/', '='])).then(|| domain.to_ascii_lowercase())
}

/// The second spelling of a distinguished or abbreviated name.
fn other(name: &str) -> Option<String> {
    if name.contains('@') {
        return None;
    }
    let split = |mark: char| name.split(mark).map(str::trim).collect::<Vec<_>>();
    let is_typed = |parts: &[&str]| parts.len() > 1 && parts.iter().all(|part| part.contains('='));
    let (slashes, commas) = (split('/'), split(','));
    if is_typed(&slashes) {
        return Some(slashes.join(","));
    }
    if is_typed(&commas) {
        return Some(commas.join("/"));
    }
    if slashes.len() < 2 || name.contains('=') || slashes.iter().any(|part| part.is_empty()) {
        return None;
    }
    let last = slashes.len() - 1;
    let typed = slashes.iter().enumerate().map(|(index, part)| match index {
        0 => format!("CN={part}"),
        index if index == last => format!("O={part}"),
        _ => format!("OU={part}"),
    });
    Some(typed.collect::<Vec<_>>().join("/"))
}

/// Whether the text is the beginning of the name or of one of its words, but not all of it.
fn is_beginning(asked: &str, name: &str) -> bool {
    let name = name.to_lowercase();
    let begins = |text: &str| text.len() > asked.len() && text.starts_with(asked);
    begins(&name) || name.split(' ').any(|word| begins(word) || word == asked && name != asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variants(name: &str) -> Vec<String> {
        Spelling::of(name).variants
    }

    #[test]
    fn every_form_of_a_name_has_its_spellings() {
        assert_eq!(variants("CN=Ann/OU=A/O=Acme"), ["CN=Ann/OU=A/O=Acme", "CN=Ann,OU=A,O=Acme"]);
        assert_eq!(variants("cn=Ann, o=Acme"), ["cn=Ann, o=Acme", "cn=Ann/o=Acme"]);
        assert_eq!(variants("Ann Ex/Lisbon/Acme"), ["Ann Ex/Lisbon/Acme", "CN=Ann Ex/OU=Lisbon/O=Acme"]);
        assert_eq!(variants("Ann Example <ann@acme.example>"), ["ann@acme.example"]);
        assert_eq!(variants("renovation::CN=Ann/O=Acme")[0], "CN=Ann/O=Acme");
        assert_eq!(variants("Ann Example"), ["Ann Example"]);
        assert_eq!(variants("a//b"), ["a//b"]);
    }

    #[test]
    fn outside_addresses_are_told_by_their_domain() {
        let tuning = NameTuning {
            allow_domains: vec!["acme.example".into()],
            deny_domains: vec!["lists.acme.example".into()],
            ..NameTuning::default()
        };
        let outside = |name: &str| Spelling::of(name).is_outside(&tuning);
        for name in ["ann@other.example", "a@lists.acme.example", "a@evilacme.example", "@E bo@acme.example"]
        {
            assert!(outside(name), "{name}");
        }
        for name in
            ["ann@acme.example", "Ann <ann@Mail.ACME.example>", "Ann Example", "CN=a@b.example/O=Acme"]
        {
            assert!(!outside(name), "{name}");
        }
        assert!(!Spelling::of("ann@other.example").is_outside(&NameTuning::default()));
    }

    #[test]
    fn a_beginning_is_not_a_name() {
        let found = |id: &str, name: &str| Match {
            id: id.into(),
            name: name.into(),
            kind: Match::USER,
            ..Match::default()
        };
        let meaning = |asked: &str, matches: Vec<Match>| {
            Spelling::of(asked).meaning(&Answer { name: asked.into(), matches, code: 0 })
        };
        let ann = || found("CN=Ann Example/O=Acme", "Ann Example");
        let anna = || found("CN=Anna Example/O=Acme", "Anna Example");
        let is_ann = Meaning::Person { id: "CN=Ann Example/O=Acme".into(), name: "Ann Example".into() };
        assert_eq!(meaning("ann example", vec![ann()]), is_ann);
        assert_eq!(meaning("aexample", vec![ann()]), is_ann, "a short name");
        assert_eq!(meaning("ann@acme.example", vec![ann()]), is_ann);
        assert_eq!(meaning("Ann", vec![ann()]), Meaning::Nobody);
        assert_eq!(meaning("Exam", vec![ann()]), Meaning::Nobody);
        assert_eq!(meaning("Ann", vec![ann(), anna()]), Meaning::Ambiguous);
        assert_eq!(meaning("Ann Example", vec![ann(), anna()]), is_ann);
        let group = Match { id: "Lisbon".into(), kind: Match::GROUP, ..Match::default() };
        assert_eq!(meaning("Lisbon", vec![group]), Meaning::Group("Lisbon".into()));
        assert_eq!(meaning("x", vec![]), Meaning::Nobody);
    }
}
