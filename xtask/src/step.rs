//! One command of a run: named, timed, with an error that says which step failed.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

pub(crate) type Outcome = Result<(), String>;

pub(crate) struct Step {
    name: String,
    command: Command,
}

/// A step that runs a program in the workspace root.
pub(crate) fn program(name: &str, program: &str, arguments: &[&str]) -> Step {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    Step { name: name.to_owned(), command }
}

/// A step that runs cargo in the workspace root.
pub(crate) fn cargo(name: &str, arguments: &[&str]) -> Step {
    program(name, &std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()), arguments)
}

impl Step {
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// What the program prints; its errors go to the terminal.
    pub(crate) fn output(mut self) -> Result<String, String> {
        println!("── {}", self.name);
        let output = self.command.stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| format!("{}: cannot start: {error}", self.name))?;
        if !output.status.success() {
            return Err(format!("step failed: {}", self.name));
        }
        String::from_utf8(output.stdout).map_err(|_| format!("{}: no text", self.name))
    }

    pub(crate) fn run(mut self) -> Outcome {
        println!("── {}", self.name);
        let start = Instant::now();
        let status =
            self.command.status().map_err(|error| format!("{}: cannot start: {error}", self.name))?;
        println!("── {}: {} ({:.0} s)\n", self.name, status, start.elapsed().as_secs_f64());
        if status.success() { Ok(()) } else { Err(format!("step failed: {}", self.name)) }
    }
}

/// The workspace root.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
