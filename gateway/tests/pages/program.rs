//! `livename demo` as a process of its own: its pages beside what its community tells a client of its own protocol.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use protocol::presence::{PersonId, Presence, Status};
use protocol::secret::Secret;
use protocol::vp::awareness::status_word;
use protocol::vp::client::{Auth, Config, Event};
use protocol::vp::prim::UserStatus;
use protocol::vp::service::Service;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::browser::{self, Browser};
use crate::community::TestClient;
use crate::dice::Dice;
use crate::estate::PATIENCE;
use crate::inbox::{STATUSES, TEXTS, seed};
use crate::truth::same_as;

/// A person as the demo lists its people.
type Person = BTreeMap<String, String>;

/// The running demo; what it keeps in files is in a folder of the test.
struct Program {
    process: Child,
    folder: PathBuf,
    ready: Value,
}

impl Program {
    async fn start(people: usize) -> Self {
        let folder = std::env::temp_dir().join(format!("livename-demo-program-{}", std::process::id()));
        let files = folder.join("files");
        std::fs::create_dir_all(&files).unwrap();
        let ready = folder.join("ready.json");
        let mut command = Command::new(env!("CARGO_BIN_EXE_livename"));
        command.arg("demo").args(["--people", &people.to_string(), "--seed", "7", "--speed", "0"]);
        for address in ["--http", "--https", "--admin", "--community"] {
            command.args([address, "127.0.0.1:0"]);
        }
        command.arg("--ready-file").arg(&ready).env("TMPDIR", &files).stdout(Stdio::null());
        let process = command.spawn().unwrap();
        let mut program = Self { process, folder, ready: Value::Null };
        let end = Instant::now() + PATIENCE;
        while !ready.exists() {
            assert!(program.process.try_wait().unwrap().is_none(), "the demo has ended");
            assert!(Instant::now() < end, "the demo is not ready");
            sleep(Duration::from_millis(20)).await;
        }
        program.ready = serde_json::from_str(&std::fs::read_to_string(ready).unwrap()).unwrap();
        program
    }

    fn address(&self, of: &str) -> &str {
        self.ready[of].as_str().unwrap()
    }

    /// Files that the demo keeps at the moment.
    fn files(&self) -> usize {
        std::fs::read_dir(self.folder.join("files")).unwrap().count()
    }

    /// A client of that person, who has proved by the demo's password who it is.
    async fn client(&self, person: &Person) -> TestClient {
        let server: SocketAddr = self.address("community").parse().unwrap();
        let name = &person["short_name"];
        let auth = Auth::DhPassword(Secret::from(name.as_str()));
        let mut client = TestClient::dial(server, Config::default(), name, auth).await;
        client.wait_for(|event| matches!(event, Event::LoggedIn { .. })).await;
        client
    }

    /// Waits until the community shows that person to that viewer as here, or as gone.
    async fn shows(&self, person: &Person, viewer: &Person, here: bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            let truth = self.truth(std::slice::from_ref(person), viewer).await;
            if (truth[&person["id"]].status != Status::Offline) == here {
                return;
            }
            assert!(Instant::now() < end, "{person:?} should be here: {here}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// What the community shows of everybody to that person.
    async fn truth(&self, people: &[Person], viewer: &Person) -> BTreeMap<String, Presence> {
        let mut client = self.client(viewer).await;
        let channel = client.open(Service::AWARENESS).await;
        let ids: Vec<&str> = people.iter().map(|person| person["id"].as_str()).collect();
        let blocks = client.watch(channel, &ids).await;
        blocks.iter().map(|block| (block.id.user.clone(), block.presence())).collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_shows_what_its_community_holds_and_leaves_nothing_behind() {
    if !browser::available() {
        return;
    }
    let mut program = Program::start(40).await;
    assert_eq!(program.files(), 1);
    let (http, https) =
        (format!("http://{}", program.address("http")), format!("https://{}", program.address("https")));
    let mut plain = Browser::start().await;
    let mut secure = Browser::start().await;
    plain.open(&http).await;
    let people = plain.value("(async () => (await fetch('/demo/people.json')).json())()").await;
    let people: Vec<Person> = serde_json::from_value(people).unwrap();
    assert_eq!(people.len(), 40);
    for person in &people {
        assert_eq!(person.keys().collect::<Vec<_>>(), ["display_name", "id", "short_name"]);
    }
    let ids = [0, 1].map(|index: usize| PersonId::from(people[index]["id"].as_str()));
    plain.log_in(&http, &ids[0]).await;
    secure.log_in(&https, &ids[1]).await;
    for page in [&mut plain, &mut secure] {
        let cookies = page.cookies().await;
        assert!(cookies.iter().any(|name| name == "LtpaToken"), "{cookies:?}");
    }

    let eyes = &people[2];
    for person in &people[..2] {
        program.shows(person, eyes, true).await;
    }
    let mut dice = Dice::new(seed());
    let mut clients: Vec<(usize, TestClient)> = Vec::new();
    for changes in [0, 8, 8] {
        for _ in 0..changes {
            // Those of the pages and of this test's eyes stay as they are.
            let index = 3 + dice.below(people.len() - 3);
            let mut client = program.client(&people[index]).await;
            let (status, mobile, text) = (*dice.of(&STATUSES), dice.one_in(4), *dice.of(&TEXTS));
            let status = UserStatus { status: status_word(status, mobile), time: 0, desc: text.into() };
            client.machine.set_status(status).unwrap();
            client.wait_for(|event| matches!(event, Event::StatusEcho(_))).await;
            clients.push((index, client));
            if dice.one_in(3) {
                let (gone, _) = clients.swap_remove(dice.below(clients.len()));
                let here = clients.iter().any(|(index, _)| *index == gone);
                program.shows(&people[gone], eyes, here).await;
            }
        }
        for (page, viewer) in [(&mut plain, &people[0]), (&mut secure, &people[1])] {
            let truth = program.truth(&people, viewer).await;
            same_as(page, |person| truth[person.as_str()].clone()).await;
        }
    }
    assert!(plain.complaints.is_empty() && secure.complaints.is_empty(), "{:?}", plain.complaints);

    let sent = Command::new("kill").args(["-TERM", &program.process.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let end = Instant::now() + PATIENCE;
    let ended = loop {
        if let Some(ended) = program.process.try_wait().unwrap() {
            break ended;
        }
        assert!(Instant::now() < end, "the demo does not end");
        sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(ended.code(), Some(0));
    assert_eq!(program.files(), 0, "its folder is gone");
}
