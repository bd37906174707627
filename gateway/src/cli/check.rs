//! `check-config` and `print-config`: nothing is started, every file is opened.

use std::path::Path;
use std::process::ExitCode;

use super::{EXIT_USAGE, fail, say};
use crate::config::{self, Config};

pub(super) fn check(path: &Path) -> ExitCode {
    match config::load(path) {
        Ok(config) => say(&summary(path, &config)),
        Err(errors) => fail(EXIT_USAGE, errors),
    }
}

pub(super) fn print(path: &Path) -> ExitCode {
    match config::print(path) {
        Ok(text) => say(&text),
        Err(errors) => fail(EXIT_USAGE, errors),
    }
}

fn summary(path: &Path, config: &Config) -> String {
    let mut text = format!("{}: the configuration can be used.\n", path.display());
    for community in &config.communities {
        text.push_str(&community.explanation());
        text.push('\n');
    }
    text
}
