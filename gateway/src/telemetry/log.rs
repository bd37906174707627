//! The log: one line per event on standard error, as text or as JSON, filtered by level and module.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Log, LogFormat};

/// Overrides the configured filter, in the same words (`debug`, `info,gateway::bridge=trace`).
pub const FILTER_VARIABLE: &str = "LIVENAME_LOG";

/// Why the log could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is not one: a level, or `module=level` pairs with commas between them.
    #[error("{given:?} is not a log filter: {reason}")]
    Filter { given: String, reason: String },
    /// Somebody else has set up logging in this process.
    #[error("the log is running already: {0}")]
    Running(String),
}

/// Starts the log of the process, once. `filter` (from [`FILTER_VARIABLE`]) goes before the configured level.
pub fn start(settings: &Log, filter: Option<&str>) -> Result<(), LogError> {
    let subscriber = subscriber(settings, filter, io::stderr)?;
    subscriber.try_init().map_err(|error| LogError::Running(error.to_string()))
}

/// Reads a filter, for the configuration's checks.
pub fn check_filter(text: &str) -> Result<(), LogError> {
    parse(text).map(|_| ())
}

fn subscriber(
    settings: &Log,
    filter: Option<&str>,
    writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
) -> Result<Box<dyn tracing::Subscriber + Send + Sync>, LogError> {
    let filter = parse(filter.unwrap_or(&settings.level))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    Ok(match settings.format {
        LogFormat::Text => Box::new(builder.with_ansi(false).finish()),
        LogFormat::Json => Box::new(builder.json().flatten_event(true).finish()),
    })
}

fn parse(text: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::builder()
        .parse(text)
        .map_err(|error| LogError::Filter { given: text.to_owned(), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(format: LogFormat, filter: Option<&str>) -> String {
        let page = Page::default();
        let writer = page.clone();
        let settings = Log { format, level: "info".into() };
        let subscriber = subscriber(&settings, filter, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(community = "acme", "up");
            tracing::debug!("detail");
        });
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn text_and_json_say_the_same() {
        let text = written(LogFormat::Text, None);
        assert!(text.contains("up community=\"acme\"") && text.lines().count() == 1, "{text}");
        let json: serde_json::Value = serde_json::from_str(&written(LogFormat::Json, None)).unwrap();
        assert_eq!((json["message"].as_str(), json["community"].as_str()), (Some("up"), Some("acme")));
    }

    #[test]
    fn the_variable_goes_before_the_file() {
        assert_eq!(written(LogFormat::Text, Some("debug")).lines().count(), 2);
        assert!(written(LogFormat::Text, Some("error")).is_empty());
    }

    #[test]
    fn a_wrong_filter_is_named() {
        let error = check_filter("gateway=loud").unwrap_err().to_string();
        assert!(error.contains("gateway=loud"), "{error}");
    }
}
