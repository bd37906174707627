//! What cannot work is said in words, by kind, with an exit code.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use loadtest::measure::Counts;

use crate::support::{Folder, kill, wait};

/// The discard port: nobody listens there, and the system gives it to nobody.
pub(crate) const CLOSED: &str = "127.0.0.1:9";

/// A plan against a target that needs nobody behind it.
fn plan(url: &str, more: &str) -> String {
    format!(
        "[target]\nurl = \"{url}\"\npeople_file = \"people.txt\"\n{more}\n[population]\nwatches = 2\n\
         [[phase]]\nkind = \"ramp\"\nduration = \"500ms\"\nbrowsers = 5\n\
         [[phase]]\nkind = \"hold\"\nduration = \"10min\"\n"
    )
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("people.txt", "CN=Ann/O=R\nCN=Bo/O=R\nCN=Cy/O=R\n");
    folder
}

/// A server that takes everybody and says nothing.
fn silent() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    addr
}

/// A server that says the same to everybody.
fn server(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    addr
}

#[test]
fn nobody_there_is_counted_explained_and_no_success() {
    let addr = CLOSED;
    let folder = folder();
    let ended = folder.run(&plan(&format!("http://{addr}"), "")).end();
    assert_eq!(ended.code, Some(1), "{}{}", ended.err, ended.out);
    assert!(ended.out.contains("Ended early: no page could be opened"), "{}", ended.out);
    assert!(ended.out.contains("unreachable: nothing accepts connections there"), "{}", ended.out);
    let results = ended.results.unwrap();
    assert_eq!(results.phases[0].failures["unreachable"], 5);
}

#[test]
fn a_server_that_accepts_and_says_nothing_is_told() {
    let folder = folder();
    let ended = folder.run(&plan(&format!("http://{}", silent()), "")).end();
    assert_eq!(ended.code, Some(1), "{}{}", ended.err, ended.out);
    assert!(ended.out.contains("no answer: the page did not come up"), "{}", ended.out);
    let results = ended.results.unwrap();
    let Counts { visits, unfinished, not_started, .. } = results.counts();
    assert_eq!((visits, visits + not_started), (unfinished, 5));
    assert_eq!(results.phases[0].failures["no answer"], unfinished);
}

#[test]
fn a_target_without_an_address_is_told_in_a_report() {
    let folder = folder();
    let ended = folder.run(&plan("http://nowhere.invalid", "")).end();
    assert_eq!(ended.code, Some(1), "{}{}", ended.err, ended.out);
    assert!(ended.out.contains("Ended early: nowhere.invalid has no address"), "{}", ended.out);
    assert_eq!(ended.results.unwrap().phases[0].failures["unknown host"], 1);
}

/// Ten minutes against somebody who says nothing.
fn long(more: &str) -> String {
    format!(
        "[target]\nurl = \"http://{}\"\npeople_file = \"people.txt\"\n{more}\n\
         [[phase]]\nkind = \"ramp\"\nduration = \"10min\"\nbrowsers = 5\n",
        silent()
    )
}

#[test]
fn the_end_of_the_terminal_keeps_what_was_measured() {
    let folder = folder();
    let program = folder.run_unheard(&long(""));
    wait("the first second", || has_signal_handlers(program.pid()).then_some(()));
    program.signal("HUP");
    let ended = program.end();
    assert_eq!(ended.code, Some(130), "{}", ended.err);
    let results = ended.results.unwrap();
    assert!(results.interrupted && !ended.err.contains("panic"), "{}", ended.err);
}

#[test]
fn ctrl_c_is_heard_while_test_users_log_in() {
    let folder = folder();
    let names: Vec<_> = (0..800).map(|number| format!("User {number};secret")).collect();
    folder.write("testers.txt", &names.join("\n"));
    let server = silent();
    let plan = long(&format!("[actors]\nserver = \"{server}\"\nfile = \"testers.txt\""));
    let program = folder.run(&plan);
    wait("the first logins", || has_signal_handlers(program.pid()).then_some(()));
    let asked = Instant::now();
    program.signal("INT");
    let ended = program.end();
    assert_eq!(ended.code, Some(130), "{}{}", ended.err, ended.out);
    assert!(asked.elapsed() < Duration::from_secs(10), "after {:?}", asked.elapsed());
    assert!(
        ended.err.contains("interrupted before the test began") && ended.results.is_none(),
        "{}",
        ended.err
    );
}

#[test]
fn on_a_terminal_a_test_has_a_screen_of_its_own_and_gives_it_back() {
    let folder = folder();
    folder.write("test.toml", &long("").replace("10min", "1min"));
    // A terminal, by util-linux; what appears on it is in the file.
    let program = env!("CARGO_BIN_EXE_livename-load");
    let command = format!("stty cols 100 rows 40; exec {program} run test.toml --out out --yes");
    let mut terminal = folder.command("script", &["-qefc", &command, "seen"]);
    let seen = || folder.read("seen");
    wait("the view", || (folder.path().join("seen").exists() && seen().contains(" Browsers ")).then_some(()));
    assert!(seen().contains(ENTER) && !seen().contains(LEAVE), "{}", seen());
    kill("INT", terminal.started("--yes"));
    wait("the end", || terminal.has_ended().then_some(()));
    let seen = seen();
    let (view, after) = seen.split_once(LEAVE).unwrap();
    assert!(view.contains("Failures: 0") && after.contains("Interrupted: these"), "{after}");
    assert!(!after.contains(LEAVE), "given back once");
}

/// To the other screen of a terminal, and back (xterm's control sequences).
const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";

#[test]
fn results_of_another_version_are_told() {
    let folder = folder();
    folder.write("old.json", r#"{"format": 1, "phases": [{"updates": [[], []]}]}"#);
    let ended = folder.start(&["compare", "old.json", "old.json"]).end();
    assert_eq!(ended.code, Some(64));
    assert!(ended.err.contains("old.json: results of another version (format 1, not 3)"), "{}", ended.err);
}

/// Whether it listens to SIGHUP (proc(5), SigCgt): from then on it ends as it should.
fn has_signal_handlers(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0) & 1 == 1
}

#[test]
fn results_that_cannot_be_kept_are_told_before_the_test() {
    let folder = folder();
    folder.write("test.toml", &plan(&format!("http://{CLOSED}"), ""));
    let ended = folder.start(&["run", "test.toml", "--out", "no/such/folder/out", "--yes"]).end();
    assert_eq!(ended.code, Some(64));
    assert!(ended.err.contains("no/such/folder/out.json: No such file"), "{}", ended.err);
    assert!(ended.out.is_empty(), "nothing was run: {}", ended.out);
}

#[test]
fn lists_of_nobody_are_mistakes() {
    let folder = folder();
    folder.write("tokens.txt", "\n");
    let ended = folder.run(&plan(&format!("http://{CLOSED}"), "token_file = \"tokens.txt\"")).end();
    assert_eq!(ended.code, Some(64));
    assert!(
        ended.err.contains("test.toml:4: target.token_file: tokens.txt: there is nothing in it"),
        "{}",
        ended.err
    );
}

#[test]
fn a_refused_login_is_told_from_other_refusals() {
    for (answer, name) in [
        ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "login refused"),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "origin refused"),
        ("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "unavailable"),
        ("SSH-2.0-OpenSSH\r\n", "bad answer"),
    ] {
        let folder = folder();
        let ended = folder.run(&plan(&format!("http://{}", server(answer)), "")).end();
        assert_eq!(ended.code, Some(1), "{}{}", ended.err, ended.out);
        let results = ended.results.unwrap();
        assert_eq!(results.phases[0].failures.get(name), Some(&5), "{:?}", results.phases[0].failures);
        assert!(ended.html.contains(name));
    }
}

#[test]
fn an_untrusted_certificate_is_told_from_no_tls() {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let addr = tls_server(&made);
    let folder = folder();
    folder.write("other.pem", &other.cert.pem());
    let ended = folder.run(&plan(&format!("https://{addr}"), "ca = \"other.pem\"")).end();
    assert_eq!(ended.code, Some(1), "{}{}", ended.err, ended.out);
    assert_eq!(ended.results.unwrap().phases[0].failures["certificate"], 5);
    let plain = server("HTTP/1.1 400 Bad Request\r\n\r\n");
    let ended = folder.run(&plan(&format!("https://{plain}"), "ca = \"other.pem\"")).end();
    assert_eq!(ended.results.unwrap().phases[0].failures["tls"], 5, "{}", ended.out);
}

#[test]
fn every_mistake_in_a_plan_is_told_before_anything_starts() {
    let folder = Folder::new();
    let ended = folder.run("sead = 1\n[[phase]]\nkind = \"ramp\"\nduration = \"1\"\n").end();
    assert_eq!(ended.code, Some(64));
    let lines: Vec<_> = ended.err.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ended.err);
    assert!(lines[0].starts_with("test.toml:1: sead: unknown key"), "{}", ended.err);
    assert!(ended.results.is_none());
    let ended = folder.start(&["run", "nothing"]).end();
    assert_eq!(ended.code, Some(64));
    assert!(ended.err.contains("presets are smoke, inbox"), "{}", ended.err);
    let listed = folder.start(&["presets"]).end();
    assert!(listed.out.contains("server-load-im-75"), "{}", listed.out);
}

/// Shakes hands with whoever trusts it.
fn tls_server(made: &rcgen::CertifiedKey<rcgen::KeyPair>) -> SocketAddr {
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let config = loadtest_sim::tls::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(mut stream), Ok(mut tls)) = (stream, rustls::ServerConnection::new(config.clone()))
            else {
                return;
            };
            while tls.is_handshaking() {
                if tls.complete_io(&mut stream).is_err() {
                    break;
                }
            }
        }
    });
    addr
}

#[test]
fn an_estate_that_people_use_is_not_touched_without_a_yes() {
    let addr = CLOSED;
    let folder = folder();
    folder.write("test.toml", &plan(&format!("http://{addr}"), ""));
    let ended = folder.start(&["run", "test.toml", "--out", "out"]).end();
    assert_eq!(ended.code, Some(64));
    assert!(
        ended.err.contains("Up to 5 browsers") && ended.err.contains("nothing was started"),
        "{}",
        ended.err
    );
    assert!(ended.results.is_none());
}
