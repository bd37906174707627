//! A process of the estate: started, waited for, ended.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::EstateError;
use crate::measure::Process;

/// Until the ready file is there.
const START: Duration = Duration::from_secs(30);
/// From SIGTERM to SIGKILL.
const STOP: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);
/// Of its log, if it fails.
const LAST_WORDS: usize = 1500;

pub(super) struct Service {
    what: &'static str,
    child: Child,
    /// What it says, wherever the file is by now.
    log: File,
}

impl Service {
    /// A command for the program, which ends when this process does, however that happens.
    pub(super) fn command(program: &Path) -> Result<Command, EstateError> {
        let own = std::env::current_exe();
        let own = own.map_err(|error| EstateError::File { file: "livename-load".into(), error })?;
        let mut command = Command::new(own);
        command.arg("child").arg(program);
        Ok(command)
    }

    /// Starts the program (of `Service::command`) with its output in `log`, and waits for what it writes into `ready`.
    pub(super) async fn start(
        what: &'static str,
        mut command: Command,
        log: &Path,
        ready: &Path,
    ) -> Result<(Self, Value), EstateError> {
        let file = |error| EstateError::File { file: log.to_owned(), error };
        let log = File::options().read(true).append(true).create(true).open(log).map_err(file)?;
        let (output, errors) = (log.try_clone().map_err(file)?, log.try_clone().map_err(file)?);
        command.stdin(Stdio::null()).stdout(output).stderr(errors).kill_on_drop(true);
        // Ctrl-C is for the test, which ends its processes itself.
        command.process_group(0);
        let child = command.spawn();
        let child = child.map_err(|error| EstateError::Start { what, said: error.to_string() })?;
        let mut started = Self { what, child, log };
        let begun = Instant::now();
        loop {
            if let Ok(text) = std::fs::read_to_string(ready)
                && let Ok(value) = serde_json::from_str(&text)
            {
                return Ok((started, value));
            }
            if started.casualty().is_some() || begun.elapsed() > START {
                return Err(EstateError::Start { what, said: started.last_words() });
            }
            sleep(LOOK).await;
        }
    }

    pub(super) fn process(&self) -> Option<Process> {
        self.child.id().map(Process)
    }

    /// Its last words, if it has ended by itself.
    pub(super) fn casualty(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(format!("the {} has ended ({status}): {}", self.what, self.last_words()))
    }

    fn last_words(&self) -> String {
        let length = self.log.metadata().map_or(0, |log| log.len());
        let mut last = vec![0; LAST_WORDS];
        let read = self.log.read_at(&mut last, length.saturating_sub(LAST_WORDS as u64)).unwrap_or(0);
        let words = String::from_utf8_lossy(last.get(..read).unwrap_or_default());
        let words = words.trim();
        if words.is_empty() { "it said nothing".to_owned() } else { words.to_owned() }
    }

    pub(super) async fn stop(mut self) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = id.and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            if timeout(STOP, self.child.wait()).await.is_ok() {
                return;
            }
        }
        let _ = self.child.kill().await;
    }
}
