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
