//! The `livename` program; everything is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request makes some dozens of small allocations, and this one needs half the time of the system's for them.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    gateway::cli::main()
}
