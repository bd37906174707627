//! Names as directories really have them, and worse: they come out of every file as they went in.

use serde_json::Value as Json;

use super::{Value, exported, read_by_others, setup};
use crate::{DocumentKind, document, renovation};

/// Quotes, separators inside a component, Unicode beyond the first plane, characters that only LMBCS knows
/// (private use), markup, formula and script syntax.
const NAMES: [&str; 9] = [
    "CN=Jo \"J\" O'Neil/O=Renovation",
    "CN=Müller, Søren/OU=A&B/O=Renovation",
    "CN=山田 太郎/O=Renovation",
    "CN=😀 Smiley/O=Renovation",
    "CN=Lm\u{f862}bcs\u{e001}/O=Renovation",
    "CN=AC/DC/O=Renovation",
    "CN=<b>]]>--x-/O=Renovation",
    "CN=\\\\back\\ \" & @DeleteDocument & \"/O=Renovation",
    "CN=x\" : End Sub ' |*_`#/O=Renovation",
];

fn hostile() -> Vec<crate::ExportFile> {
    let list: Vec<String> = NAMES.iter().map(|name| Json::String((*name).to_owned()).to_string()).collect();
    let setup = setup(&format!("[awareness]\nfor = \"persons\"\npersons = [{}]\n", list.join(", ")));
    let mut documents = renovation();
    for (number, name) in NAMES.iter().enumerate() {
        let items = [("FullName", Value::from(*name)), ("MailServer", "CN=Mail1/O=Renovation".into())];
        documents.push(document(DocumentKind::Person, &format!("{number:032X}"), &items));
    }
    exported(&setup, documents)
}

fn text(stem: &str) -> String {
    hostile().into_iter().find(|file| file.name.starts_with(stem)).unwrap().text
}

#[test]
fn every_file_stays_well_formed() {
    read_by_others(&hostile());
}

#[test]
fn json_gives_every_name_back() {
    let file: Json = serde_json::from_str(&text("one-touch")).unwrap();
    let documents = file["appConfiguration"]["databases"][0]["documents"].as_array().unwrap();
    for name in NAMES {
        assert!(documents.iter().any(|document| document["findDocument"]["FullName"] == name), "{name}");
    }
}

/// Reads the script's literals back as LotusScript would, then the formula's strings as the formula language would.
#[test]
fn the_script_asks_for_every_name() {
    let script = text("agent");
    let formulas: Vec<String> = script
        .replace("_\n\t\t", "")
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Call PersonsOf("))
        .map(evaluated)
        .collect();
    assert_eq!(formulas.len(), NAMES.len());
    for name in NAMES {
        let wanted = name.to_lowercase().replace('\\', "\\\\").replace('"', "\\\"");
        let formula = format!(
            "Type = \"Person\" & @IsMember(\"{wanted}\"; @LowerCase(@Name([Canonicalize]; FullName)))"
        );
        assert!(formulas.contains(&formula), "{name}\n{formula}\n{formulas:#?}");
    }
}

/// The value of a LotusScript expression of literals and `Uchr$`, up to the comma behind it.
fn evaluated(expression: &str) -> String {
    let mut units: Vec<u16> = Vec::new();
    let mut rest = expression;
    loop {
        if let Some(number) = rest.strip_prefix("Uchr$(") {
            let (number, behind) = number.split_once(')').unwrap();
            units.push(number.parse().unwrap());
            rest = behind;
        } else {
            rest = rest.strip_prefix('"').unwrap_or_else(|| panic!("{rest}"));
            loop {
                let end = rest.find('"').unwrap();
                units.extend(rest[..end].encode_utf16());
                rest = &rest[end + 1..];
                let Some(behind) = rest.strip_prefix('"') else { break };
                units.push(u16::from(b'"'));
                rest = behind;
            }
        }
        match rest.strip_prefix(" & ") {
            Some(behind) => rest = behind,
            None => return String::from_utf16(&units).unwrap(),
        }
    }
}

/// One row of the instructions' tables has as many cells as its head, whatever the name holds.
#[test]
fn the_instructions_keep_their_tables() {
    let page = text("by-hand");
    for row in page.lines().map(str::trim).filter(|line| line.starts_with('|')) {
        let bars = row.replace("\\|", "").matches('|').count();
        assert_eq!(bars, 8, "{row}");
    }
}

#[test]
fn a_directory_of_many_is_exported_in_bounded_pages() {
    let names: Vec<String> = (0..2500).map(|number| format!("\"Person {number}/Renovation\"")).collect();
    let setup = setup(&format!("[awareness]\nfor = \"persons\"\npersons = [{}]\n", names.join(", ")));
    let files = exported(&setup, Vec::new());
    let agent = &files.iter().find(|file| file.name == "agent.lss").unwrap().text;
    assert_eq!(agent.matches("\nSub Persons").count(), 26, "25 of 100 persons each, and the one they call");
    let page = &files.iter().find(|file| file.name == "by-hand.md").unwrap().text;
    assert!(page.contains("2450 more Person documents"), "{}", page.len());
}
