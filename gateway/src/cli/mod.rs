//! The command line: what can be asked of the program, and the exit codes.
//!
//! | code | meaning |
//! | --- | --- |
//! | 0 | done |
//! | 1 | failed while running, a reload, a bypass or a token was refused, or an estate is not ready |
//! | 64 | wrong arguments, a configuration that cannot be used, or an address that is taken; nothing has been changed |

mod ask;
mod check;
mod draft;
mod ready;
mod run;
mod setup;
mod signals;
mod token;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use http::Method;

pub use ready::Ready;
pub use signals::Signals;

/// Exit code for what the operator has to put right before a start (`EX_USAGE`).
pub const EXIT_USAGE: u8 = 64;

/// The presence and awareness gateway between iNotes browsers and Sametime.
#[derive(Debug, Parser)]
#[command(name = "livename", version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    Run(RunArguments),
    /// Read the configuration, open every file it names, and say what its choices mean
    CheckConfig(ConfigArguments),
    /// Print the effective configuration, with every default; secrets appear as file names
    PrintConfig(PrintArguments),
    /// Write parts of a configuration from what an estate has already
    #[command(subcommand)]
    Config(draft::DraftCommand),
    /// Make the running gateway take its configuration file again
    Reload(AdminArguments),
    /// Send everybody's awareness to the Sametime Proxy at once, or back; holds until it is changed
    Bypass(BypassArguments),
    /// Look into a single sign-on token, judge it, or make one for tests
    Token(token::TokenArguments),
    /// The directory documents that awareness needs, and whether an estate is ready for the gateway
    Setup(setup::SetupArguments),
    /// Try everything with an embedded estate
    #[cfg(feature = "demo")]
    Demo(DemoArguments),
    /// Print the version
    Version,
}

#[derive(Debug, Args)]
struct RunArguments {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "livename.toml")]
    config: PathBuf,
    /// Where to write, as JSON, the addresses that were really taken, once browsers are served
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ConfigArguments {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "livename.toml")]
    config: PathBuf,
}

#[derive(Debug, Args)]
struct PrintArguments {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "livename.toml", conflicts_with = "reference")]
    config: PathBuf,
    /// Print every key there is, with default and meaning, instead
    #[arg(long)]
    reference: bool,
}

#[derive(Debug, Args)]
struct AdminArguments {
    /// The configuration file, to find the admin address
    #[arg(long, value_name = "FILE", default_value = "livename.toml", conflicts_with = "admin")]
    config: PathBuf,
    /// The admin address, instead of a configuration file
    #[arg(long, value_name = "ADDR")]
    admin: Option<SocketAddr>,
}

#[derive(Debug, Args)]
struct BypassArguments {
    #[arg(value_enum)]
    wish: Wish,
    #[command(flatten)]
    admin: AdminArguments,
}

/// What is to become of the bypass.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Wish {
    On,
    Off,
    Status,
}

/// Arguments of `livename demo`.
#[cfg(feature = "demo")]
#[derive(Clone, Debug, Args)]
pub struct DemoArguments {
    /// Address of the mail page over http
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub http: SocketAddr,
    /// The same over https, with a certificate that is made at the start
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    pub https: SocketAddr,
    /// Address of the admin listener
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9180")]
    pub admin: SocketAddr,
    /// Address of the simulated community server
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1533")]
    pub community: SocketAddr,
    /// How many people the community has
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub people: u32,
    /// What their names and doings are drawn from: the same seed, the same people
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How many times faster than life their working day goes; 0: they stay as they are
    #[arg(long, value_name = "N", default_value_t = 30.0)]
    pub speed: f64,
    /// Where to write, as JSON, the addresses that were really taken
    #[arg(long, value_name = "PATH")]
    pub ready_file: Option<PathBuf>,
    /// More lines for the gateway's configuration file.
    #[arg(skip)]
    pub more: String,
}

impl AdminArguments {
    fn ask(&self, method: Method, path: &'static str) -> ExitCode {
        ask::ask(self.admin, &self.config, method, path)
    }
}

/// Does what the arguments of the process ask for.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) => {
            // Help and version are answers; anything else is a mistake of the caller.
            let code = if answer.use_stderr() { EXIT_USAGE } else { 0 };
            drop(answer.print());
            return ExitCode::from(code);
        }
    };
    match arguments.command {
        Command::Run(arguments) => run::run(arguments),
        Command::CheckConfig(arguments) => check::check(&arguments.config),
        Command::PrintConfig(PrintArguments { reference: true, .. }) => say(&crate::config::reference()),
        Command::PrintConfig(arguments) => check::print(&arguments.config),
        Command::Config(command) => draft::draft(&command),
        Command::Reload(arguments) => arguments.ask(Method::POST, "/reload"),
        Command::Bypass(BypassArguments { wish, admin }) => match wish {
            Wish::On => admin.ask(Method::POST, "/bypass/on"),
            Wish::Off => admin.ask(Method::POST, "/bypass/off"),
            Wish::Status => admin.ask(Method::GET, "/bypass"),
        },
        Command::Token(arguments) => token::token(arguments),
        Command::Setup(arguments) => setup::setup(arguments),
        #[cfg(feature = "demo")]
        Command::Demo(arguments) => crate::demo::run(&arguments),
        Command::Version => say(&format!("livename {}\n", env!("CARGO_PKG_VERSION"))),
    }
}

/// Prints an answer. A reader that has gone away is no failure of the program.
fn say(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

/// Prints what went wrong, and gives the exit code.
pub fn fail(code: u8, problem: impl std::fmt::Display) -> ExitCode {
    drop(writeln!(io::stderr().lock(), "{problem}"));
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_reload_finds_its_way_by_file_or_address_but_not_both() {
        let parse = |line: &str| Arguments::try_parse_from(line.split(' '));
        assert!(parse("livename reload --admin 127.0.0.1:1").is_ok());
        assert!(parse("livename reload --config a.toml").is_ok());
        assert!(parse("livename reload --config a.toml --admin 127.0.0.1:1").is_err());
        assert!(parse("livename reload --admin localhost").is_err());
        assert!(parse("livename bypass on --admin 127.0.0.1:1").is_ok());
        assert!(parse("livename bypass maybe").is_err());
    }
}
