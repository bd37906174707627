//! Settles items that no public source names, from the design of the directory's own forms
//! (domino-directory.md 3.9). Pure: the fields are read elsewhere.
//!
//! An item is taken only if exactly one field has the label that the form shows. A field that fits by its name
//! alone is a guess for somebody to look at, and several are for somebody to choose: neither is written to before
//! it is in a table that an administrator has saved.

mod dump;

use std::fmt::Write;
use std::time::SystemTime;

use crate::directory::Field;
use crate::estate::ItemName;
use crate::items::{DocumentKind, ItemKind, ItemTable, Setting};

pub use dump::{BadDump, Difference, differences, to_toml as differences_to_toml};

/// What the designs have said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// Settled by the label that the form shows, or by a name that was known before.
    pub settled: Vec<(Setting, ItemName, ItemKind)>,
    /// One field fits by its name alone.
    pub likely: Vec<(Setting, ItemName, ItemKind)>,
    /// Several fields fit, or none has a known type.
    pub open: Vec<(Setting, Vec<ItemName>)>,
    /// Which directories were asked.
    pub sources: Vec<String>,
}

impl Discovery {
    /// Adds what another design has said. What is settled is neither likely nor open any more.
    pub fn merge(&mut self, other: Self) {
        self.settled.extend(other.settled);
        self.likely.extend(other.likely);
        self.open.extend(other.open);
        let mut seen: Vec<Setting> = self.settled.iter().map(|(setting, ..)| *setting).collect();
        let mut is_new = |setting| {
            let new = !seen.contains(&setting);
            seen.push(setting);
            new
        };
        self.likely.retain(|(setting, ..)| is_new(*setting));
        self.open.retain(|(setting, _)| is_new(*setting));
    }

    /// The settled and likely entries as a file that overrides the item table.
    pub fn to_toml(&self, now: SystemTime) -> String {
        let mut out = format!(
            "# Read on {} from the design of {}.\n# The names belong to this release of the template: discover them anew after an upgrade.\n\
             # Check each field in the form before you rely on it.\n",
            httpdate::fmt_http_date(now),
            self.sources.join(", ")
        );
        for kind in DocumentKind::ALL {
            let of_kind = |entry: &&(Setting, ItemName, ItemKind)| entry.0.kind() == kind;
            let settled = self.settled.iter().filter(of_kind).map(|entry| (entry, ""));
            let likely = self.likely.iter().filter(of_kind).map(|entry| (entry, LIKELY));
            let mut entries = settled.chain(likely).peekable();
            if entries.peek().is_some() {
                let _ = writeln!(out, "\n[item.{}]", kind.word());
            }
            for ((setting, name, kind), remark) in entries {
                let _ = writeln!(out, "{remark}{}", entry(*setting, name, *kind));
            }
        }
        for (setting, names) in &self.open {
            let names: Vec<_> = names.iter().map(ItemName::as_str).collect();
            let _ = writeln!(out, "\n# {setting}: choose among {}", names.join(", "));
        }
        out
    }
}

/// What stands above an entry that is a guess.
const LIKELY: &str = "# fits by its name only: look at it in the form, or take the line out\n";

/// A line of an item table.
fn entry(setting: Setting, name: &ItemName, kind: ItemKind) -> String {
    let kind = serde_json::to_string(&kind).unwrap_or_default();
    format!("{} = {{ item = \"{name}\", type = {kind}, mark = \"discovered\" }}", setting.word())
}

/// Every one of `all` groups has a word in the field's name or label, none of `not` is there.
struct Pattern {
    setting: Setting,
    all: &'static [&'static [&'static str]],
    not: &'static [&'static str],
    kinds: &'static [ItemKind],
}

const TEXTS: &[ItemKind] = &[ItemKind::Text, ItemKind::Number, ItemKind::TextList];

const PATTERNS: &[Pattern] = &[
    Pattern {
        setting: Setting::ConfigurationImHost,
        all: &[
            &["im", "sametime", "instantmessaging", "instant messaging"],
            &["host", "servername", "hostname", "server"],
        ],
        not: &["proxy", "secret", "token", "meeting", "protocol", "port"],
        kinds: &[ItemKind::Text],
    },
    Pattern {
        setting: Setting::ConfigurationImEnabled,
        all: &[&["im", "sametime", "instant messaging"], &["enable", "disable", "features"]],
        not: &["proxy", "secret", "token", "meeting"],
        kinds: TEXTS,
    },
    Pattern {
        setting: Setting::ConfigurationSecrets,
        all: &[&["im", "sametime", "instant messaging", "secret"], &["secret", "token"]],
        not: &["ltpa"],
        kinds: TEXTS,
    },
    Pattern {
        setting: Setting::SsoServers,
        all: &[&["server"]],
        not: &["secret", "key", "version", "http", "proxy", "copy"],
        kinds: &[ItemKind::Names, ItemKind::NamesList],
    },
    Pattern {
        setting: Setting::SsoTokenFormat,
        all: &[&["format", "tokentype"]],
        not: &["date"],
        kinds: TEXTS,
    },
    Pattern {
        setting: Setting::ServerPasswordTls,
        all: &[&["http"], &["ssl", "tls"], &["np", "nameandp", "name & password", "nameandpwd"]],
        not: &["mode", "anonymous", "port"],
        kinds: TEXTS,
    },
    Pattern {
        setting: Setting::ConnectionFiles,
        all: &[&["file", "path"], &["repl", "director"]],
        not: &["time", "limit", "priority"],
        kinds: &[ItemKind::Text, ItemKind::TextList],
    },
];

/// Settles what it can of one form, and fills the table with it.
pub fn settle(table: &mut ItemTable, kind: DocumentKind, fields: &[Field]) -> Discovery {
    let mut discovery = Discovery::default();
    for setting in table.unsettled().into_iter().filter(|setting| setting.kind() == kind) {
        let (fitting, sure) = fitting(table, setting, fields);
        match fitting.as_slice() {
            [] => {}
            [(name, Some(kind))] if sure => {
                table.discovered(setting, name.clone(), *kind);
                discovery.settled.push((setting, name.clone(), *kind));
            }
            [(name, Some(kind))] => discovery.likely.push((setting, name.clone(), *kind)),
            several => discovery.open.push((setting, several.iter().map(|(name, _)| name.clone()).collect())),
        }
    }
    discovery
}

/// The fields that fit, and whether that is sure: by a known name or by the label, not by the name alone.
fn fitting(
    table: &ItemTable,
    setting: Setting,
    fields: &[Field],
) -> (Vec<(ItemName, Option<ItemKind>)>, bool) {
    // The name is known and only the type is not.
    if let Some(name) = table.name(setting) {
        let same = fields.iter().filter(|field| field.name == *name);
        return (same.map(|field| (field.name.clone(), field.kind)).take(1).collect(), true);
    }
    // What the form writes beside the field is the best evidence.
    let label = table.item(setting).field.to_lowercase();
    let labelled: Vec<_> = fields
        .iter()
        .filter(|field| !field.label.is_empty() && field.label.to_lowercase().contains(&label))
        .collect();
    let taken = |field: &&Field| {
        Setting::ALL
            .iter()
            .any(|other| other.kind() == setting.kind() && table.name(*other) == Some(&field.name))
    };
    let pattern = PATTERNS.iter().find(|pattern| pattern.setting == setting);
    let fits = |field: &&Field| pattern.is_some_and(|pattern| pattern.fits(field)) && !taken(field);
    let sure = !labelled.is_empty();
    let found = if sure { labelled } else { fields.iter().filter(fits).collect() };
    let mut names: Vec<(ItemName, Option<ItemKind>)> =
        found.iter().map(|field| (field.name.clone(), field.kind)).collect();
    names.sort_by(|one, other| one.0.cmp(&other.0));
    names.dedup_by(|one, other| one.0 == other.0);
    (names, sure)
}

impl Pattern {
    fn fits(&self, field: &Field) -> bool {
        let text = words(field.name.as_str()) + " " + &field.label.to_lowercase();
        let has = |word: &&str| {
            if word.len() <= 2 {
                text.split(' ').any(|part| part == *word)
            } else {
                text.replace(' ', "").contains(&word.replace(' ', ""))
            }
        };
        let kind = field.kind.is_none_or(|kind| self.kinds.contains(&kind));
        kind && self.all.iter().all(|group| group.iter().any(has)) && !self.not.iter().any(has)
    }
}

/// `DWA_IMServerName` as `dwa im server name`.
fn words(name: &str) -> String {
    let mut out = String::new();
    let chars: Vec<char> = name.chars().collect();
    for (index, char) in chars.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| chars.get(index));
        let next_is_lower = chars.get(index + 1).is_some_and(|next| next.is_lowercase());
        let border = before.is_some_and(|before| {
            char.is_uppercase() && (before.is_lowercase() || (before.is_uppercase() && next_is_lower))
        });
        if border {
            out.push(' ');
        }
        if matches!(char, '_' | '$' | '-' | '.') { out.push(' ') } else { out.extend(char.to_lowercase()) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::items::Mark;

    fn field(name: &str, kind: ItemKind, label: &str) -> Field {
        Field { name: name.parse().unwrap(), kind: Some(kind), label: label.to_owned() }
    }

    #[test]
    fn a_name_alone_is_a_guess_until_somebody_has_saved_it() {
        let mut table = ItemTable::built_in();
        let fields = [
            field("ServerName", ItemKind::Names, ""),
            field("iNotes_IMServerHost", ItemKind::Text, ""),
            field("iNotes_IMProxyHost", ItemKind::Text, ""),
            field("SMTPHost", ItemKind::Text, ""),
        ];
        let found = settle(&mut table, DocumentKind::Configuration, &fields);
        assert!(found.settled.is_empty());
        assert!(table.item(Setting::ConfigurationImHost).writable().is_none());
        assert_eq!(
            found.likely,
            [(Setting::ConfigurationImHost, "iNotes_IMServerHost".parse().unwrap(), ItemKind::Text)]
        );
        let saved = found.to_toml(SystemTime::UNIX_EPOCH);
        assert!(saved.contains("1970") && saved.contains("by its name only"), "{saved}");
        let again = ItemTable::built_in().overridden(&saved).unwrap();
        let item = again.item(Setting::ConfigurationImHost);
        assert_eq!((item.writable().unwrap().as_str(), item.mark), ("iNotes_IMServerHost", Mark::Discovered));
    }

    #[test]
    fn several_fitting_fields_are_left_to_somebody_who_knows() {
        let mut table = ItemTable::built_in();
        let fields = [field("IMServerA", ItemKind::Text, ""), field("IMServerB", ItemKind::Text, "")];
        let found = settle(&mut table, DocumentKind::Configuration, &fields);
        assert!(found.settled.is_empty());
        assert_eq!(found.open.len(), 1);
        assert!(found.to_toml(SystemTime::UNIX_EPOCH).contains("choose among IMServerA, IMServerB"));
        // The label beats the name.
        let label = "Set an instant messaging server hostname for all iNotes users:";
        let fields = [field("IMServerA", ItemKind::Text, ""), field("X17", ItemKind::Text, label)];
        let found = settle(&mut table, DocumentKind::Configuration, &fields);
        assert_eq!(found.settled[0].1.as_str(), "X17");
        assert!(table.item(Setting::ConfigurationImHost).writable().is_some());
    }

    #[test]
    fn a_type_that_is_not_published_is_read_too() {
        let mut table = ItemTable::built_in();
        settle(&mut table, DocumentKind::Connection, &[field("interval", ItemKind::Number, "")]);
        assert_eq!(table.item(Setting::ConnectionInterval).kind, ItemKind::Number);
    }
}
