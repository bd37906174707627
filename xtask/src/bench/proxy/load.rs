//! The load: `h2load` from Debian, as an HTTP/1.1 client with a fixed number of requests; and `strace` around a run.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

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

/// How many system calls the process makes while `work` is done.
pub(super) fn counted(process: u32, file: &Path, work: impl FnOnce() -> Outcome) -> Result<usize, String> {
    let mut strace = Command::new("strace")
        .args(["-f", "-c", "-o", &file.display().to_string(), "-p", &process.to_string()])
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("strace: {error}"))?;
    // It says nothing when it is ready; a call or two at the start do not matter.
    sleep(Duration::from_millis(500));
    let done = work();
    let stopped = Command::new("kill").args(["-INT", &strace.id().to_string()]).status();
    let ended = strace.wait();
    done?;
    stopped.and(ended).map_err(|error| format!("strace: {error}"))?;
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let total = text.lines().find(|line| line.trim_end().ends_with(" total"));
    let count = total.and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    count.ok_or_else(|| format!("strace counted nothing:\n{text}"))
}
