//! The community as a process: ready file, control, signals, exit codes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

const LIMIT: Duration = Duration::from_secs(20);

/// A directory of its own for a test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("livename-community-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn program(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_livename-load"))
        .arg("community")
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Exit code and stderr.
fn end(mut child: Child) -> (i32, String) {
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < LIMIT, "it does not end");
        thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).unwrap())
}

fn get(addr: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_says_when_it_is_ready_and_stops_on_a_signal() {
    let folder = Folder::new("ready");
    let ready = folder.0.join("ready.json");
    let people = folder.file(
        "staff.csv",
        "id,short_name,display_name,mail,password\nCN=Zoë/O=R,zoe,Zoë,z@r.example,x\nCN=Ann/O=R,,Ann,,y\n",
    );
    let secret = folder.file("secret", "AAECAwQFBgcICQoLDA0ODxAREhM=\n");
    let mut arguments = vec!["--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--online", "50"];
    arguments.extend(["--directory", &people, "--domino-secret-file", &secret]);
    let ready_text = ready.display().to_string();
    arguments.extend(["--ready-file", &ready_text]);
    let child = program(&arguments);
    let begun = Instant::now();
    let text = loop {
        match fs::read_to_string(&ready) {
            Ok(text) => break text,
            Err(_) => assert!(begun.elapsed() < LIMIT, "no ready file"),
        }
        thread::sleep(Duration::from_millis(10));
    };
    let said: serde_json::Value = serde_json::from_str(&text).unwrap();
    TcpStream::connect(said["listen"].as_str().unwrap()).unwrap();
    let people = get(said["control"].as_str().unwrap(), "/v1/people");
    assert!(people.contains("\"CN=Zoë/O=R\"") && people.matches("\"active\"").count() == 1, "{people}");

    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(end(child).0, 0);
}

#[test]
fn what_cannot_be_used_is_named_and_ends_with_64() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let (code, error) = end(program(&["--listen", &addr]));
    assert_eq!(code, 64);
    assert!(error.contains(&format!("cannot listen on {addr}")), "{error}");
    let (code, error) = end(program(&["--listen", "127.0.0.1:0", "--control", &addr]));
    assert_eq!(code, 64);
    assert!(error.contains("for control"), "{error}");

    let folder = Folder::new("wrong");
    let people = folder.file("staff.csv", "id,short_name,display_name,mail,password\na,b\n");
    let (code, error) = end(program(&["--listen", "127.0.0.1:0", "--directory", &people]));
    assert_eq!(code, 64);
    assert!(error.contains("staff.csv, line 2: 2 fields instead of 5"), "{error}");
    let secret = folder.file("secret", "short");
    let (code, error) = end(program(&["--listen", "127.0.0.1:0", "--domino-secret-file", &secret]));
    assert_eq!(code, 64);
    assert!(error.contains("secret: a Domino SSO secret is") && !error.contains("short"), "{error}");
    let keys = folder.file("ltpa.keys", "com.ibm.websphere.ltpa.version=1.0\n");
    let password = folder.file("password", "hush\n");
    let files = ["--websphere-key-file", &keys, "--websphere-password-file", &password];
    let (code, error) = end(program(&[&["--listen", "127.0.0.1:0"], &files[..]].concat()));
    assert_eq!(code, 64);
    assert!(error.contains("ltpa.keys: com.ibm.websphere.ltpa.3DESKey is missing"), "{error}");
    assert_eq!(end(program(&["--unheard-of"])).0, 64);
}
