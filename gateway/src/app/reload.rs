//! Reload: read, check in full, build new, swap at once. On any error the old configuration stays and
//! all errors are reported.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::restart::Fixed;
use super::servable;
use crate::bridge::Upstreams;
use crate::config::{self, Config};
use crate::http::{AccessLog, Builtin, Live};
use crate::telemetry::Metrics;

/// Where a configuration comes from, again and again.
#[derive(Clone)]
pub struct Source(Arc<dyn Fn() -> Result<Config, String> + Send + Sync>);

impl Source {
    /// The TOML file that the program was started with.
    pub fn file(path: PathBuf) -> Self {
        Self::new(move || config::load(&path).map_err(|errors| errors.to_string()))
    }

    /// `read` may block; its error is all that is wrong, one problem a line.
    pub fn new(read: impl Fn() -> Result<Config, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

/// Why the old configuration stays.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    #[error("the program is starting or ending")]
    NotReady,
    #[error("the program was started without a configuration file")]
    NoSource,
    /// Everything that is wrong, one problem a line.
    #[error("{0}")]
    Config(String),
    /// What was changed and cannot be put in force in a running program.
    #[error("{}", needs_restart(.0))]
    NeedsRestart(Vec<String>),
}

fn needs_restart(changes: &[String]) -> String {
    changes.iter().map(|what| format!("{what} changed: needs a restart")).collect::<Vec<_>>().join("\n")
}

pub(super) struct Reloader {
    pub(super) source: Option<Source>,
    pub(super) fixed: Fixed,
    pub(super) builtins: Arc<HashMap<String, Arc<dyn Builtin>>>,
    pub(super) descriptors: usize,
    pub(super) metrics: Arc<Metrics>,
    pub(super) live: Arc<ArcSwap<Live>>,
    pub(super) servers: Arc<Upstreams>,
    pub(super) access_log: Arc<AccessLog>,
}

impl Reloader {
    pub(super) async fn reload(&self) -> Result<(), ReloadError> {
        let Source(read) = self.source.clone().ok_or(ReloadError::NoSource)?;
        // Whatever becomes of the reload: the old file may have been moved away.
        let access_log = Arc::clone(&self.access_log);
        let read = tokio::task::spawn_blocking(move || {
            access_log.reopen();
            read()
        });
        let config = match read.await {
            Ok(config) => config.map_err(ReloadError::Config)?,
            Err(failed) => return Err(ReloadError::Config(format!("reading failed: {failed}"))),
        };
        let changes = self.fixed.changes(&config);
        if !changes.is_empty() {
            return Err(ReloadError::NeedsRestart(changes));
        }
        servable(&config, &self.builtins).map_err(|error| ReloadError::Config(error.to_string()))?;
        self.servers.adopt(&config.routes);
        self.live.store(Arc::new(Live::new(config, &self.metrics, self.descriptors)));
        Ok(())
    }
}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloader").field("source", &self.source).finish_non_exhaustive()
    }
}
