//! The commands `run`, `report`, `presets` and `compare`. See `docs/load-testing.md`.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use thiserror::Error;

use crate::files::{Files, read, with_ending, write};
use crate::plan::{Mistakes, PRESETS, Part, Plan};
use crate::report::{self, Apart, Piece};
use crate::run::{self, Options, RunError};

/// What to run.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// A plan (TOML), or the name of a preset: `livename-load presets` lists them
    #[arg(value_name = "PLAN")]
    plan: String,
    /// Where the results go: PREFIX.json and PREFIX.html
    #[arg(long, value_name = "PREFIX")]
    out: Option<PathBuf>,
    /// The gateway's program, where the plan has no target; by default `livename` beside this program
    #[arg(long, value_name = "FILE")]
    gateway: Option<PathBuf>,
    /// Another seed than the plan's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Play one of so many shares of the browsers, as 2/3, while other generators play the others
    #[arg(long, value_name = "N/OF", default_value = "1/1")]
    part: Part,
    /// Do not ask before a test of an estate that people use
    #[arg(long)]
    yes: bool,
    /// Say nothing until the end
    #[arg(long)]
    quiet: bool,
}

/// Which preset to show.
#[derive(Debug, Args)]
pub struct PresetsArgs {
    /// Print the plan of this preset, as a beginning for one of your own
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

/// What to compare.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Results of `run`
    #[arg(value_name = "A.json")]
    a: PathBuf,
    /// Other results
    #[arg(value_name = "B.json")]
    b: PathBuf,
    /// Write the table as PREFIX.html, too
    #[arg(long, value_name = "PREFIX")]
    out: Option<PathBuf>,
}

/// What to put together.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Results of `run`: of one generator, or of all that ran at the same time
    #[arg(value_name = "RESULTS.json", required = true)]
    files: Vec<PathBuf>,
    /// Where the report goes: PREFIX.html, and of several generators PREFIX.json; beside the file by default
    #[arg(long, value_name = "PREFIX")]
    out: Option<PathBuf>,
}

/// Why a command cannot do its work.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The plan.
    #[error(transparent)]
    Plan(#[from] Mistakes),
    /// No preset of this name.
    #[error("no preset is called {0}")]
    Preset(String),
    /// The estate or the system.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Generators need somebody through whom they meet.
    #[error("--part {part}: several generators need a plan with a [target] and its control interface", part = format!("{}/{}", .0.number, .0.of))]
    Part(Part),
    /// Results of different tests.
    #[error(transparent)]
    Apart(#[from] Apart),
    /// Several generators, and no name for their report.
    #[error("several results need a name for what they are together: --out PREFIX")]
    NoName,
    /// Nobody has said yes.
    #[error("nothing was started; --yes starts a test of a real estate without asking")]
    NotConfirmed,
    /// A file.
    #[error("{file}: {error}", file = .file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Not a file that `run` has written.
    #[error("{file}: not results of livename-load: {field}{error}", file = .file.display())]
    Json {
        /// Which.
        file: PathBuf,
        /// Where it is wrong, if it is not the whole.
        field: String,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// Another program's.
    #[error("{file}: results of another version (format {found}, not {wanted}): run the test again", file = .file.display(), wanted = report::FORMAT)]
    Format {
        /// Which.
        file: PathBuf,
        /// The format it has.
        found: u32,
    },
}

/// Runs a plan, prints the summary and keeps the results. The exit code.
pub async fn run(arguments: RunArgs) -> Result<u8, LoadError> {
    let mut plan = Plan::load(&arguments.plan)?;
    if let Some(seed) = arguments.seed {
        plan.seed = seed;
    }
    plan.part = arguments.part;
    if !plan.part.is_whole() && plan.target.as_ref().is_none_or(|target| target.control.is_none()) {
        return Err(LoadError::Part(plan.part));
    }
    let prefix = arguments.out.unwrap_or_else(|| PathBuf::from(format!("livename-load-{}", plan.name)));
    let files = Files::prepare(&prefix)?;
    if plan.is_real() && !arguments.yes && !confirmed(&plan) {
        return Err(LoadError::NotConfirmed);
    }
    // It is started in a folder of its own, where a relative path would mean something else.
    let gateway = arguments.gateway.map(|program| std::path::absolute(&program).unwrap_or(program));
    let options = Options { gateway, live: !arguments.quiet };
    let results = run::run(&plan, options).await?;
    // First of all: whoever reads the summary may be gone.
    let kept = files.keep(&results);
    say(&report::summary(&results));
    kept?;
    say(&format!("Report {}, results {}", files.html.display(), files.json.display()));
    Ok(results.exit_code())
}

/// A line on stdout. A reader that is gone (`| head`) is no reason to stop.
fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Says what would happen to an estate that people use, and asks.
fn confirmed(plan: &Plan) -> bool {
    let Some(target) = &plan.target else { return true };
    let seconds = plan.duration().as_secs();
    eprintln!("{} has no simulated community: people may be working there.", target.url);
    eprintln!("Up to {} browsers of the people in its people_file, for {seconds} s.", plan.most_browsers());
    if let Some(actors) = &plan.actors {
        let file = actors.file.as_deref().unwrap_or(Path::new("")).display();
        eprintln!("The test users in {file} log in at {} and change their status.", actors.server);
    }
    let limit = plan.safety.failed_percent;
    eprintln!("Ctrl-C ends it at once; more than {limit} % failures end it too.");
    eprint!("Type yes to start: ");
    let mut answer = String::new();
    io::stdin().is_terminal() && io::stdin().read_line(&mut answer).is_ok() && answer.trim() == "yes"
}

/// Lists presets, or prints one.
pub fn presets(arguments: &PresetsArgs) -> Result<u8, LoadError> {
    match &arguments.name {
        None => {
            for preset in PRESETS {
                println!("{:<20} {}", preset.name, preset.summary());
            }
        }
        Some(name) => {
            let preset = PRESETS.iter().find(|preset| preset.name == name);
            let preset = preset.ok_or_else(|| LoadError::Preset(name.clone()))?;
            print!("{}", preset.text);
        }
    }
    Ok(0)
}

/// Puts the results of several generators together, or shows those of one again. The exit code is that of the test.
pub fn report(arguments: &ReportArgs) -> Result<u8, LoadError> {
    let mut pieces = Vec::new();
    for file in &arguments.files {
        pieces.push(Piece { file: file.display().to_string(), results: read(file)? });
    }
    if let [piece] = pieces.as_slice() {
        let beside = arguments.files.first().map(|file| file.with_extension("html")).unwrap_or_default();
        let html = arguments.out.as_ref().map_or(beside, |prefix| with_ending(prefix, "html"));
        write(&html, &report::page(&piece.results))?;
        say(&report::summary(&piece.results));
        say(&format!("Report {}", html.display()));
        return Ok(piece.results.exit_code());
    }
    let files = Files::prepare(arguments.out.as_ref().ok_or(LoadError::NoName)?)?;
    let Some(results) = report::together(pieces)? else { return Err(LoadError::NoName) };
    files.keep(&results)?;
    say(&report::summary(&results));
    say(&format!("Report {}, results {}", files.html.display(), files.json.display()));
    Ok(results.exit_code())
}

/// Prints two results side by side.
pub fn compare(arguments: &CompareArgs) -> Result<u8, LoadError> {
    let (a, b) = (read(&arguments.a)?, read(&arguments.b)?);
    say(report::compare(&a, &b).trim_end());
    if let Some(prefix) = &arguments.out {
        let html = with_ending(prefix, "html");
        write(&html, &report::comparison_page(&a, &b))?;
        say(&format!("\nReport {}", html.display()));
    }
    Ok(0)
}

impl LoadError {
    /// As for wrong arguments (EX_USAGE), or "not available" (EX_UNAVAILABLE) of sysexits.h.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotConfirmed
            | Self::Plan(_)
            | Self::Preset(_)
            | Self::File { .. }
            | Self::Json { .. }
            | Self::Part(_)
            | Self::Apart(_)
            | Self::NoName
            | Self::Format { .. } => 64,
            Self::Run(RunError::Interrupted) => report::INTERRUPTED,
            Self::Run(_) => 69,
        }
    }
}
