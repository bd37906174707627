//! The gateway that is measured, with a simulated community behind it.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::dialect;
use super::peers::{Running, START, beside, built, server, spawn, work};
use crate::bench::certificate;

/// With which tokens are made and proved.
const SECRET: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODk=";

/// Where what belongs to a running gateway is found.
pub(super) struct Addresses {
    /// Of the simulated community.
    pub(super) control: SocketAddr,
    /// Port for TLS.
    pub(super) https: u16,
    pub(super) admin: SocketAddr,
}

/// Starts the community with so many people, and the gateway before it.
pub(super) fn start(people: usize, tool: &[String]) -> Result<Running, String> {
    let (community, gateway) = (work().join("community.json"), work().join("gateway.json"));
    for file in [&community, &gateway] {
        let _ = fs::remove_file(file);
    }
    let secret = work().join("domino.secret");
    fs::write(&secret, SECRET).map_err(|error| format!("{}: {error}", secret.display()))?;
    if !work().join("cert.pem").exists() {
        certificate::make(&work())?;
    }
    let mut command = beside(&built("livename-load"));
    command
        .args(["--log", "error", "community", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"])
        .args(["--online", "100", "--people", &people.to_string(), "--domino-secret-file"])
        .arg(&secret)
        .arg("--ready-file")
        .arg(&community);
    let mut children = vec![spawn(command, "community")?];
    let said = ready(&community)?;
    let control = address(&said, "control")?;
    let people = dialect::people(control)?;
    let observer = people.last().ok_or("the simulated community is empty")?;
    let text = include_str!("livename.toml")
        .replace("COMMUNITY", &address(&said, "listen")?.to_string())
        .replace("OBSERVER", observer);
    let file = work().join("livename.toml");
    fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut command = server(tool, &built("livename"));
    command.arg("run").arg("--config").arg(&file).arg("--ready-file").arg(&gateway);
    let child = spawn(command, "livename")?;
    let process = child.0.id();
    children.push(child);
    let said = ready(&gateway)?;
    let (port, https) = (address(&said, "http")?.port(), address(&said, "https")?.port());
    let livename = Some(Addresses { control, https, admin: address(&said, "admin")? });
    Ok(Running { process, port, livename, _children: children })
}

fn ready(file: &Path) -> Result<Value, String> {
    let begun = Instant::now();
    while begun.elapsed() < START {
        if let Ok(text) = fs::read_to_string(file)
            && let Ok(said) = serde_json::from_str(&text)
        {
            return Ok(said);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(format!("{} does not come: see the logs beside it", file.display()))
}

fn address(said: &Value, key: &str) -> Result<SocketAddr, String> {
    let address = said.get(key).and_then(Value::as_str).and_then(|text| text.parse().ok());
    address.ok_or_else(|| format!("no {key}: {said}"))
}
