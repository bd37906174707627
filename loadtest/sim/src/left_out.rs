//! Tests that have to be left out because a program of others is not on this machine.
//!
//! A test harness keeps back what passing tests print, so a test that returns early would look like one that
//! proved something. Each is noted in the file that `LIVENAME_LEFT_OUT` names; `cargo xtask test` names and counts
//! them at its end.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{env, thread};

/// The file that collects what was left out, one line a test and program.
pub const VARIABLE: &str = "LIVENAME_LEFT_OUT";

/// Daemons are often not on the path of a user.
const DAEMONS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// Where a program is, if it is installed.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(DAEMONS.map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Where a program is; if it is nowhere, notes that the calling test, or a part of it, is left out.
pub fn need(program: &str) -> Option<PathBuf> {
    let found = find(program);
    if found.is_none() {
        note(program);
    }
    found
}

/// Notes that the calling test, or a part of it, is left out for want of something.
pub fn note(missing: &str) {
    let program = env::current_exe().unwrap_or_default();
    // The harness names a test's thread after it.
    let line = line(&program, thread::current().name(), missing);
    eprint!("LEFT OUT: {line}");
    if let Some(file) = env::var_os(VARIABLE) {
        append(Path::new(&file), &line).unwrap_or_else(|error| eprintln!("{VARIABLE}: {error}"));
    }
}

/// `events own_login::a_test needs chromium`, without the number that cargo gives to a test program.
fn line(program: &Path, test: Option<&str>, missing: &str) -> String {
    let program = program.file_stem().unwrap_or_default().to_string_lossy();
    let program = program.rsplit_once('-').map_or(&*program, |(name, _)| name);
    let test = test.unwrap_or("a thread of its own");
    format!("{program} {test} needs {missing}\n")
}

/// In one write, as other test programs append to the same file.
fn append(file: &Path, line: &str) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).open(file)?.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_line_names_the_test_and_what_it_needs() {
        let program = Path::new("/target/debug/deps/edge_tools-0123456789abcdef");
        let expected = "edge_tools a::b needs nginx\n";
        assert_eq!(line(program, Some("a::b"), "nginx"), expected);
        let file = env::temp_dir().join(format!("livename-left-out-{}", std::process::id()));
        append(&file, expected).unwrap();
        append(&file, expected).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), expected.repeat(2));
        fs::remove_file(&file).unwrap();
    }

    #[test]
    fn a_program_is_found_by_its_name() {
        assert!(find("cargo").is_some());
        assert_eq!(find("no-such-program-of-others"), None);
    }
}
