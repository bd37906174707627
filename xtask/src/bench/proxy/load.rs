//! The load: `h2load` from Debian, as an HTTP/1.1 client with a fixed number of requests.

use std::process::Command;

use crate::step::Outcome;

/// Sends that many requests over that many kept connections; each has to succeed.
pub(super) fn run(url: &str, requests: usize, connections: usize) -> Outcome {
    let output = Command::new("taskset")
        .args(["-c", "1", "h2load", "--h1", "-t", "1"])
        .args(["-n", &requests.to_string(), "-c", &connections.to_string(), url])
        .output()
        .map_err(|error| format!("h2load: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let all = format!("status codes: {requests} 2xx");
    if text.contains(&all) {
        return Ok(());
    }
    let said: Vec<&str> =
        text.lines().filter(|line| line.starts_with("requests:") || line.starts_with("status")).collect();
    Err(format!("h2load {url}: {}{}", said.join("; "), String::from_utf8_lossy(&output.stderr)))
}
