//! The built-in table against the notes' own marks, and files that override it.

use super::*;

#[test]
fn every_setting_has_an_entry_and_a_field_name() {
    let table = ItemTable::built_in();
    for setting in Setting::ALL {
        let item = table.item(*setting);
        assert_ne!(item.field, setting.to_string(), "{setting} has no entry");
        // An item without a published name is never passed off as known.
        assert_eq!(item.name.is_none(), item.mark == Mark::Unknown, "{setting}");
    }
    for kind in DocumentKind::ALL {
        assert_ne!(table.form(kind).mark, Mark::Unknown, "{kind}");
    }
}

#[test]
fn what_no_source_names_cannot_be_written() {
    let open = ItemTable::built_in().unsettled();
    for setting in [
        Setting::ConfigurationImHost,
        Setting::SsoServers,
        Setting::ServerPasswordTls,
        Setting::ConnectionInterval,
    ] {
        assert!(open.contains(&setting), "{setting}");
    }
    assert!(!open.contains(&Setting::PersonSametimeServer));
}

#[test]
fn a_file_overrides_single_entries() {
    let text = "[item.configuration]\nim-host = { item = \"DWAIMHost\" }\n";
    let table = ItemTable::built_in().overridden(text).unwrap();
    let item = table.item(Setting::ConfigurationImHost);
    assert_eq!(item.name.as_ref().map(|name| name.as_str()), Some("DWAIMHost"));
    assert_eq!((item.mark, item.kind), (Mark::Given, ItemKind::Text));
    assert_eq!(table.item(Setting::SsoDomain), ItemTable::built_in().item(Setting::SsoDomain));
}

#[test]
fn a_wrong_file_says_what_is_wrong() {
    for (text, says) in [
        ("[item.persons]\nx = {}", "no kind of document"),
        ("[item.person]\nserver = { item = \"X\" }", "sametime-server"),
        ("[item.person]\nname = { itme = \"X\" }", "itme"),
        ("[item.person]\nname = { item = \"a b\" }", "no item name"),
    ] {
        let error = ItemTable::built_in().overridden(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}
