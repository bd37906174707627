//! Keys that the reader does not know, with the one that was probably meant.

use settings::distance;
use toml::de::{DeTable, DeValue};

use super::keys::{self, KEYS, SECTIONS};
use super::section::{Reader, Section};

/// Notes every unknown key of the document.
pub(super) fn check(reader: &Reader<'_>, root: &Section<'_>) {
    if let Some(table) = root.raw() {
        check_table(reader, "", table);
    }
}

fn check_table(reader: &Reader<'_>, section: &str, table: &DeTable<'_>) {
    for (key, value) in table {
        let name: &str = key.get_ref();
        let full = if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") };
        if keys::is_known(section, name) {
            continue;
        }
        if !keys::is_section(&full) {
            reader.wrong(key.span().start, &full, format!("unknown key; {}", advice(section, name)));
            continue;
        }
        match value.get_ref() {
            DeValue::Table(table) => check_table(reader, &full, table),
            DeValue::Array(array) => {
                for element in array.iter() {
                    if let DeValue::Table(table) = element.get_ref() {
                        check_table(reader, &full, table);
                    }
                }
            }
            // The reader of the section has said that it is not a table.
            _ => {}
        }
    }
}

/// What to do about an unknown key: the nearest name, the section it belongs to, or all names there are.
fn advice(section: &str, name: &str) -> String {
    let names = names(section);
    let nearest = names.iter().map(|known| (distance(name, known), *known)).min();
    if let Some((distance, known)) = nearest
        && distance <= 1 + name.len() / 4
    {
        return format!("did you mean \"{known}\"?");
    }
    if let Some(key) = KEYS.iter().find(|key| key.name == name) {
        let header =
            SECTIONS.iter().find(|(path, ..)| *path == key.section).map_or("", |(_, header, _)| *header);
        return format!("it belongs in {header}");
    }
    format!("known are {}", names.join(", "))
}

/// Keys and tables directly in a section.
fn names(section: &str) -> Vec<&'static str> {
    let prefix = if section.is_empty() { String::new() } else { format!("{section}.") };
    let tables = SECTIONS.iter().filter_map(|(path, ..)| path.strip_prefix(&prefix)?.split('.').next());
    let keys = KEYS.iter().filter(|key| key.section == section).map(|key| key.name);
    let mut names: Vec<_> = keys.collect();
    for table in tables {
        if !names.contains(&table) {
            names.push(table);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_the_nearest_then_the_section_then_all() {
        assert_eq!(advice("", "lisen"), "did you mean \"listen\"?");
        assert_eq!(advice("community", "privcy"), "did you mean \"privacy\"?");
        assert_eq!(advice("limits", "linger"), "it belongs in [community.tuning]");
        assert_eq!(advice("log", "zzzzzz"), "known are format, level");
    }
}
