//! What a running process has used, read from `/proc`: CPU time to the nanosecond, memory of its own.

use std::fs;

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
