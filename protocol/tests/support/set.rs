//! Where the golden vectors are: `tests/vectors`, or the folder that `LIVENAME_VECTORS` names. Another folder of the
//! same form (`tests/vectors/README.md`) may have other files, fewer kinds and other names: what it lacks is not
//! tested, and what is in it is. The repository's own set is known by number.

#![allow(dead_code, reason = "every test program uses another part of it")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const VARIABLE: &str = "LIVENAME_VECTORS";

/// One vector.
#[derive(Clone, Debug)]
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) origin: String,
    pub(crate) expect: String,
    pub(crate) fields: Value,
    pub(crate) bytes: Vec<u8>,
}

/// Whether the vectors are those of this repository, whose numbers are known.
pub(crate) fn built_in() -> bool {
    std::env::var_os(VARIABLE).is_none()
}

pub(crate) fn folder() -> PathBuf {
    std::env::var_os(VARIABLE).map_or_else(|| beside("vectors"), PathBuf::from)
}

/// The names of the files in the folder, or in one inside it; none if there is no such folder.
pub(crate) fn files(inside: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder().join(inside)) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    names.sort();
    names
}

/// What a file holds.
pub(crate) fn read(file: &str) -> Value {
    let path = folder().join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The vectors of one file; none if another set has no such file.
pub(crate) fn load(file: &str) -> Vec<Vector> {
    if !built_in() && !folder().join(file).exists() {
        return Vec::new();
    }
    let all = read(file);
    assert_eq!(all["format"], "vp-vectors/1", "{file}");
    let vectors: Vec<Vector> = all["vectors"].as_array().unwrap().iter().map(parse).collect();
    if let Some(count) = all.get("count") {
        assert_eq!(count, vectors.len(), "{file} is not complete");
    }
    vectors
}

/// The vectors of a kind, wherever in the set they are.
pub(crate) fn of_kind(kind: &str, expect: &str) -> Vec<Vector> {
    let all = files("").into_iter().flat_map(|file| load(&file));
    all.filter(|vector| vector.kind == kind && vector.expect == expect).collect()
}

/// Runs the calling test program with the small set of `tests/vectors-other`, whose files and vectors have names of
/// their own.
pub(crate) fn run_with_another_set() {
    if built_in() {
        let program = std::env::current_exe().unwrap();
        let output = Command::new(program).env(VARIABLE, beside("vectors-other")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn parse(vector: &Value) -> Vector {
    let text = |key: &str| vector[key].as_str().unwrap_or_else(|| panic!("{key} of {vector}")).to_owned();
    let bytes = hex::decode(text("hex")).unwrap();
    if let Some(len) = vector.get("len") {
        assert_eq!(len, bytes.len(), "{}", text("name"));
    }
    Vector {
        name: text("name"),
        kind: text("kind"),
        origin: text("origin"),
        expect: text("expect"),
        fields: vector["fields"].clone(),
        bytes,
    }
}
