//! The `livename-load` program; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    loadtest::cli::main()
}
