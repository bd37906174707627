//! `run`: from a file to a running program, and its end.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use super::{EXIT_USAGE, Ready, RunArguments, Signals, fail};
use crate::app::{App, Options, Running, Source, StartError};
use crate::config::{self, Config};
use crate::telemetry::{self, Metrics};

/// Why `run` ends with an error.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("signals cannot be caught: {0}")]
    Signals(std::io::Error),
    #[error("{}: the ready file cannot be written: {error}", path.display())]
    ReadyFile { path: PathBuf, error: std::io::Error },
}

pub(super) fn run(arguments: RunArguments) -> ExitCode {
    let config = match config::load(&arguments.config) {
        Ok(config) => config,
        Err(errors) => return fail(EXIT_USAGE, errors),
    };
    let filter = std::env::var(telemetry::log::FILTER_VARIABLE).ok();
    if let Err(error) = telemetry::log::start(&config.log, filter.as_deref()) {
        return fail(EXIT_USAGE, error);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_name("main").enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, format!("the program cannot start its threads: {error}")),
    };
    match runtime.block_on(serve(config, &arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(RunError::Start(StartError::Bind(taken))) => {
            let taken: Vec<_> = taken.iter().map(|error| (error.address, error.to_string())).collect();
            fail(EXIT_USAGE, config::taken_addresses(&arguments.config, &taken))
        }
        Err(error) => fail(error.exit_code(), error),
    }
}

async fn serve(config: Config, arguments: &RunArguments) -> Result<(), RunError> {
    let ready_file = arguments.ready_file.as_deref();
    let signals = Signals::catch().map_err(RunError::Signals)?;
    let options = Options {
        source: Some(source(&arguments.config)),
        metrics: Arc::new(Metrics::new()),
        ..Options::default()
    };
    if let Some(path) = ready_file {
        Ready::forget(path).map_err(|error| RunError::ReadyFile { path: path.to_owned(), error })?;
    }
    let running = App::start(config, options).await?;
    if let Some(path) = ready_file
        && let Err(error) = ready(&running).write(path)
    {
        running.stop().await;
        return Err(RunError::ReadyFile { path: path.to_owned(), error });
    }
    signals.steer(&running).await;
    Ok(())
}

fn source(path: &Path) -> Source {
    let path = path.to_owned();
    Source::new(move || config::load(&path).map_err(|errors| errors.to_string()))
}

fn ready(running: &Running) -> Ready {
    let addresses = running.addresses();
    Ready {
        http: addresses.http.first().copied(),
        https: addresses.https.first().copied(),
        admin: Some(addresses.admin),
        community: None,
    }
}

impl RunError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Start(
                StartError::Bind(_)
                | StartError::NoCertificate
                | StartError::AccessLog(_)
                | StartError::UnknownBuiltin(_),
            )
            | Self::ReadyFile { .. } => EXIT_USAGE,
            Self::Start(_) | Self::Signals(_) => 1,
        }
    }
}
