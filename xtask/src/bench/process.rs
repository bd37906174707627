//! What a running process has used: CPU time to the nanosecond and memory of its own, read from `/proc`; system calls,
//! counted by `strace`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::step::Outcome;

/// Until `strace` has every thread.
const ATTACH: Duration = Duration::from_secs(10);

/// CPU seconds of all threads of the process since its start. Threads that have ended are not in it.
///
/// # Errors
/// There is no such process (any more).
pub(crate) fn cpu_seconds(process: u32) -> Result<f64, String> {
    let folder = format!("/proc/{process}/task");
    let threads = fs::read_dir(&folder).map_err(|error| format!("{folder}: {error}"))?;
    // The first field of `schedstat` is nanoseconds on a CPU; `stat` would count in hundredths of a second.
    let nanoseconds = threads.filter_map(Result::ok).filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    });
    Ok(nanoseconds.sum::<f64>() / 1e9)
}

/// The part of it that was spent in the program itself, the rest in the kernel. Counted by ticks: good for seconds
/// of work.
///
/// # Errors
/// There is no such process (any more).
pub(crate) fn user_ticks(process: u32) -> Result<(f64, f64), String> {
    let path = format!("/proc/{process}/stat");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    // The name in brackets may have spaces; what follows it does not.
    let fields = text.rsplit_once(')').map(|(_, rest)| rest.split_whitespace()).into_iter().flatten();
    let ticks: Vec<f64> = fields.skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    match ticks.as_slice() {
        [user, system] => Ok((*user, *system)),
        _ => Err(format!("{path}: no ticks")),
    }
}

/// Bytes of memory that are the process's own: neither shared with another nor from a file.
///
/// # Errors
/// There is no such process (any more).
pub(crate) fn own_memory(process: u32) -> Result<f64, String> {
    let path = format!("/proc/{process}/smaps_rollup");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let kilobytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches("kB").trim().parse::<f64>().ok()
    };
    kilobytes("Anonymous:")
        .map(|count| count * 1024.0)
        .ok_or_else(|| format!("{path}: no line for anonymous memory"))
}

/// Bytes of the kernel's own objects, of all processes: both ends of a connection on this machine are in it.
pub(crate) fn kernel_memory() -> f64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("SUnreclaim:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kilobytes.unwrap_or_default() * 1024.0
}

/// How many system calls the process makes while `work` is done. Counting slows it down.
///
/// # Errors
/// There is no `strace`, or `work` failed.
pub(crate) fn system_calls(
    process: u32,
    file: &Path,
    work: impl FnOnce() -> Outcome,
) -> Result<usize, String> {
    drop(fs::remove_file(file));
    let mut strace = Command::new("strace")
        .args(["-f", "-c", "-o", &file.display().to_string(), "-p", &process.to_string()])
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("strace: {error}"))?;
    let begun = Instant::now();
    while !is_traced(process) && begun.elapsed() < ATTACH {
        sleep(Duration::from_millis(5));
    }
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

/// Whether all of its threads are.
fn is_traced(process: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { return false };
    threads.filter_map(Result::ok).all(|thread| {
        let text = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        text.lines().any(|line| line.strip_prefix("TracerPid:").is_some_and(|by| by.trim() != "0"))
    })
}
