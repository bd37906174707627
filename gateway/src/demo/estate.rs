//! The parts of the demo and how they are joined.

use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use loadtest_sim::web::WebServer;
use loadtest_sim::{Simulator, TokenCheck};
use protocol::ltpa::domino::{self, DominoSecret};
use protocol::ltpa::{SystemSeconds, lmbcs};

use super::pages::{Pages, Person};
use crate::app::{App, Options, Running, Source, StartError};
use crate::cli::{DemoArguments, EXIT_USAGE, Ready};
use crate::config::{self, AuthPolicy, Config, Logins, Route, Serve};
use crate::http::Builtin;

/// Name of the route that serves the mail page.
const PAGES: &str = "demo";

/// A running demo.
pub struct Demo {
    simulator: Simulator,
    web: [WebServer; 2],
    running: Running,
    folder: Folder,
    people: Vec<Person>,
}

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error("signals cannot be caught: {0}")]
    Signals(io::Error),
    #[error("{path}: the ready file cannot be written: {error}", path = .0.display(), error = .1)]
    ReadyFile(PathBuf, io::Error),
    #[error("no secret can be made: {0}")]
    Secret(String),
    #[error("no random numbers from the system: {0}")]
    Random(getrandom::Error),
    #[error("{path}: {error}", path = .0.display(), error = .1)]
    File(PathBuf, io::Error),
    #[error("no certificate can be made: {0}")]
    Certificate(String),
    #[error("the simulated community does not start: {0}\nAnother address can be given with --community.")]
    Community(loadtest_sim::StartError),
    #[error("the simulated web server does not start: {0}")]
    Web(io::Error),
    #[error("the demo's own configuration is wrong:\n{0}")]
    Config(config::ConfigErrors),
    #[error("{0}\nOther addresses can be given with --http, --https and --admin.")]
    Bind(StartError),
    #[error(transparent)]
    Start(StartError),
}

impl DemoError {
    /// Whether the caller can put it right by other arguments, or the machine failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Community(_) | Self::Bind(_) | Self::Config(_) | Self::ReadyFile(..) => EXIT_USAGE,
            Self::Signals(_)
            | Self::Secret(_)
            | Self::Random(_)
            | Self::File(..)
            | Self::Certificate(_)
            | Self::Web(_)
            | Self::Start(_) => 1,
        }
    }
}

/// Files of the demo, removed with it.
struct Folder(PathBuf);

impl Demo {
    /// Starts everything, upstream first.
    pub async fn start(arguments: &DemoArguments) -> Result<Self, DemoError> {
        let mut key = [0; 20];
        getrandom::fill(&mut key).map_err(DemoError::Random)?;
        let text = STANDARD.encode(key);
        let secret =
            DominoSecret::from_base64(&text).map_err(|error| DemoError::Secret(error.to_string()))?;

        // The Sametime side: a community, and its web server on either scheme.
        let simulator = Simulator::builder()
            .people(arguments.people as usize)
            .seed(arguments.seed)
            .listen(arguments.community)
            .tokens(TokenCheck::domino(secret.clone()))
            .start()
            .await
            .map_err(DemoError::Community)?;
        simulator.play_day(arguments.seed, arguments.speed);
        let folder = Folder::make()?;
        let tls = folder.certificate()?;
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let plain = WebServer::start(local, None).await.map_err(DemoError::Web)?;
        let secure = WebServer::start(local, Some(tls)).await.map_err(DemoError::Web)?;

        // The gateway in front of it, from a configuration file like any other.
        folder.write("domino.secret", &text)?;
        let file = folder.write(
            "livename.toml",
            &configuration(arguments, simulator.addr(), plain.addr(), secure.addr()),
        )?;
        let people: Vec<Person> = simulator.directory().people().iter().map(person).collect();
        let mint = move |name: &str, created, expires| {
            let (created, expires) = (SystemSeconds(created), SystemSeconds(expires));
            domino::mint(&lmbcs::encode(name), created, expires, &secret).unwrap_or_default()
        };
        let pages: Arc<dyn Builtin> = Arc::new(Pages::new(people.clone(), Box::new(mint)));
        let again = file.clone();
        let options = Options {
            builtins: [(PAGES.to_owned(), pages)].into(),
            source: Some(Source::new(move || load(&again).map_err(|errors| errors.to_string()))),
            ..Options::default()
        };
        let running = App::start(load(&file).map_err(DemoError::Config)?, options).await.map_err(
            |error| match error {
                StartError::Bind(_) => DemoError::Bind(error),
                other => DemoError::Start(other),
            },
        )?;
        Ok(Self { simulator, web: [plain, secure], running, folder, people })
    }

    pub fn gateway(&self) -> &Running {
        &self.running
    }

    /// The community, to look at and to change.
    pub fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// The addresses that were really taken.
    pub fn ready(&self) -> Ready {
        let addresses = self.running.addresses();
        Ready {
            http: addresses.http.first().copied(),
            https: addresses.https.first().copied(),
            admin: Some(addresses.admin),
            community: Some(self.simulator.addr()),
        }
    }

    /// What to open and what to try.
    pub fn welcome(&self) -> String {
        let Ready { http, https, admin, community } = self.ready();
        let at = |address: Option<SocketAddr>| address.map(|address| address.to_string()).unwrap_or_default();
        let (http, https, admin, community) = (at(http), at(https), at(admin), at(community));
        let first = self.people.first();
        let short = first.map(|person| person.short_name.as_str()).unwrap_or_default();
        let first = first.map(|person| person.id.as_str()).unwrap_or_default();
        let mut text = String::new();
        let _ = write!(
            text,
            "\
Livename demo: {} people, a day from 7 to 19; `--speed` says how fast it goes.

  Mail page, http     http://{http}/        (its Sametime web server speaks https)
  Mail page, https    https://{https}/       (its Sametime web server speaks http; accept the certificate)
  The same inbox      …/demo/links with Sametime Links, …/demo/stproxy with the stproxy object
  Both on one page    …/demo/both
  Status page         http://{admin}/status
  Metrics             http://{admin}/metrics
  Community (VP)      {community}             (any Sametime client)
  Configuration       {}

Log in as one of the people, then as somebody else in a private window: each sees the other change.
The log-in hands out a real LtpaToken of the demo's own Domino secret. Everybody's password is the short name.
From the command line:

  curl -s  http://{http}/demo/people.json
  curl -sc jar -H 'content-type: application/json' -d '{{\"id\":\"{first}\"}}' http://{http}/demo/login
  curl -sNb jar -H 'accept: text/event-stream' http://{http}/livename/v1/events

The Sametime Proxy's interface takes all three log-ins, by that cookie, by name and password, and by nothing:

  curl -sb jar -X POST 'http://{http}/stwebapi/user/connect?loginMethod=byToken'
  curl -s -d 'loginMethod=byPassword&username={short}&password={short}' http://{http}/stwebapi/user/connect
  curl -s -d 'loginMethod=anonymous' http://{http}/stwebapi/user/connect

privacy = \"own\": everybody's watches go through that person's own login, so privacy lists hold exactly. Guests share
an anonymous login to the community: they see whom it shows to everybody.
own_presence = \"login\": whoever opens a page is online for the others, and goes offline 90 s after the last page.
The gateway never sets a status by itself; it adopts the one that the community reports.

Ctrl-C ends the demo.
",
            self.people.len(),
            self.folder.0.join("livename.toml").display(),
        );
        text
    }

    /// Ends the parts, downstream first.
    pub async fn stop(self) {
        self.running.stop().await;
        for web in &self.web {
            web.stop().await;
        }
        self.simulator.shut_down().await;
    }
}

fn person(person: &loadtest_sim::model::Person) -> Person {
    Person {
        id: person.id.as_str().to_owned(),
        short_name: person.short_name.clone(),
        display_name: person.display_name.to_string(),
    }
}

/// The file's configuration, and the mail page below everything else.
fn load(file: &Path) -> Result<Config, config::ConfigErrors> {
    let mut config = config::load(file)?;
    config.routes.push(Arc::new(Route {
        hosts: Vec::new(),
        path: "/".to_owned(),
        auth: AuthPolicy::Optional,
        login: None,
        serve: Serve::Builtin(PAGES.to_owned()),
        logins: Logins::default(),
        chat: false,
        pass_to: None,
    }));
    Ok(config)
}

fn configuration(
    arguments: &DemoArguments,
    community: SocketAddr,
    plain: SocketAddr,
    secure: SocketAddr,
) -> String {
    let DemoArguments { http, https, admin, more, .. } = arguments;
    format!(
        r#"# Made by `livename demo`; gone when it ends.
[listen]
http = ["{http}"]
https = ["{https}"]
admin = "{admin}"

[[tls.certificate]]
chain = "demo.pem"
key = "demo.key"

[[sso.cookie]]
name = "LtpaToken"
format = "domino"
[[sso.key]]
id = "demo"
format = "domino"
secret_file = "domino.secret"

[[community]]
name = "renovation"
servers = ["{community}"]
own_presence = "login"
privacy = "own"
login_type = "0x14b4"

[[route]]
path = "/livename"
serve = "awareness"
community = "renovation"
auth = "required"

# Scripts under the addresses that old pages have.
[[route]]
path = "/sametime/stlinks"
serve = "awareness"
community = "renovation"
[[route]]
path = "/stwebclient"
serve = "awareness"
community = "renovation"
[[route]]
path = "/stbaseapi"
serve = "awareness"
community = "renovation"
[[route]]
path = "/stwebapi"
serve = "awareness"
community = "renovation"
auth = "optional"
logins = ["token", "password", "anonymous"]

# The Sametime web server, once on each scheme: either page reaches the other one's.
[[route]]
path = "/st-http"
upstreams = ["http://{plain}"]
auth = "optional"

[[route]]
path = "/st-https"
upstreams = ["https://localhost:{port}"]
auth = "optional"
[route.tls]
ca = "demo.pem"

{more}
"#,
        port = secure.port(),
    )
}

impl Folder {
    fn make() -> Result<Self, DemoError> {
        let number = getrandom::u64().map_err(DemoError::Random)?;
        let path = std::env::temp_dir().join(format!("livename-demo-{number:016x}"));
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(|error| DemoError::File(path.clone(), error))?;
        Ok(Self(path))
    }

    fn write(&self, name: &str, content: &str) -> Result<PathBuf, DemoError> {
        let path = self.0.join(name);
        match std::fs::write(&path, content) {
            Ok(()) => Ok(path),
            Err(error) => Err(DemoError::File(path, error)),
        }
    }

    /// A self-signed certificate for this machine, as files, and ready for the simulated web server.
    fn certificate(&self) -> Result<Arc<rustls::ServerConfig>, DemoError> {
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        let made = rcgen::generate_simple_self_signed(names)
            .map_err(|error| DemoError::Certificate(error.to_string()))?;
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        self.write("demo.pem", &chain)?;
        self.write("demo.key", &key)?;
        loadtest_sim::tls::from_pem(chain.as_bytes(), key.as_bytes())
            .map_err(|error| DemoError::Certificate(error.to_string()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Only the demo's own files are in it.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
