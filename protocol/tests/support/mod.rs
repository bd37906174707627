//! Golden vectors of the wire formats: where they are, and one check that fits every kind.
//!
//! The vectors were recorded from an independent client library; their form is described in
//! `tests/vectors/README.md`. `LIVENAME_VECTORS` names another directory of the same form.

pub(crate) mod check;
mod expected;
mod fields;
mod messages;

use std::path::PathBuf;

use serde_json::Value;

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
    std::env::var_os("LIVENAME_VECTORS").is_none()
}

fn folder() -> PathBuf {
    std::env::var_os("LIVENAME_VECTORS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors"), PathBuf::from)
}

/// The names of the files in the directory.
pub(crate) fn files() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    names.sort();
    names
}

/// The vectors of one file; none if another directory has no such file.
pub(crate) fn load(file: &str) -> Vec<Vector> {
    let path = folder().join(file);
    if !built_in() && !path.exists() {
        return Vec::new();
    }
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let all: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(all["format"], "vp-vectors/1", "{file}");
    let vectors: Vec<Vector> = all["vectors"].as_array().unwrap().iter().map(parse).collect();
    if let Some(count) = all.get("count") {
        assert_eq!(count, vectors.len(), "{file} is not complete");
    }
    vectors
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
