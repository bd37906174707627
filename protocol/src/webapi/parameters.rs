//! Parameters and verbs of a request: browser-side.md 3.2.
//!
//! Names are case-sensitive, unknown ones are ignored, the last of a repeated one wins. Booleans in any case;
//! lists by `|`, as every client sends them, or by comma, as the guide says.

use std::collections::BTreeMap;
use std::fmt;

use super::percent;

/// Parameters of one request that are read.
const MOST: usize = 64;

/// What is to be done with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Read.
    Get,
    /// Make, or send.
    Post,
    /// Change.
    Put,
    /// Take away.
    Delete,
}

/// See the module.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parameters(BTreeMap<String, String>);

impl Verb {
    /// The verb of that name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        [("get", Self::Get), ("post", Self::Post), ("put", Self::Put), ("delete", Self::Delete)]
            .into_iter()
            .find_map(|(known, verb)| known.eq_ignore_ascii_case(name).then_some(verb))
    }

    /// What is meant by the verb of the request and its `method` parameter: POST may stand for PUT and DELETE,
    /// GET for everything. The second value: whether a GET says that something is to be changed.
    pub fn overridden(self, parameters: &Parameters) -> (Self, bool) {
        let wanted = parameters.text("method").and_then(Self::from_name);
        match (self, wanted) {
            (Self::Post, Some(wanted @ (Self::Put | Self::Delete))) => (wanted, false),
            (Self::Get, Some(wanted)) if wanted != Self::Get => (wanted, true),
            _ => (self, false),
        }
    }
}

impl Parameters {
    /// Takes those of a query or form body.
    pub fn add(&mut self, encoded: &str) {
        for pair in encoded.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = percent::decode(name, true);
            if self.0.len() < MOST || self.0.contains_key(&name) {
                self.0.insert(name, percent::decode(value, true));
            }
        }
    }

    /// The value, if it is there and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// As [`Self::text`], whatever the case of the name.
    pub fn text_any_case(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.find_map(|(_, value)| (!value.is_empty()).then_some(value.as_str()))
    }

    /// The value, even if it is empty.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// `TRUE` or `FALSE`.
    pub fn flag(&self, name: &str) -> Option<bool> {
        let text = self.text(name)?;
        if text.eq_ignore_ascii_case("true") {
            Some(true)
        } else {
            text.eq_ignore_ascii_case("false").then_some(false)
        }
    }

    /// The elements of a list. A list with a `|` has its commas inside the elements, and one comma in an
    /// LDAP name is no border either: `CN=Ann,O=Acme` is one element.
    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        let text = self.text(name)?;
        let elements: Vec<String> =
            if text.contains('|') || text.contains('=') { split(text, '|') } else { split(text, ',') };
        (!elements.is_empty()).then_some(elements)
    }
}

fn split(text: &str, mark: char) -> Vec<String> {
    text.split(mark).map(str::trim).filter(|element| !element.is_empty()).map(str::to_owned).collect()
}

/// Values may be passwords.
impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(text: &str) -> Parameters {
        let mut parameters = Parameters::default();
        parameters.add(text);
        parameters
    }

    #[test]
    fn the_last_one_wins_and_names_have_a_case() {
        let all = parameters("a=1&a=2&A=3&b&c=%20x+y&&=z");
        assert_eq!((all.text("a"), all.text("A"), all.text("b")), (Some("2"), Some("3"), None));
        assert_eq!((all.given("b"), all.text("c")), (Some(""), Some(" x y")));
        assert_eq!(all.text_any_case("C"), Some(" x y"));
    }

    #[test]
    fn lists_have_either_mark_and_names_keep_their_commas() {
        let list = |value: &str| parameters(&format!("users={value}")).list("users").unwrap_or_default();
        assert_eq!(list("ann|bo"), ["ann", "bo"]);
        assert_eq!(list("ann,bo"), ["ann", "bo"]);
        assert_eq!(list("CN=Ann,O=Acme"), ["CN=Ann,O=Acme"]);
        assert_eq!(list("CN=Ann,O=Acme%7CCN=Bo,O=Acme|"), ["CN=Ann,O=Acme", "CN=Bo,O=Acme"]);
        assert_eq!(list("|"), [""; 0]);
    }

    #[test]
    fn flags_and_verbs_are_read_in_any_case() {
        assert_eq!(parameters("x=TRUE").flag("x"), Some(true));
        assert_eq!(parameters("x=False").flag("x"), Some(false));
        assert_eq!(parameters("x=1").flag("x"), None);
        let over = |verb: Verb, text: &str| verb.overridden(&parameters(text));
        assert_eq!(over(Verb::Post, "method=PUT"), (Verb::Put, false));
        assert_eq!(over(Verb::Post, "method=delete"), (Verb::Delete, false));
        assert_eq!(over(Verb::Get, "method=delete"), (Verb::Delete, true));
        assert_eq!(over(Verb::Get, "method=POST"), (Verb::Post, true));
        assert_eq!(over(Verb::Delete, "method=put"), (Verb::Delete, false));
        assert_eq!(over(Verb::Get, "method=dance"), (Verb::Get, false));
    }

    #[test]
    fn nothing_grows_without_bound_and_no_value_is_shown() {
        let text: String = (0..1000).map(|number| format!("p{number}=secret&")).collect();
        let all = parameters(&text);
        assert_eq!(all.0.len(), MOST);
        assert!(!format!("{all:?}").contains("secret"));
    }
}
