//! Every golden vector of the wire formats: decoded to its fields, encoded to its bytes, or refused.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a vector that cannot be read fails the test")]

mod support;

use support::Vector;
use support::check::{Outcome, altered, check, is_informative};
use support::set::{built_in, files, load, run_with_another_set};

/// The vectors whose bytes are not the ones that we write.
const UNUSUAL: [&str; 5] = [
    "bool_nonzero_is_true",
    "handshake_extra_trailing",
    "login_without_trailing_u16",
    "snapshot_future_fields_skipped",
    "update_zero_end_offset",
];

/// Runs the vectors of a file, except those of the cryptography; returns how many there were of both.
fn run(vectors: &[Vector]) -> (usize, usize) {
    let (mut ran, mut cryptography) = (0, 0);
    for vector in vectors {
        let outcome = check(vector).unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        match outcome {
            Outcome::Cryptography => cryptography += 1,
            _ => ran += 1,
        }
        if built_in() {
            let unusual = UNUSUAL.contains(&vector.name.as_str());
            assert_eq!(outcome == Outcome::Equivalent, unusual, "{}: {outcome:?}", vector.name);
        }
    }
    (ran, cryptography)
}

fn run_file(file: &str, expected: usize) {
    let (ran, _) = run(&load(file));
    println!("{file}: {ran} vectors");
    if built_in() {
        assert_eq!(ran, expected, "{file}");
    }
}

#[test]
fn framing() {
    run_file("framing.json", 12);
}

#[test]
fn primitives() {
    run_file("primitives.json", 36);
}

#[test]
fn messages() {
    run_file("messages.json", 36);
}

#[test]
fn awareness() {
    run_file("awareness.json", 21);
}

#[test]
fn services() {
    run_file("services.json", 6);
}

#[test]
fn session() {
    run_file("session.json", 36);
}

#[test]
fn messages_of_the_encrypted_channels() {
    run_file("crypto.json", 18);
}

#[test]
fn malformed() {
    run_file("malformed.json", 43);
}

#[test]
fn no_file_and_no_vector_is_left_out() {
    let (mut ran, mut cryptography) = (0, 0);
    for file in files("") {
        let (of_file, cryptography_of_file) = run(&load(&file));
        ran += of_file;
        cryptography += cryptography_of_file;
    }
    assert!(ran > 0, "no vectors");
    if built_in() {
        assert_eq!((ran, cryptography), (208, 19));
        assert_eq!(ran + cryptography, 227);
    }
}

#[test]
fn another_set_runs_as_well() {
    run_with_another_set();
}

#[test]
#[should_panic(expected = "no reader for vectors of kind")]
fn a_vector_of_an_unknown_kind_fails() {
    let vector = Vector {
        name: "from_the_future".into(),
        kind: "hologram".into(),
        origin: "composed".into(),
        expect: "reject".into(),
        fields: serde_json::json!({}),
        bytes: Vec::new(),
    };
    let _ = check(&vector);
}

/// The check would notice if any field that it is to compare were another.
#[test]
fn every_field_counts() {
    let mut altered_fields = 0;
    for vector in files("").iter().flat_map(|file| load(file)) {
        if vector.expect == "reject" || check(&vector) == Ok(Outcome::Cryptography) {
            continue;
        }
        // The text of an encrypted message is inside its ciphertext.
        let encrypted = vector.fields.get("data_ciphertext").is_some();
        for (field, value) in vector.fields.as_object().unwrap() {
            if is_informative(&vector.kind, field) || (encrypted && field == "text") {
                continue;
            }
            let mut wrong = vector.clone();
            wrong.fields[field] = altered(value);
            assert!(check(&wrong).is_err(), "{}: a wrong {field} goes unnoticed", vector.name);
            altered_fields += 1;
        }
    }
    assert!(altered_fields > 0);
}
