//! The ready file: where the program listens, for whoever started it with port 0.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::json;

/// Addresses that were really taken; the first one of each kind.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ready {
    pub http: Option<SocketAddr>,
    pub https: Option<SocketAddr>,
    pub admin: Option<SocketAddr>,
    /// Of the demo's simulated community.
    pub community: Option<SocketAddr>,
}

impl Ready {
    /// Writes the file in one step: whoever sees it sees all of it.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let Self { http, https, admin, community } = self;
        let text = |address: &Option<SocketAddr>| address.map(|address| address.to_string());
        let content = json!({
            "http": text(http), "https": text(https), "admin": text(admin), "community": text(community),
        });
        let mut part = path.as_os_str().to_owned();
        part.push(format!(".{}.part", std::process::id()));
        std::fs::write(&part, format!("{content}\n"))?;
        std::fs::rename(&part, path)
    }

    /// Removes what an earlier start has left: it would tell of addresses that are gone.
    pub fn forget(path: &Path) -> io::Result<()> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole_and_replaces_an_older_one() {
        let path = std::env::temp_dir().join(format!("livename-ready-{}.json", std::process::id()));
        std::fs::write(&path, "old and longer than what is to come, so that a rest would show").unwrap();
        let ready = Ready { http: Some("127.0.0.1:80".parse().unwrap()), ..Ready::default() };
        ready.write(&path).unwrap();
        let read: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(read, json!({"http": "127.0.0.1:80", "https": null, "admin": null, "community": null}));
        Ready::forget(&path).unwrap();
        assert!(!path.exists());
        Ready::forget(&path).unwrap();
    }
}
