//! The rules of the house that a compiler does not enforce: who may import whom, and how long a file may be.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::path::{Path, PathBuf};

/// What gives time, randomness, files, threads or bytes to code that wants them as arguments.
const WORLD: &[&str] = &[
    "tokio",
    "hyper",
    "tracing::",
    "std::net",
    "std::fs",
    "std::thread",
    "std::env",
    "Instant::now",
    "SystemTime::now",
    "getrandom",
];

/// Folder or file prefix, words that must not be in its code, and why.
const BANS: &[(&str, &[&str], &str)] = &[
    ("protocol/src", WORLD, "pure: time, randomness and bytes are arguments"),
    ("gateway/core/src", WORLD, "the simulation runs it: time and randomness are arguments"),
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
    (
        "gateway/src/hub",
        &[
            "hyper",
            "http::",
            "std::net",
            "tokio::net",
            "crate::net",
            "crate::session",
            "crate::community::",
            "crate::bridge",
        ],
        "the others come to it",
    ),
    (
        "gateway/src/shard",
        &[
            "hyper",
            "http::",
            "tokio::net",
            "crate::net",
            "crate::session",
            "crate::community::",
            "crate::bridge",
        ],
        "the delivery path knows no upstream, and no form of request",
    ),
    ("gateway/src/config", EDGES, "a leaf: everybody may import it"),
    ("gateway/src/telemetry", EDGES, "a leaf: everybody may import it"),
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

/// The rooms of the gateway that a leaf must not know.
const EDGES: &[&str] = &[
    "crate::app",
    "crate::cli",
    "crate::demo",
    "crate::net",
    "crate::http",
    "crate::admin",
    "crate::auth",
    "crate::bridge",
    "crate::session",
    "crate::community",
    "crate::hub",
    "crate::shard",
    "crate::names",
    "crate::pilot",
    "crate::scripts",
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

/// Lines that are neither comments nor tests: (path from the root, line number, text).
fn code_below(folder: &str) -> Vec<(PathBuf, usize, String)> {
    let files = files_below(&root().join(folder));
    assert!(!files.is_empty(), "{folder} has no code: the rule for it is out of date");
    let mut lines = Vec::new();
    for path in files {
        let short = path.strip_prefix(root()).unwrap().to_owned();
        let below_src = short.iter().skip_while(|part| *part != "src");
        if !path.ends_with("tests.rs") && !below_src.into_iter().any(|part| part == "tests") {
            let text = fs::read_to_string(&path).unwrap();
            lines.extend(code(&text).into_iter().map(|(line, text)| (short.clone(), line, text)));
        }
    }
    lines
}

/// The code of a file with its line numbers. A `use` is one line, each of its paths written out.
fn code(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"));
    while let Some((number, line)) = lines.next() {
        if line.starts_with("#[cfg(test)]") {
            // What it is written before: an item in one line, or a block that ends where it began.
            if lines.next().is_some_and(|(_, line)| line.ends_with('{')) {
                lines.find(|(_, line)| line.starts_with('}'));
            }
        } else if line.trim_start().split(' ').take(2).any(|word| word == "use") {
            let mut import = line.trim().to_owned();
            while !import.ends_with(';') {
                import += lines.next().map_or(";", |(_, line)| line.trim());
            }
            found.push((number, paths(&import).join(" ")));
        } else {
            found.push((number, line.to_owned()));
        }
    }
    found
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d` and `a::c::e`.
fn paths(import: &str) -> Vec<String> {
    let Some(open) = import.find('{') else { return vec![import.to_owned()] };
    let (before, inside) = (&import[..open], &import[open + 1..]);
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, letter) in inside.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                let part = inside[start..at].trim();
                // Nothing stands behind a last comma.
                let parts = if part.is_empty() { Vec::new() } else { paths(part) };
                found.extend(parts.into_iter().map(|path| format!("{before}{path}")));
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

#[test]
fn tests_are_passed_over_and_nothing_else_is() {
    let text = "\
use std::{fs, io::{self, Read}};
#[cfg(test)]
mod tests;
// std::thread
pub(crate) use crate::{
    session::Page,
};
#[cfg(test)]
mod more {
    use tokio::net;
}
fn f() {}
";
    let code: Vec<(usize, String)> = code(text);
    let lines = [
        (1, "use std::fs use std::io::self use std::io::Read"),
        (5, "pub(crate) use crate::session::Page"),
        (12, "fn f() {}"),
    ];
    assert_eq!(code, lines.map(|(number, line)| (number, line.to_owned())));
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
