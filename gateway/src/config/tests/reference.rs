use std::collections::BTreeSet;

use toml::de::DeTable;

use super::*;
use crate::config::keys::{KEYS, MUST, reference};
use crate::config::section::Reader;
use crate::config::{check, section::Line};

fn each_line(folder: &Folder, text: &str, visit: impl FnMut(&str, &Line)) {
    let path = example(&folder.0);
    let reader = Reader::new(&path, text);
    let document = DeTable::parse(text).unwrap();
    check::document(&reader.root(document.get_ref()));
    reader.finish().unwrap();
    reader.each_line(visit);
}

/// The example has every key there is, and the reader asks for each of them.
#[test]
fn the_reader_asks_for_the_keys_of_the_reference_and_no_others() {
    let mut asked = BTreeSet::new();
    each_line(&Folder::new(), FULL, |section, line| {
        asked.insert(format!("{section}.{}", line.key));
    });
    let listed: BTreeSet<_> = KEYS.iter().map(|key| format!("{}.{}", key.section, key.name)).collect();
    assert_eq!(asked, listed);
}

#[test]
fn the_defaults_of_the_reference_are_the_real_ones() {
    let text = format!(
        "{SMALL}\n[[community]]\nname = \"a\"\nservers = [\"a\"]\nown_presence = \"login\"\nprivacy = \"own\"\n\
         [[community.observer]]\nname = \"x\"\npassword_file = \"password\"\n"
    );
    let mut compared = 0;
    each_line(&Folder::new(), &text, |section, line| {
        if line.default && line.key != "workers" {
            let key = KEYS.iter().find(|key| key.section == section && key.name == line.key).unwrap();
            assert_eq!(key.default, line.literal, "{section}.{}", line.key);
            compared += 1;
        }
    });
    let literals =
        KEYS.iter().filter(|key| key.default.starts_with(['"', '1', '2', '3', '4', '5', '6', '7', '8', '9']));
    // Those of the route are given or asked for in SMALL; `mint` and `fallback` are words.
    assert!(compared >= literals.count(), "only {compared} defaults were compared");
    assert!(KEYS.iter().any(|key| key.default == MUST));
}

#[test]
fn the_page_has_the_tables_of_the_program() {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md"));
    let reference = reference();
    assert!(
        page.contains(reference.trim_end()),
        "docs/configuration.md: replace the tables by the output of `livename print-config --reference`:\n{reference}"
    );
}

/// The page's example is one that loads.
#[test]
fn the_example_of_the_page_is_right() {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md"));
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let example = example
        .replace("/etc/livename/tls/", "")
        .replace("/etc/livename/sso/", "")
        .replace("/etc/livename/observer", "password")
        .replace(":80\"]", ":0\"]");
    let folder = Folder::new();
    folder.load(&example).unwrap_or_else(|errors| panic!("{errors}"));
}
