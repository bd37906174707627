//! The test peers: Debian packages from `peers.txt`, installed when missing.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::step::{Outcome, program};

struct Peer {
    package: &'static str,
    purpose: &'static str,
}

fn list() -> impl Iterator<Item = Peer> {
    include_str!("../peers.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(char::is_whitespace))
        .map(|(package, purpose)| Peer { package, purpose: purpose.trim() })
}

/// Installs what is missing, or says which tests will be left out.
pub(crate) fn provide(install: bool) -> Outcome {
    let missing: Vec<Peer> = list().filter(|peer| !installed(peer.package)).collect();
    if missing.is_empty() {
        println!("── test peers: all there\n");
        return Ok(());
    }
    if !install || !Path::new("/usr/bin/apt-get").exists() {
        println!("── test peers missing: {}; the tests that need them are left out:", missing.len());
        for peer in &missing {
            println!("   {:<18} {}", peer.package, peer.purpose);
        }
        println!();
        return Ok(());
    }
    apt(&["update", "-qq"])?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(missing.iter().map(|peer| peer.package));
    apt(&arguments)
}

fn installed(package: &str) -> bool {
    Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", package])
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|output| output.stdout == b"installed")
}

fn apt(arguments: &[&str]) -> Outcome {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0"));
    let step = if root {
        program("test peers", "apt-get", arguments)
    } else {
        let with_sudo: Vec<&str> = ["apt-get"].into_iter().chain(arguments.iter().copied()).collect();
        program("test peers", "sudo", &with_sudo)
    };
    step.env("DEBIAN_FRONTEND", "noninteractive").run()
}
