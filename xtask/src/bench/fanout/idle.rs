//! What an idle browser costs the gateway in memory, plain and over TLS, bare and with a list: measured by the load
//! tester, whose browsers speak TLS and have names.

use std::fs;
use std::process::Stdio;

use serde_json::{Map, Value, json};

use super::peers::{beside, built, work};

/// The name of this stage.
pub(super) const NAME: &str = "idle";

/// Bytes per session at most, by figure.
pub(super) const GOALS: [(&str, f64); 4] = [
    ("plain bare", 3000.0),
    ("plain 50 watches", 5000.0),
    ("tls bare", 13_000.0),
    ("tls 50 watches", 15_000.0),
];

pub(super) fn measure(quick: bool) -> Result<Value, String> {
    let mut figures = Map::new();
    for (name, _) in GOALS {
        let tls = name.starts_with("tls");
        let watches = if name.ends_with("bare") { 1 } else { 50 };
        figures.insert(name.to_owned(), json!(memory(tls, watches, quick)?));
    }
    Ok(Value::Object(figures))
}

/// Bytes of the gateway per session.
fn memory(tls: bool, watches: usize, quick: bool) -> Result<f64, String> {
    let browsers = if quick { 1000 } else { 5000 };
    let plan = format!(
        "[population]\npeople = 300\nwatches = {watches}\nchanges_per_second = 0\n[estate]\ntls = {tls}\n\
         [[phase]]\nkind = \"ramp\"\nduration = \"8s\"\nbrowsers = {browsers}\n\
         [[phase]]\nkind = \"hold\"\nduration = \"3s\"\n"
    );
    let (file, out) = (work().join("idle.toml"), work().join("idle"));
    fs::write(&file, plan).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut command = beside(&built("livename-load"));
    command.args(["--log", "error", "run", "--quiet"]).arg(&file).arg("--out").arg(&out);
    command.stderr(Stdio::null());
    let status = command.status().map_err(|error| format!("livename-load: {error}"))?;
    let said =
        fs::read_to_string(out.with_extension("json")).map_err(|_| format!("livename-load: {status}"))?;
    let said: Value = serde_json::from_str(&said).map_err(|error| format!("livename-load: {error}"))?;
    said.pointer("/memory/gateway")
        .and_then(Value::as_f64)
        .ok_or_else(|| "livename-load knows no memory".into())
}
