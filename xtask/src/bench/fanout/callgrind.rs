//! Instructions of a server in user mode, counted by valgrind: the same however busy the machine is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::peers::work;
use crate::step::Outcome;

/// What a server is started below. It counts nothing yet, and is so less slow.
pub(super) fn tool() -> Vec<String> {
    let file = work().join("callgrind.%p").display().to_string();
    let arguments = ["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no"];
    let arguments = arguments.into_iter().map(str::to_owned);
    arguments.chain([format!("--callgrind-out-file={file}")]).collect()
}

/// Why nothing can be counted here.
pub(super) fn missing() -> Option<String> {
    (!Path::new("/usr/bin/vgdb").exists()).then(|| "apt-get install valgrind".to_owned())
}

/// How many instructions the process executes while `work` is done.
pub(super) fn instructions(process: u32, work: &mut dyn FnMut() -> Outcome) -> Result<f64, String> {
    for file in dumps(process) {
        drop(fs::remove_file(file));
    }
    tell(process, &["instrumentation", "on"])?;
    tell(process, &["zero"])?;
    work()?;
    tell(process, &["dump"])?;
    let file = dumps(process).into_iter().next().ok_or("valgrind has written no counts")?;
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals:"));
    let total = total.and_then(|total| total.trim().parse::<f64>().ok()).filter(|total| *total > 0.0);
    total.ok_or_else(|| format!("{}: no counts", file.display()))
}

/// The files that it has written so far.
fn dumps(process: u32) -> Vec<PathBuf> {
    let begin = format!("callgrind.{process}.");
    let entries = fs::read_dir(work()).into_iter().flatten().filter_map(Result::ok);
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&begin));
    ours.map(|entry| entry.path()).collect()
}

fn tell(process: u32, words: &[&str]) -> Outcome {
    let said = Command::new("vgdb").arg(format!("--pid={process}")).args(words).output();
    let said = said.map_err(|error| format!("vgdb: {error}"))?;
    if said.status.success() {
        return Ok(());
    }
    Err(format!("vgdb: {}", String::from_utf8_lossy(&said.stderr).trim()))
}
