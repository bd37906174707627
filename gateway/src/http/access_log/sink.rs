//! The file behind the access log. Workers leave lines in a bounded buffer and never wait for the disk; a thread writes
//! what has gathered.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tracing::error;

use crate::telemetry::Metrics;

/// Bytes that wait for the disk at most; lines beyond are lost and counted.
const BOUND: usize = 8 << 20;
/// So much is worth a write of its own.
const WORTH: usize = 64 << 10;
/// A line is in the file after this time.
const PAUSE: Duration = Duration::from_millis(200);

/// A file that lines are appended to.
#[derive(Debug)]
pub(super) struct Sink {
    path: PathBuf,
    pending: Mutex<Vec<u8>>,
    gathered: Condvar,
    file: Mutex<File>,
    metrics: Arc<Metrics>,
}

impl Sink {
    /// Opens the file and starts the thread, which ends with the last hold on the sink.
    pub(super) fn open(path: PathBuf, metrics: &Arc<Metrics>) -> io::Result<Arc<Self>> {
        let file = Mutex::new(append(&path)?);
        let metrics = Arc::clone(metrics);
        let sink =
            Arc::new(Self { path, pending: Mutex::default(), gathered: Condvar::new(), file, metrics });
        let weak = Arc::downgrade(&sink);
        std::thread::Builder::new().name("access-log".to_owned()).spawn(move || run(&weak))?;
        Ok(sink)
    }

    /// Takes a line, without its end.
    pub(super) fn take(&self, line: &str) {
        let mut pending = lock(&self.pending);
        if pending.len() + line.len() >= BOUND {
            drop(pending);
            return self.metrics.access_log_lost(1);
        }
        let had = pending.len();
        pending.extend_from_slice(line.as_bytes());
        pending.push(b'\n');
        if had < WORTH && pending.len() >= WORTH {
            self.gathered.notify_one();
        }
    }

    /// Writes what is there.
    pub(super) fn flush(&self) {
        // Held from before the lines are taken, so that two writers keep their order.
        let mut file = lock(&self.file);
        let lines = std::mem::take(&mut *lock(&self.pending));
        if !lines.is_empty()
            && let Err(problem) = file.write_all(&lines)
        {
            self.metrics.access_log_lost(lines.iter().filter(|byte| **byte == b'\n').count());
            error!(%problem, file = %self.path.display(), "the access log cannot be written");
        }
    }

    /// Goes on in a new file of the name: the old one was moved away. If there is none, the old one is kept.
    pub(super) fn reopen(&self) {
        self.flush();
        match append(&self.path) {
            Ok(new) => *lock(&self.file) = new,
            Err(problem) => error!(%problem, file = %self.path.display(), "the access log cannot be opened"),
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.flush();
    }
}

fn run(sink: &Weak<Sink>) {
    while let Some(sink) = sink.upgrade() {
        let pending = lock(&sink.pending);
        // Spurious wakes only write earlier.
        let waited = sink.gathered.wait_timeout_while(pending, PAUSE, |pending| pending.len() < WORTH);
        drop(waited);
        sink.flush();
    }
}

fn append(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_to_the_file_of_the_name_and_beyond_the_bound_are_counted() {
        let folder = std::env::temp_dir().join(format!("livename-access-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (path, moved) = (folder.join("log"), folder.join("log.1"));
        let metrics = Arc::new(Metrics::new());
        let sink = Sink::open(path.clone(), &metrics).unwrap();
        sink.take("one");
        sink.flush();
        std::fs::rename(&path, &moved).unwrap();
        sink.take("two");
        sink.reopen();
        sink.take("three");
        sink.take(&"x".repeat(BOUND));
        drop(sink);
        assert_eq!(std::fs::read_to_string(&moved).unwrap(), "one\ntwo\n");
        let read = || std::fs::read_to_string(&path).unwrap();
        // The thread may hold it for a moment.
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while read() != "three\n" {
            assert!(std::time::Instant::now() < deadline, "{}", read());
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(metrics.gather().contains("livename_access_log_lost_total 1\n"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
