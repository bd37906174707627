//! Items and their values, kept exactly as they were read: what is undone later has to come back byte for
//! byte.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Number;

/// The name of an item. Upper and lower case do not differ; the spelling is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ItemName(String);

/// Items have names of letters, digits, `_`, `$` and `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no item name")]
pub struct BadItemName;

impl ItemName {
    /// As it is spelled.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn folded(&self) -> impl Iterator<Item = u8> {
        self.0.bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

impl FromStr for ItemName {
    type Err = BadItemName;

    fn from_str(text: &str) -> Result<Self, BadItemName> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for ItemName {
    type Error = BadItemName;

    fn try_from(text: String) -> Result<Self, BadItemName> {
        let fits = |char: char| char.is_alphanumeric() || matches!(char, '_' | '$' | '@' | '.' | '-');
        if text.is_empty() || text.len() > 255 || !text.chars().all(fits) {
            Err(BadItemName)
        } else {
            Ok(Self(text))
        }
    }
}

impl From<ItemName> for String {
    fn from(name: ItemName) -> Self {
        name.0
    }
}

impl fmt::Display for ItemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl PartialEq for ItemName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for ItemName {}

impl Ord for ItemName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(other.folded())
    }
}

impl PartialOrd for ItemName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What an item holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Text(String),
    Number(Number),
    Texts(Vec<String>),
    /// Anything else an API may return; read and restored, never made here.
    Other(serde_json::Value),
}

impl Value {
    /// A whole number.
    pub fn number(number: u32) -> Self {
        Self::Number(number.into())
    }

    /// The values as texts, one for an item with a single value; an empty item has none.
    pub fn texts(&self) -> Vec<String> {
        let texts = match self {
            Self::Text(text) => vec![text.clone()],
            Self::Number(number) => vec![number.to_string()],
            Self::Texts(texts) => texts.clone(),
            Self::Other(serde_json::Value::Array(values)) => values.iter().map(shown).collect(),
            Self::Other(serde_json::Value::Null) => Vec::new(),
            Self::Other(other) => vec![shown(other)],
        };
        texts.into_iter().filter(|text| !text.is_empty()).collect()
    }

    /// The first value as text; empty if there is none.
    pub fn first(&self) -> String {
        self.texts().into_iter().next().unwrap_or_default()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.texts().is_empty()
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.texts().join("; "))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Vec<String>> for Value {
    fn from(texts: Vec<String>) -> Self {
        Self::Texts(texts)
    }
}

fn shown(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn item_names_differ_not_by_case() {
        let name = |text: &str| text.parse::<ItemName>().unwrap();
        assert_eq!(name("SametimeServer"), name("sametimeserver"));
        assert!(name("A") < name("b"));
        assert!("".parse::<ItemName>().is_err());
        assert!("two words".parse::<ItemName>().is_err());
    }

    #[test]
    fn values_come_back_as_they_were() {
        for json in [
            r#""x""#,
            "30",
            "30.5",
            r#"["a","b"]"#,
            "[1,2]",
            "true",
            "null",
            r#"{"type":"richtext"}"#,
            "[]",
            "\"\"",
        ] {
            let value: Value = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&value).unwrap(), json);
        }
    }
}
