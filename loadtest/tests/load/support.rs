//! The program in a folder of its own.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use loadtest::report::Results;
use loadtest_sim::left_out;

/// An estate starts, is tested and stops in less, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(120);

/// Where programs put aside what is of no use to anybody else.
const TEMPORARY: &str = "tmp";

/// A folder of its own for a test, removed at the end.
pub(crate) struct Folder(PathBuf);

/// A program that runs, killed with the test.
pub(crate) struct Program {
    child: Child,
    folder: PathBuf,
    /// Where it puts its results.
    out: String,
}

/// What it left.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    /// `None`: it wrote no results.
    pub(crate) results: Option<Results>,
    pub(crate) html: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("livename-load-test-{}-{number}", std::process::id()));
        fs::create_dir_all(path.join(TEMPORARY)).unwrap();
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// What programs have put aside, and not taken away again.
    pub(crate) fn left_behind(&self) -> usize {
        fs::read_dir(self.0.join(TEMPORARY)).unwrap().count()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// `livename-load run NAME --out out` with this plan; nobody is asked.
    pub(crate) fn run(&self, plan: &str) -> Program {
        self.write("test.toml", plan);
        self.start(&["run", "test.toml", "--out", "out", "--yes"])
    }

    /// Nobody reads what it says on stdout.
    pub(crate) fn run_unheard(&self, plan: &str) -> Program {
        self.write("test.toml", plan);
        let mut program = self.start(&["run", "test.toml", "--out", "out", "--yes"]);
        drop(program.child.stdout.take());
        program
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Program {
        self.command(env!("CARGO_BIN_EXE_livename-load"), arguments)
    }

    /// Any program.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Program {
        let child = Command::new(program)
            .args(arguments)
            .current_dir(&self.0)
            .env("TMPDIR", self.0.join(TEMPORARY))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = arguments.iter().skip_while(|argument| **argument != "--out").nth(1).unwrap_or(&"out");
        Program { child, folder: self.0.clone(), out: (*out).to_owned() }
    }
}

impl Program {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The process it has started with this word on its command line.
    pub(crate) fn started(&self, word: &str) -> u32 {
        let parent = format!("\nPPid:\t{}\n", self.pid());
        wait(word, || {
            let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
            let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
            pids.into_iter().find(|pid| {
                let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
                read("status").contains(&parent) && read("cmdline").split('\0').any(|part| part == word)
            })
        })
    }

    pub(crate) fn signal(&self, name: &str) {
        kill(name, self.pid());
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) fn end(mut self) -> Ended {
        let out = self.child.stdout.take().map(read);
        let err = self.child.stderr.take().map(read);
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < LIMIT, "it does not end");
            thread::sleep(Duration::from_millis(20));
        };
        let file = |ending: &str| fs::read_to_string(self.folder.join(format!("{}.{ending}", self.out))).ok();
        Ended {
            code: status.code(),
            out: out.map(|out| out.join().unwrap()).unwrap_or_default(),
            err: err.map(|err| err.join().unwrap()).unwrap_or_default(),
            results: file("json").map(|text| serde_json::from_str(&text).unwrap()),
            html: file("html").unwrap_or_default(),
        }
    }
}

pub(crate) fn kill(name: &str, pid: u32) {
    assert!(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap().success());
}

pub(crate) fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < LIMIT, "waited too long for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Pipes are read while the program runs, or it would wait for us.
fn read(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        text
    })
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether the gateway's program was built beside ours. These tests need it; `cargo test --workspace`
/// builds it, `cargo test -p loadtest` alone does not.
pub(crate) fn has_gateway() -> bool {
    let there = Path::new(env!("CARGO_BIN_EXE_livename-load")).with_file_name("livename").exists();
    if !there {
        left_out::note("the gateway's program (cargo build -p gateway)");
    }
    there
}
