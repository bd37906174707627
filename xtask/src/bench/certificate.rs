//! A certificate for this machine, for servers that are measured over TLS.

use std::path::Path;
use std::process::Command;

use crate::step::Outcome;

/// Makes `cert.pem` and `key.pem` in the folder, with the `openssl` program.
pub(super) fn make(folder: &Path) -> Outcome {
    let made = Command::new("openssl")
        .current_dir(folder)
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args([
            "-days",
            "30",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
        ])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "key.pem", "-out", "cert.pem"])
        .output()
        .map_err(|error| format!("openssl: {error}"))?;
    if made.status.success() {
        return Ok(());
    }
    Err(format!("openssl: {}", String::from_utf8_lossy(&made.stderr)))
}
