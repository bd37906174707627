//! `livename demo`: an estate to try everything with, in one process and on real protocols.
//!
//! A simulated community whose people live through a day in compressed time, a Sametime web server on http
//! and one on https, and in front of them the gateway, built from a real configuration file. Nothing leaves
//! this machine, and everything is gone at the end.

mod estate;
mod inbox;
mod pages;

use std::io::Write;
use std::process::ExitCode;

use crate::cli::{DemoArguments, EXIT_USAGE, Ready, Signals, fail};
use crate::telemetry;

pub use estate::{Demo, DemoError};

/// Runs the demo until a signal ends it.
pub fn run(arguments: &DemoArguments) -> ExitCode {
    let filter = std::env::var(telemetry::log::FILTER_VARIABLE).unwrap_or_else(|_| "warn".to_owned());
    if let Err(error) = telemetry::log::start(&crate::config::Log::default(), Some(&filter)) {
        return fail(EXIT_USAGE, error);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, format!("the program cannot start its threads: {error}")),
    };
    match runtime.block_on(serve(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(error.exit_code(), error),
    }
}

async fn serve(arguments: &DemoArguments) -> Result<(), DemoError> {
    let signals = Signals::catch().map_err(DemoError::Signals)?;
    let unwritten = |error| DemoError::ReadyFile(arguments.ready_file.clone().unwrap_or_default(), error);
    if let Some(path) = &arguments.ready_file {
        Ready::forget(path).map_err(unwritten)?;
    }
    let demo = Demo::start(arguments).await?;
    if let Some(path) = &arguments.ready_file {
        demo.ready().write(path).map_err(unwritten)?;
    }
    // Whoever reads this may have gone; the demo goes on.
    drop(std::io::stdout().lock().write_all(demo.welcome().as_bytes()));
    signals.steer(demo.gateway()).await;
    demo.stop().await;
    Ok(())
}
