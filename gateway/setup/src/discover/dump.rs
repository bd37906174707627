//! Settles items without reading any design (domino-directory.md 3.9, 2): a document is exported as DXL, one
//! field is changed in the Notes client, the document is exported again, and what differs is the item.
//!
//! Reads names and types only: values may be keys, and are never shown. What the scanner does not understand it
//! skips; DTDs and entities are not followed.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::entry;
use crate::estate::ItemName;
use crate::items::{DocumentKind, ItemKind, ItemTable, Setting};

/// An item that differs between two exports of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The document's form.
    pub form: String,
    pub item: ItemName,
    pub kind: ItemKind,
}

/// Why two exports cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDump {
    #[error("the {0} export holds no document; export one as DXL")]
    Empty(&'static str),
    #[error("the exports have no document in common: export the same one twice")]
    Strangers,
}

/// Compares two exports, document by document.
pub fn differences(before: &str, after: &str) -> Result<Vec<Difference>, BadDump> {
    let (before, after) = (documents(before), documents(after));
    if before.is_empty() {
        return Err(BadDump::Empty("first"));
    }
    if after.is_empty() {
        return Err(BadDump::Empty("second"));
    }
    let mut common = false;
    let mut found = Vec::new();
    for (unid, new) in &after {
        let Some(old) = before.get(unid) else { continue };
        common = true;
        let gone = old.items.iter().filter(|(name, _)| !new.items.contains_key(*name));
        let changed = new.items.iter().filter(|(name, item)| old.items.get(*name) != Some(item));
        // Items with `$` change with every save.
        for (name, (kind, _)) in gone.chain(changed).filter(|(name, _)| !name.as_str().starts_with('$')) {
            let difference = Difference { form: new.form.clone(), item: name.clone(), kind: *kind };
            found.push(difference);
        }
    }
    if common { Ok(found) } else { Err(BadDump::Strangers) }
}

/// The differences as an item table. The entry is complete if the setting is named and exactly one item of its
/// form has changed; else it is a remark.
pub fn to_toml(table: &ItemTable, differences: &[Difference], setting: Option<Setting>) -> String {
    let mut out = String::from("# What differs between two exports of the same document.\n");
    let of = |kind| move |difference: &&Difference| difference.form == table.form(kind).form;
    if let Some(setting) = setting {
        let mut fitting = differences.iter().filter(of(setting.kind()));
        if let (Some(only), None) = (fitting.next(), fitting.next()) {
            let _ = writeln!(
                out,
                "\n[item.{}]\n{}",
                setting.kind().word(),
                entry(setting, &only.item, only.kind)
            );
            return out;
        }
    }
    for kind in DocumentKind::ALL {
        let open: Vec<&str> = table
            .unsettled()
            .into_iter()
            .filter(|setting| setting.kind() == kind)
            .map(Setting::word)
            .collect();
        for difference in differences.iter().filter(of(kind)) {
            let value = serde_json::to_string(&difference.kind).unwrap_or_default();
            let _ = writeln!(
                out,
                "\n# [item.{}]\n# SETTING = {{ item = \"{}\", type = {value}, mark = \"discovered\" }}   # unsettled: {}",
                kind.word(),
                difference.item,
                open.join(", ")
            );
        }
    }
    out
}

struct Dumped {
    form: String,
    items: BTreeMap<ItemName, (ItemKind, String)>,
}

/// The documents of an export by their universal ids; a single one may have none.
fn documents(dxl: &str) -> BTreeMap<String, Dumped> {
    let mut found = BTreeMap::new();
    for (head, body) in elements(dxl, "document") {
        let unid = elements(body, "noteinfo").next().and_then(|(head, _)| attribute(head, "unid"));
        let mut dumped = Dumped { form: attribute(head, "form").unwrap_or_default(), items: BTreeMap::new() };
        for (head, body) in elements(body, "item") {
            let Some(Ok(name)) = attribute(head, "name").map(|name| name.parse()) else { continue };
            let is_names = ["names", "readers", "authors"]
                .iter()
                .any(|flag| attribute(head, flag).is_some_and(|value| value == "true"));
            dumped.items.insert(name, (kind(body, is_names), body.trim().to_owned()));
        }
        found.insert(unid.unwrap_or_default(), dumped);
    }
    found
}

fn kind(body: &str, is_names: bool) -> ItemKind {
    let body = body.trim_start();
    match (is_names, body) {
        (true, body) if body.starts_with("<textlist") => ItemKind::NamesList,
        (true, _) => ItemKind::Names,
        (false, body) if body.starts_with("<textlist") => ItemKind::TextList,
        (false, body) if body.starts_with("<text") => ItemKind::Text,
        (false, body) if body.starts_with("<number") => ItemKind::Number,
        _ => ItemKind::Unknown,
    }
}

/// The elements of a name that are not inside one of the same name: attributes and content.
fn elements<'a>(text: &'a str, name: &'static str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (_, behind) = rest.split_once(&format!("<{name}"))?;
            let (head, behind) = behind.split_once('>')?;
            rest = behind;
            // `<items` is another element than `<item`.
            if !head.is_empty() && !head.starts_with(['/', ' ', '\t', '\r', '\n']) {
                continue;
            }
            if let Some(head) = head.strip_suffix('/') {
                return Some((head, ""));
            }
            let (body, behind) = rest.split_once(&format!("</{name}>"))?;
            rest = behind;
            return Some((head, body));
        }
    })
}

/// The value of an attribute, in quotes of either kind.
fn attribute(head: &str, name: &str) -> Option<String> {
    let mut rest = head;
    loop {
        let (before, behind) = rest.split_once(name)?;
        rest = behind;
        let Some(value) = behind.trim_start().strip_prefix('=').map(str::trim_start) else { continue };
        let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        if before.is_empty() || before.ends_with(char::is_whitespace) {
            return value.get(1..)?.split_once(quote).map(|(value, _)| value.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dump(host: &str, more: &str) -> String {
        format!(
            "<?xml version='1.0'?><!DOCTYPE database SYSTEM 'x.dtd'>\n<database xmlns='http://www.lotus.com/dxl'>\n\
             <document form='ServerConfig'>\n<noteinfo noteid='8f6' unid='A1'><created/></noteinfo>\n\
             <item name='ServerName' names='true'><text>CN=Mail1/O=Renovation</text></item>\n\
             <item name='$Revisions'><datetime>{host}</datetime></item>\n<itemless name='X'/>\n\
             <item summary='true' name=\"DWA_IMHost\"><text>{host}</text></item>\n{more}</document></database>"
        )
    }

    #[test]
    fn the_field_that_was_changed_is_the_answer() {
        let found = differences(&dump("", ""), &dump("secret.renovation.example", "")).unwrap();
        let item: ItemName = "DWA_IMHost".parse().unwrap();
        assert_eq!(
            found,
            [Difference { form: "ServerConfig".to_owned(), item: item.clone(), kind: ItemKind::Text }]
        );
        let table = ItemTable::built_in();
        let text = to_toml(&table, &found, Some(Setting::ConfigurationImHost));
        assert!(!text.contains("secret"), "{text}");
        let settled = table.clone().overridden(&text).unwrap();
        assert_eq!(settled.item(Setting::ConfigurationImHost).writable(), Some(&item));
        // Without a setting, or with several items, it is for somebody to say.
        let text = to_toml(&table, &found, None);
        assert!(text.contains("# SETTING = { item = \"DWA_IMHost\"") && text.contains("im-host"), "{text}");
        assert_eq!(table.clone().overridden(&text).unwrap(), table);
        let more = "<item name='Other' authors='true'><textlist><text>a</text></textlist></item>";
        let found = differences(&dump("", more), &dump("x", "")).unwrap();
        assert_eq!(
            found.iter().map(|found| found.kind).collect::<Vec<_>>(),
            [ItemKind::NamesList, ItemKind::Text]
        );
        assert!(to_toml(&table, &found, Some(Setting::ConfigurationImHost)).contains("# SETTING"));
    }

    #[test]
    fn what_is_no_export_is_said() {
        assert_eq!(differences("<database/>", &dump("", "")), Err(BadDump::Empty("first")));
        let other = dump("", "").replace("unid='A1'", "unid='B2'");
        assert_eq!(differences(&other, &dump("", "")), Err(BadDump::Strangers));
        for cut in 0..dump("x", "").len() {
            drop(differences(&dump("x", "")[..cut], &dump("y", "")));
        }
    }
}
