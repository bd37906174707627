//! What `livename demo` says when it cannot start, and by which exit code.

use std::net::TcpListener;
use std::process::Command;

use crate::{Folder, livename};

const ADDRESSES: [&str; 4] = ["--http", "--https", "--admin", "--community"];

/// With free ports but for one; files go into the folder.
fn demo(folder: &Folder, taken: Option<(&str, &str)>) -> Command {
    let mut command = livename(&["demo", "--people", "20", "--speed", "0"]);
    command.env("TMPDIR", folder.0.join("files"));
    command.arg("--ready-file").arg(folder.0.join("ready.json"));
    for address in ADDRESSES {
        let given = taken.filter(|(flag, _)| *flag == address).map_or("127.0.0.1:0", |(_, port)| port);
        command.args([address, given]);
    }
    command
}

#[test]
fn a_taken_port_of_the_demo_is_named_with_its_flag() {
    let folder = Folder::new("demo-taken");
    std::fs::create_dir(folder.0.join("files")).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    for flag in ADDRESSES {
        let output = demo(&folder, Some((flag, &port))).output().unwrap();
        let problem = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{flag}: {problem}");
        assert!(problem.contains(&port) && problem.contains(flag), "{flag}: {problem}");
        assert!(output.stdout.is_empty() && !folder.0.join("ready.json").exists(), "{flag}");
        assert_eq!(std::fs::read_dir(folder.0.join("files")).unwrap().count(), 0, "{flag}: nothing is left");
    }
}

#[test]
fn a_machine_that_fails_is_no_mistake_of_the_caller() {
    let folder = Folder::new("demo-machine");
    // There is no folder for its files.
    let output = demo(&folder, None).output().unwrap();
    let problem = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{problem}");
    assert!(problem.contains("files"), "{problem}");
}
