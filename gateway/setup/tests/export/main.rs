//! Exported files: compared with those in the repository, and read by programs of others.
//!
//! `LIVENAME_GOLDEN=write cargo test -p gateway-setup --test export` writes the files anew; look at the difference.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod hostile;
mod script;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gateway_setup::config::{self, Setup};
use gateway_setup::estate::{Document, Estate, Replica, Unid, Value};
use gateway_setup::export::{ExportFile, files};
use gateway_setup::items::{DocumentKind, ItemTable};
use gateway_setup::plan::{self, Plan};
use loadtest_sim::left_out;

/// The procedure's own example: a mail server, and Sametime in the same domain, not clustered.
const SERVERS: &str = r#"
topology = "not-clustered"
[[server]]
role   = "inotes"
name   = "Mail1/Renovation"
domain = "Renovation"
host   = "mail1.renovation.example"
[[server]]
role   = "sametime"
name   = "Sametime/Renovation"
domain = "Renovation"
host   = "sametime.renovation.example"
[[directory]]
domain = "Renovation"
path   = "files"
[sso]
domain = ".renovation.example"
"#;

fn setup(more: &str) -> Setup {
    config::parse(Path::new("setup.toml"), &format!("{SERVERS}{more}"))
        .unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn document(kind: DocumentKind, unid: &str, items: &[(&str, Value)]) -> Document {
    let items: BTreeMap<_, _> =
        items.iter().map(|(name, value)| (name.parse().unwrap(), value.clone())).collect();
    Document { kind, unid: Unid(unid.to_owned()), revision: None, items }
}

fn estate(documents: Vec<Document>) -> Estate {
    let mut replica = Replica::unseen("Renovation", "Renovation");
    if !documents.is_empty() {
        replica.seen = BTreeSet::from(DocumentKind::ALL);
    }
    replica.documents = documents;
    Estate { replicas: vec![replica] }
}

fn planned(setup: &Setup, documents: Vec<Document>) -> Plan {
    plan::plan(setup, &ItemTable::built_in(), &estate(documents))
}

fn exported(setup: &Setup, documents: Vec<Document>) -> Vec<ExportFile> {
    files(setup, &ItemTable::built_in(), &planned(setup, documents))
}

/// A directory in which everything is there but the settings of the procedure.
fn renovation() -> Vec<Document> {
    let server = |unid, name: &str, session: &str| {
        let host = format!("{}.renovation.example", name.to_lowercase());
        let items = [
            ("ServerName", format!("CN={name}/O=Renovation").as_str().into()),
            ("SMTPFullHostDomain", host.as_str().into()),
            ("HTTP_EnableSessionAuth", session.into()),
            ("HTTP_TCPNP", "1".into()),
        ];
        document(DocumentKind::Server, unid, &items)
    };
    let person = |unid, name: &str, sametime: &str| {
        let items = [
            ("FullName", Value::Texts(vec![format!("CN={name}/O=Renovation"), name.to_owned()])),
            ("MailServer", "CN=Mail1/O=Renovation".into()),
            ("SametimeServer", sametime.into()),
        ];
        document(DocumentKind::Person, unid, &items)
    };
    let sso = [
        ("LTPA_TokenName", "LtpaToken".into()),
        ("LTPA_TokenDomain", "renovation.example".into()),
        ("LTPA_TokenExpiration", Value::number(30)),
    ];
    vec![
        server("3B1F0C5E7A9D4E21852588DA00112201", "Mail1", "0"),
        server("3B1F0C5E7A9D4E21852588DA00112202", "Sametime", "2"),
        document(DocumentKind::Sso, "3B1F0C5E7A9D4E21852588DA00112203", &sso),
        person("3B1F0C5E7A9D4E21852588DA00112204", "Ann Archer", ""),
        person("3B1F0C5E7A9D4E21852588DA00112205", "Bo Baker", "CN=Old/O=Renovation"),
    ]
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/export")
}

/// Compares with the files in the repository, or writes them.
fn compare(folder: &str, files: &[ExportFile]) {
    let folder = data().join(folder);
    let write = std::env::var_os("LIVENAME_GOLDEN").is_some();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for file in files {
        let path = folder.join(&file.name);
        if write {
            fs::write(&path, &file.text).unwrap();
        }
        let golden = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(file.text, golden, "{}", path.display());
        known.insert(file.name.clone());
    }
    let there: BTreeSet<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(known, there, "{}", folder.display());
}

/// Lets programs of others read every file that they can.
fn read_by_others(files: &[ExportFile]) {
    for file in files {
        match Path::new(&file.name).extension().and_then(|extension| extension.to_str()) {
            Some("dxl") => {
                let Some(program) = left_out::need("xmllint") else { continue };
                xmllint(&program, &file.text).unwrap_or_else(|error| panic!("{}: {error}", file.name));
            }
            Some("json") => drop(serde_json::from_str::<serde_json::Value>(&file.text).unwrap()),
            Some("lss") => lotus_script(&file.name, &file.text),
            _ => {}
        }
    }
}

/// Validates against the vendor's grammar.
fn xmllint(program: &Path, dxl: &str) -> Result<(), String> {
    static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("livename-{}-{number}.dxl", std::process::id()));
    fs::write(&path, dxl).unwrap();
    let grammar = data().join("domino_9_0_1.dtd");
    let output = Command::new(program)
        .args(["--nonet", "--noout", "--dtdvalid"])
        .args([&grammar, &path])
        .output()
        .unwrap();
    fs::remove_file(&path).unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// There is no compiler: at least the blocks are closed, the quotes are even, and the text is ASCII.
fn lotus_script(name: &str, text: &str) {
    assert!(text.is_ascii(), "{name}");
    let mut open: Vec<&str> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let at = format!("{name}:{number}: {line}");
        assert!(line.len() < 250, "{at}");
        assert!(
            !line.contains('@') || line.contains('"') || line.starts_with('\''),
            "left from the pattern: {at}"
        );
        let code = line.trim();
        if code.starts_with('\'') {
            continue;
        }
        assert_eq!(code.matches('"').count() % 2, 0, "{at}");
        let mut close = |kind| assert_eq!(open.pop(), Some(kind), "{at}");
        match code {
            "End Sub" => close("Sub"),
            "End Function" => close("Function"),
            "End If" => close("If"),
            "Wend" => close("While"),
            "End Forall" => close("Forall"),
            _ if code.starts_with("Sub ") => open.push("Sub"),
            _ if code.starts_with("Function ") => open.push("Function"),
            _ if code.starts_with("If ") && code.ends_with(" Then") => open.push("If"),
            _ if code.starts_with("While ") => open.push("While"),
            _ if code.starts_with("Forall ") => open.push("Forall"),
            _ => {}
        }
    }
    assert!(open.is_empty(), "{name}: {open:?}");
    script::names_are_declared(name, text);
}

#[test]
fn the_example_with_a_directory_that_was_read() {
    let files = exported(&setup("[awareness]\nfor = \"mail-servers\"\n"), renovation());
    compare("seen", &files);
    read_by_others(&files);
}

#[test]
fn the_example_with_a_gateway_and_a_directory_that_nobody_could_read() {
    let gateway = "[gateway]\nhost = \"im.renovation.example\"\n[awareness]\nfor = \"all\"\n";
    let files = exported(&setup(gateway), Vec::new());
    compare("unseen", &files);
    read_by_others(&files);
}

/// As in `apply`: nothing is switched to an SSO document that is wrong or that nobody has seen.
#[test]
fn the_agent_switches_servers_only_to_an_sso_document_that_is_right() {
    let table =
        ItemTable::built_in().overridden("[item.sso]\nservers = { item = \"LTPA_Servers\" }").unwrap();
    let agent = |setup: &Setup, documents: Vec<Document>| {
        let plan = plan::plan(setup, &table, &estate(documents));
        files(setup, &table, &plan).into_iter().find(|file| file.name == "agent.lss").unwrap().text
    };
    let setup = setup("[awareness]\nfor = \"mail-servers\"\n");
    let mut documents = renovation();
    let sso = documents.iter_mut().find(|document| document.kind == DocumentKind::Sso).unwrap();
    let servers = ["Mail1/Renovation", "Sametime/Renovation"].map(str::to_owned).to_vec();
    sso.items.insert("LTPA_Servers".parse().unwrap(), Value::Texts(servers));
    let wrong = agent(&setup, documents.clone());
    assert!(wrong.contains("Const SSO_CHECKED = False"), "the DNS domain has no leading dot");
    let sso = documents.iter_mut().find(|document| document.kind == DocumentKind::Sso).unwrap();
    sso.items.insert("LTPA_TokenDomain".parse().unwrap(), ".renovation.example".into());
    assert!(agent(&setup, documents).contains("Const SSO_CHECKED = True"));
    assert!(agent(&setup, Vec::new()).contains("Const SSO_CHECKED = False"), "nobody has seen it");
    assert_eq!(wrong.matches("If SSO_CHECKED Then\n\t\tCall Document").count(), 2);
}

#[test]
fn what_is_right_already_needs_no_files_but_the_instructions() {
    let setup = setup("[awareness]\nfor = \"persons\"\npersons = [\"Ann Archer/Renovation\"]\n");
    let mut plan = planned(&setup, renovation());
    for document in &mut plan.documents {
        document.action = plan::Action::Leave;
        document.items.iter_mut().for_each(|item| item.action = plan::Action::Leave);
    }
    let names: Vec<String> =
        files(&setup, &ItemTable::built_in(), &plan).into_iter().map(|file| file.name).collect();
    // The agent looks for persons by itself.
    assert_eq!(names, ["agent.lss", "notes-ini.txt", "by-hand.md"]);
}

#[test]
fn the_grammar_refuses_what_is_no_dxl() {
    let Some(program) = left_out::need("xmllint") else { return };
    let wrong = "<database xmlns=\"http://www.lotus.com/dxl\"><document><item><text>x</text></item></document></database>";
    assert!(xmllint(&program, wrong).unwrap_err().contains("name"));
}
