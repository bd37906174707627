//! `livename setup` as an administrator meets it, with a mail server of the test's own for the log-ins.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

use super::{Folder, livename, output, wait};

const PASSWORD: &str = "pa55 word&of=all";

pub(super) const SETUP: &str = r#"
topology = "same-domain"
[[server]]
role = "inotes"
name = "Mail1/Renovation"
domain = "Renovation"
host = "mail1.renovation.example"
[[server]]
role = "sametime"
name = "Sametime/Renovation"
domain = "Renovation"
host = "sametime.renovation.example"
[[directory]]
domain = "Renovation"
path = "files"
[sso]
domain = ".renovation.example"
[awareness]
for = "all"
[gateway]
host = "im.renovation.example"
"#;

#[test]
fn init_asks_plan_tells_and_nothing_is_written_without_a_directory() {
    let folder = Folder::new("setup-init");
    let file = folder.0.join("setup.toml");
    let file = file.to_str().unwrap();
    let mut child = livename(&["setup", "init", "--config", file])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first DNS domain has no dot, and is asked for again.
    let answers = "1\nrenovation.example\n.renovation.example\nMail1/Renovation\nmail1.renovation.example\nRenovation\n-\n\
                   Sametime/Renovation\nsametime.renovation.example\n\nim.renovation.example\nfiles\n";
    child.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let asked = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{asked}");
    assert!(asked.contains("leading dot is missing"), "{asked}");
    assert_eq!(output(&["setup", "init", "--config", file]).0, Some(64), "an existing file is kept");

    let (code, page, _) = output(&["setup", "plan", "--config", file]);
    assert_eq!(code, Some(2), "{page}");
    assert!(page.contains("im.renovation.example") && page.contains("inferred"), "{page}");
    assert!(
        std::fs::read_to_string(folder.0.join("rollback.md")).unwrap().contains("HTTP_EnableSessionAuth")
    );
    let (_, json, _) = output(&["setup", "plan", "--json", "--config", file]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["topology"], "same-domain");
    let (code, said, _) = output(&["setup", "apply", "--config", file]);
    assert!(code == Some(0) && said.contains("--yes writes it"), "{said}");
    let (code, said, _) = output(&["setup", "apply", "--yes", "--config", file]);
    assert!(code == Some(3) && said.contains("0 written"), "{said}");
}

#[test]
fn a_wrong_file_is_refused_with_every_mistake() {
    let folder = Folder::new("setup-wrong");
    let file = folder.0.join("setup.toml");
    let wrong = SETUP.replace("mail1.ren", "10.1.0.5\" #").replace("[gateway]\nhost", "[gateway]\nhots");
    std::fs::write(&file, wrong).unwrap();
    let (code, _, said) = output(&["setup", "plan", "--config", file.to_str().unwrap()]);
    assert_eq!(code, Some(64));
    for says in
        ["setup.toml:7: server.host:", "IP address", "gateway.hots: unknown key; did you mean \"host\"?"]
    {
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn verify_ends_with_two_users_who_see_each_other() {
    let folder = Folder::new("setup-verify");
    let ready = folder.0.join("ready.json");
    let free = "127.0.0.1:0";
    let child = livename(&[
        "demo",
        "--http",
        free,
        "--https",
        free,
        "--admin",
        free,
        "--community",
        free,
        "--people",
        "12",
    ])
    .arg("--ready-file")
    .arg(&ready)
    .stdout(Stdio::null())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let mut demo = super::Program { child, addresses: serde_json::Value::Null };
    wait("the demo", || ready.exists());
    demo.addresses = serde_json::from_str(&std::fs::read_to_string(&ready).unwrap()).unwrap();
    let gateway: SocketAddr = first(&demo.addresses["http"]).parse().unwrap();
    let people: serde_json::Value =
        serde_json::from_str(&body(&ask(gateway, "GET", "/demo/people.json", ""))).unwrap();
    let (one, two) = (people[2]["id"].as_str().unwrap(), people[3]["id"].as_str().unwrap());

    let mail = mail_server(gateway);
    let file = folder.0.join("setup.toml");
    let probe = format!(
        "[probe]\nuser = \"{one}\"\npassword_file = \"password\"\nother = \"{two}\"\nother_password_file = \"password\"\n\
         login = \"http://im.renovation.example:8081\"\nevents = \"http://im.renovation.example:8080\"\n"
    );
    std::fs::write(&file, format!("{SETUP}{probe}")).unwrap();
    std::fs::write(folder.0.join("password"), format!("{PASSWORD}\n")).unwrap();
    let verify = || {
        let mut command: Command =
            livename(&["setup", "verify", "--outside", "--config", file.to_str().unwrap()]);
        for (host, port, address) in [
            ("im", 8081, mail),
            ("mail1", 8081, mail),
            ("sametime", 8081, mail),
            ("im", 8080, gateway),
            ("im", 80, gateway),
            ("im", 443, gateway),
            ("sametime", 1533, gateway),
        ] {
            command.args(["--resolve", &format!("{host}.renovation.example:{port}:{address}")]);
        }
        let done = command.output().unwrap();
        let said = String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap();
        assert!(!said.contains("pa55") && !said.contains("LtpaToken="), "{said}");
        (done.status.code(), said)
    };
    let (code, said) = verify();
    assert_eq!(code, Some(0), "{said}");
    for id in ["C7", "C14", "C15", "C16", "C19"] {
        assert!(said.contains(&format!("{id:<4} pass")), "{said}");
    }
    std::fs::write(folder.0.join("password"), "another\n").unwrap();
    let (code, said) = verify();
    assert!(code == Some(3) && said.contains("C14  FAIL"), "{said}");
}

/// Answers `POST /names.nsf?Login` with a token of the demo, and opens its pages to everybody who has one.
fn mail_server(demo: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && stream.read_until(b'\n', &mut head).unwrap() > 0 {}
            let head = String::from_utf8(head).unwrap();
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let mut form = vec![0; length.unwrap_or(0)];
            stream.read_exact(&mut form).unwrap();
            let form = plain(&String::from_utf8(form).unwrap());
            let cookie = form
                .strip_prefix("Username=")
                .and_then(|rest| rest.split_once("&Password="))
                .filter(|(_, rest)| rest.starts_with(PASSWORD))
                .map(|(user, _)| {
                    ask(demo, "POST", "/demo/login", &serde_json::json!({"id": user}).to_string())
                })
                .and_then(|answer| Some(answer.split_once("set-cookie: ")?.1.split(';').next()?.to_owned()));
            let cookie = cookie.map_or(String::new(), |cookie| {
                format!("set-cookie: {cookie}; Domain=.renovation.example; Path=/\r\n")
            });
            let date = "date: Tue, 24 Nov 2026 00:00:00 GMT";
            let answer = format!(
                "HTTP/1.1 200 OK\r\n{date}\r\n{cookie}content-length: 0\r\nconnection: close\r\n\r\n"
            );
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn body(answer: &str) -> String {
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// An address, or the first one of several.
fn first(value: &serde_json::Value) -> &str {
    value.as_str().or_else(|| value[0].as_str()).unwrap()
}

fn plain(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let hex: String = bytes.by_ref().take(2).map(char::from).collect();
            out.push(u8::from_str_radix(&hex, 16).unwrap());
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).unwrap()
}
