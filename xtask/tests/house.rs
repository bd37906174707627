//! The rules of the house that a compiler does not enforce: who may import whom, and how long a file may be.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::path::{Path, PathBuf};

/// Folder or file prefix, words that must not be in its code, and why.
const BANS: &[(&str, &[&str], &str)] = &[
    (
        "protocol/src",
        &["tokio", "hyper", "tracing::", "std::net", "Instant::now", "SystemTime::now", "getrandom"],
        "pure: time, randomness and bytes are arguments",
    ),
    (
        "gateway/core/src",
        &["tokio", "hyper", "tracing::", "std::net", "Instant::now", "SystemTime::now", "getrandom"],
        "the simulation runs it: time and randomness are arguments",
    ),
    (
        "gateway/src/auth",
        &["hyper::", "http::", "crate::session", "crate::bridge"],
        "input is cookie text and a clock",
    ),
    (
        "gateway/src/session",
        &["crate::community::", "crate::bridge"],
        "session and community meet only in the hub",
    ),
    (
        "gateway/src/names",
        &["crate::session", "crate::community::", "crate::http", "crate::bridge"],
        "both sides come to it",
    ),
    ("gateway/src/shard", &["crate::community::", "crate::bridge"], "the delivery path knows no upstream"),
    (
        "gateway/src/community",
        &["crate::session", "crate::bridge", "crate::http"],
        "upstream knows no browser",
    ),
    (
        "gateway/src/bridge",
        &["crate::session", "crate::community", "crate::shard"],
        "a request is one or the other",
    ),
    (
        "gateway/settings/src",
        &["std::fs", "std::net", "tokio", "protocol::", "gateway::"],
        "text in, values and mistakes out",
    ),
    ("gateway/setup/src", &["gateway::", "gateway_core"], "setup stands beside the gateway, not on it"),
    (
        "gateway/setup/src/plan",
        &["crate::directory", "tokio", "hyper", "std::fs", "std::net", "SystemTime::now"],
        "a plan is made from what was read, and from nothing else",
    ),
    (
        "gateway/src/pilot",
        &["hyper", "http::", "crate::session", "crate::bridge", "crate::community::"],
        "a list and a switch",
    ),
    ("gateway/src/bridge/rewrite", &["tokio", "crate::net", "tracing::"], "bytes in, bytes out"),
    ("loadtest", &["gateway::", "gateway_core::"], "a black-box client"),
];

/// What only one place may use.
const ONLY: &[(&str, &str, &[&str])] = &[
    ("gateway/src", "prometheus::", &["gateway/src/telemetry"]),
    ("gateway/src", "TcpListener::bind", &["gateway/src/net"]),
    ("gateway/src", "TcpStream::connect", &["gateway/src/net"]),
    ("gateway/src", "TcpSocket::new", &["gateway/src/net"]),
];

#[test]
fn nobody_imports_what_is_not_theirs() {
    let mut offences = Vec::new();
    for (folder, banned, why) in BANS {
        for (path, line, text) in code_below(folder) {
            for word in *banned {
                if text.contains(word) {
                    offences.push(format!("{}:{line}: {word} ({why})", path.display()));
                }
            }
        }
    }
    for (folder, word, allowed) in ONLY {
        for (path, line, text) in code_below(folder) {
            let inside = allowed.iter().any(|place| path.starts_with(place));
            if text.contains(word) && !inside {
                offences.push(format!("{}:{line}: {word} belongs in {}", path.display(), allowed.join(", ")));
            }
        }
    }
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let long: Vec<String> = ["protocol", "gateway", "loadtest", "xtask", "fuzz/fuzz_targets"]
        .iter()
        .flat_map(|folder| files_below(&root().join(folder)))
        .map(|path| (fs::read_to_string(&path).unwrap().lines().count(), path))
        .filter(|(lines, _)| *lines > 500)
        .map(|(lines, path)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "\n{}", long.join("\n"));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Lines that are neither comments nor below a file's test module: (path from the root, line number, text).
fn code_below(folder: &str) -> Vec<(PathBuf, usize, String)> {
    let files = files_below(&root().join(folder));
    assert!(!files.is_empty(), "{folder} has no code: the rule for it is out of date");
    let mut lines = Vec::new();
    for path in files.into_iter().filter(|path| !path.ends_with("tests.rs")) {
        let text = fs::read_to_string(&path).unwrap();
        let short = path.strip_prefix(root()).unwrap().to_owned();
        for (index, line) in text.lines().enumerate() {
            if line.starts_with("#[cfg(test)]") {
                break;
            }
            if !line.trim_start().starts_with("//") {
                lines.push((short.clone(), index + 1, line.to_owned()));
            }
        }
    }
    lines
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return files };
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            files.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
