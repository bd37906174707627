//! The test peers: Debian packages from `peers.txt`, installed when missing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::step::{Outcome, program};

/// One line of the list.
#[derive(Debug, PartialEq, Eq)]
struct Peer {
    package: &'static str,
    /// What stands for it where there are no Debian packages.
    sign: &'static str,
    purpose: &'static str,
}

fn list() -> impl Iterator<Item = Peer> {
    include_str!("../peers.txt").lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (package, rest) = line.split_once(char::is_whitespace)?;
        let (sign, purpose) = rest.trim_start().split_once(char::is_whitespace)?;
        Some(Peer { package, sign, purpose: purpose.trim() })
    })
}

/// Installs what is missing, or says what that is. Returns whether every peer is there: then no test may be left
/// out.
pub(crate) fn provide(install: bool) -> bool {
    let missing = missing();
    if missing.is_empty() {
        println!("── test peers: all there\n");
        return true;
    }
    let missing = if install && Path::new("/usr/bin/apt-get").exists() {
        if let Err(error) = install_all(&missing) {
            println!("── {error}");
        }
        self::missing()
    } else {
        missing
    };
    if !missing.is_empty() {
        println!("── test peers missing: {}; the tests that need them are left out:", missing.len());
        for peer in &missing {
            println!("   {:<18} {}", peer.package, peer.purpose);
        }
        println!();
    }
    missing.is_empty()
}

fn missing() -> Vec<Peer> {
    let debian = Command::new("dpkg-query").arg("--version").stdout(Stdio::null()).status().is_ok();
    list().filter(|peer| if debian { !installed(peer.package) } else { !found(peer.sign) }).collect()
}

fn installed(package: &str) -> bool {
    Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", package])
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|output| output.stdout == b"installed")
}

/// Where other systems keep programs and libraries.
fn found(sign: &str) -> bool {
    match sign.strip_prefix("lib:") {
        Some(library) => Command::new("pkg-config")
            .args(["--exists", library])
            .status()
            .is_ok_and(|status| status.success()),
        None => on_path(sign),
    }
}

/// Daemons are often not on the path of a user.
fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .any(|folder| folder.join(program).is_file())
}

/// The administrator installs; anybody else needs sudo, and goes on without if there is none.
fn install_all(missing: &[Peer]) -> Outcome {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0"));
    if !root && !on_path("sudo") {
        return Err("test peers cannot be installed: neither root nor sudo".to_owned());
    }
    apt(root, &["update", "-qq"])?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(missing.iter().map(|peer| peer.package));
    apt(root, &arguments)
}

fn apt(root: bool, arguments: &[&str]) -> Outcome {
    let step = if root {
        program("test peers", "apt-get", arguments)
    } else {
        let with_sudo: Vec<&str> = ["apt-get"].into_iter().chain(arguments.iter().copied()).collect();
        program("test peers", "sudo", &with_sudo)
    };
    step.env("DEBIAN_FRONTEND", "noninteractive").run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_has_a_sign_and_a_purpose() {
        let lines = include_str!("../peers.txt").lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(list().count(), lines);
        let promtool = Peer { package: "prometheus", sign: "promtool", purpose: "metrics are well formed" };
        assert!(list().any(|peer| peer == promtool));
        assert!(found("cargo") && !found("no-such-program") && !found("lib:no-such-library") && !found("-"));
    }
}
