//! The bypass: a switch that survives restarts in a file of its own, written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::telemetry::Metrics;

/// Whether everybody is passed on, and since when (Unix seconds).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BypassStatus {
    pub bypass: bool,
    pub since: u64,
}

/// The switch was moved, but a restart would not know.
#[derive(Debug, thiserror::Error)]
#[error("in force now, but it would not survive a restart: {}: {error}", path.display())]
pub struct NotKept {
    path: PathBuf,
    error: io::Error,
}

/// One per process.
#[derive(Debug)]
pub struct Bypass {
    /// What every request looks at.
    on: AtomicBool,
    state: Mutex<State>,
    file: Option<PathBuf>,
    draining: CancellationToken,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct State {
    status: BypassStatus,
    /// Ends the event channels that are open here, for those who could use the bypass.
    channels: CancellationToken,
}

impl Bypass {
    /// As the file says. A file that cannot be understood means that the bypass is on: the Sametime Proxy works for
    /// everybody. `draining` ends event channels too.
    pub fn open(file: Option<&Path>, draining: &CancellationToken, metrics: &Arc<Metrics>) -> Self {
        let status = file.map_or_else(BypassStatus::default, |file| match read(file) {
            Ok(status) => status,
            Err(problem) => {
                error!(file = %file.display(), %problem, "the state file cannot be used: bypass is on");
                BypassStatus { bypass: true, since: now() }
            }
        });
        if status.bypass {
            warn!(since = status.since, "bypass is on: awareness comes from the Sametime Proxy");
        }
        metrics.bypass(status.bypass);
        let channels = draining.child_token();
        if status.bypass {
            channels.cancel();
        }
        Self {
            on: AtomicBool::new(status.bypass),
            state: Mutex::new(State { status, channels }),
            file: file.map(Path::to_owned),
            draining: draining.clone(),
            metrics: Arc::clone(metrics),
        }
    }

    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Acquire)
    }

    pub fn status(&self) -> BypassStatus {
        self.state().status
    }

    /// Cancelled when open event channels have to end: at the bypass, or at a drain.
    pub fn channels(&self) -> CancellationToken {
        self.state().channels.clone()
    }

    /// Takes effect at once and is then written down. Blocks on the disk.
    ///
    /// # Errors
    /// It is in force, but could not be written.
    pub fn switch(&self, on: bool) -> Result<(), NotKept> {
        let mut state = self.state();
        if state.status.bypass != on {
            warn!(on, "bypass switched");
            state.status = BypassStatus { bypass: on, since: now() };
            self.on.store(on, Ordering::Release);
            self.metrics.bypass(on);
            if on {
                state.channels.cancel();
            } else {
                state.channels = self.draining.child_token();
            }
        }
        // Also when nothing changed: the last try may have failed. Under the lock, so that the file says what the
        // last switch said.
        let Some(path) = &self.file else { return Ok(()) };
        write(path, state.status).map_err(|error| {
            let failed = NotKept { path: path.clone(), error };
            error!(error = %failed, "bypass");
            failed
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> Result<BypassStatus, String> {
    match fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| error.to_string()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BypassStatus::default()),
        Err(error) => Err(error.to_string()),
    }
}

/// A file beside it takes its name when every byte is on the disk.
fn write(path: &Path, status: BypassStatus) -> io::Result<()> {
    let text = serde_json::to_string(&status)? + "\n";
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let mut file = File::create(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    // The name too has to be on the disk.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> Bypass {
        Bypass::open(Some(path), &CancellationToken::new(), &Arc::default())
    }

    #[test]
    fn the_switch_survives_and_open_channels_end_with_it() {
        let folder = std::env::temp_dir().join(format!("livename-bypass-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("bypass.json");
        let bypass = open(&path);
        let open_before = bypass.channels();
        assert!(!bypass.is_on() && !open_before.is_cancelled());
        bypass.switch(true).unwrap();
        assert!(bypass.is_on() && open_before.is_cancelled());

        let restarted = open(&path);
        assert_eq!(restarted.status(), bypass.status());
        assert!(restarted.is_on() && restarted.channels().is_cancelled());
        restarted.switch(false).unwrap();
        assert!(!restarted.channels().is_cancelled() && !open(&path).is_on());

        fs::write(&path, "{").unwrap();
        assert!(open(&path).is_on(), "what cannot be read is not taken for off");
        fs::remove_dir_all(&folder).unwrap();
        let error = restarted.switch(true).unwrap_err().to_string();
        assert!(restarted.is_on() && error.contains("survive"), "{error}");
    }

    #[test]
    fn a_drain_ends_channels_too() {
        let draining = CancellationToken::new();
        let bypass = Bypass::open(None, &draining, &Arc::default());
        let channels = bypass.channels();
        draining.cancel();
        assert!(channels.is_cancelled());
    }
}
