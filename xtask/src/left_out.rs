//! What the tests had to leave out, named and counted at the end of a run.
//!
//! A test that lacks a program of others returns early, and its harness counts it as passed and keeps back what it
//! prints. So each notes itself in a file (`loadtest_sim::left_out`), which is read here.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::step::{Outcome, Step, root};

/// The variable that tells the tests where the file is.
const VARIABLE: &str = "LIVENAME_LEFT_OUT";

/// The file of one run.
pub(crate) struct LeftOut {
    file: PathBuf,
    /// Every peer is installed, so nothing may be left out.
    complete: bool,
}

impl LeftOut {
    /// `complete`: whether every peer is installed.
    pub(crate) fn new(complete: bool) -> Result<Self, String> {
        let file = root().join("target/left-out.txt");
        // Also made when nothing is noted: a file that is missing at the end would prove nothing.
        fs::write(&file, "").map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(Self { file, complete })
    }

    /// A step whose tests note themselves.
    pub(crate) fn noted_by(&self, step: Step) -> Step {
        step.env(VARIABLE, &self.file.display().to_string())
    }

    /// Names and counts; fails if something was left out without need.
    pub(crate) fn report(self) -> Outcome {
        let text =
            fs::read_to_string(&self.file).map_err(|error| format!("{}: {error}", self.file.display()))?;
        judge(&text, self.complete)
    }
}

fn judge(text: &str, complete: bool) -> Outcome {
    let tests: BTreeSet<&str> = text.lines().collect();
    println!("── left out for want of a peer, whole or in part: {}", tests.len());
    for test in &tests {
        println!("   {test}");
    }
    if complete && !tests.is_empty() {
        return Err("tests were left out although every peer is installed".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_may_be_left_out_where_every_peer_is_installed() {
        let noted = "pages inbox needs chromium\npages inbox needs chromium\n";
        assert!(judge(noted, false).is_ok());
        assert!(judge(noted, true).is_err());
        assert!(judge("", true).is_ok());
    }
}
