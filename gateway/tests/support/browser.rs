//! Debian's Chromium, headless, driven over its debugging protocol.
//!
//! One process is one browser with a profile of its own; two people need two of them.

#![allow(dead_code, unreachable_pub, reason = "every test program uses another part of it")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use loadtest_sim::left_out;
use protocol::presence::PersonId;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// Starting a browser on a busy machine takes its time.
const LIMIT: Duration = Duration::from_secs(60);

const PROGRAM: &str = "chromium";

/// Whether there is a browser; if not, notes that the calling test is left out.
pub fn available() -> bool {
    left_out::need(PROGRAM).is_some()
}

/// One of a browser's tabs.
#[derive(Clone, Debug)]
pub struct Tab {
    target: String,
    session: String,
}

pub struct Browser {
    socket: WebSocketStream<TcpStream>,
    session: String,
    next: u64,
    /// Texts that the page wrote to its console as errors, and exceptions.
    pub complaints: Vec<String>,
    /// What the browser itself says of the page, at any level; with [`Browser::audit`] its issues too.
    pub remarks: Vec<String>,
    /// The addresses of everything that was fetched.
    pub requests: Vec<String>,
    _process: Child,
    profile: PathBuf,
}

impl Browser {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With more switches, such as `--host-resolver-rules=…`.
    pub async fn start_with(switches: &[&str]) -> Self {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let profile = std::env::temp_dir().join(format!("livename-browser-{}-{number}", std::process::id()));
        let mut process = Command::new(PROGRAM)
            .args(switches)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            // The demo's certificate is its own.
            .args(["--ignore-certificate-errors", "--remote-debugging-port=0", "--window-size=1280,860"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromium starts");
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = timeout(LIMIT, async {
            loop {
                let line = lines.next_line().await.unwrap().expect("chromium says where it listens");
                if let Some((_, address)) = line.split_once("DevTools listening on ws://") {
                    return address.to_owned();
                }
            }
        })
        .await
        .expect("chromium is up in time");
        // It blocks when nobody reads what it says.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let host = address.split('/').next().unwrap();
        let stream = TcpStream::connect(host).await.unwrap();
        let (socket, _) = client_async(format!("ws://{address}"), stream).await.unwrap();
        let (complaints, remarks, requests) = (Vec::new(), Vec::new(), Vec::new());
        let session = String::new();
        let mut browser =
            Self { socket, session, next: 0, complaints, remarks, requests, _process: process, profile };
        browser.new_tab().await;
        browser
    }

    /// Opens a tab and goes to it.
    pub async fn new_tab(&mut self) -> Tab {
        self.session.clear();
        let target = self.call("Target.createTarget", json!({"url": "about:blank"})).await;
        let target = target["targetId"].as_str().unwrap().to_owned();
        let attached =
            self.call("Target.attachToTarget", json!({"targetId": &target, "flatten": true})).await;
        self.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page.enable", "Runtime.enable", "Log.enable", "Network.enable"] {
            self.call(domain, json!({})).await;
        }
        Tab { target, session: self.session.clone() }
    }

    /// Everything after this happens in that tab.
    pub fn go_to(&mut self, tab: &Tab) {
        self.session.clone_from(&tab.session);
    }

    /// The same, and it is the tab that somebody looks at.
    pub async fn look_at(&mut self, tab: &Tab) {
        self.go_to(tab);
        self.call("Page.bringToFront", json!({})).await;
    }

    pub async fn close_tab(&mut self, tab: Tab) {
        self.session.clear();
        self.call("Target.closeTarget", json!({"targetId": tab.target})).await;
    }

    /// As a browser does with a tab that nobody looks at for long, and the reverse.
    pub async fn freeze(&mut self, frozen: bool) {
        let state = if frozen { "frozen" } else { "active" };
        self.call("Page.setWebLifecycleState", json!({"state": state})).await;
    }

    /// Lists what the developer tools call issues: mixed content, policies, cookies.
    pub async fn audit(&mut self) {
        self.call("Audits.enable", json!({})).await;
    }

    /// Waits for a remark with one of these words.
    pub async fn wait_for_remark(&mut self, words: &[&str]) {
        let end = Instant::now() + LIMIT;
        while !self.remarks.iter().any(|remark| words.iter().any(|word| remark.contains(word))) {
            assert!(Instant::now() < end, "no remark with one of {words:?}: {:?}", self.remarks);
            self.value("1").await;
            sleep(Duration::from_millis(30)).await;
        }
    }

    /// Runs this in every page from now on, before its own scripts.
    pub async fn before_pages(&mut self, script: &str) {
        self.call("Page.addScriptToEvaluateOnNewDocument", json!({"source": script})).await;
    }

    /// Presses and releases a key.
    pub async fn key(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            self.call("Input.dispatchKeyEvent", json!({"type": kind, "key": key, "code": key})).await;
        }
    }

    /// The names of the cookies that go to the page's server.
    pub async fn cookies(&mut self) -> Vec<String> {
        let answer = self.call("Network.getCookies", json!({})).await;
        let cookies = answer["cookies"].as_array().unwrap().iter();
        cookies.map(|cookie| cookie["name"].as_str().unwrap().to_owned()).collect()
    }

    pub async fn forget_cookies(&mut self) {
        self.call("Network.clearBrowserCookies", json!({})).await;
    }

    /// The width and height of the window's inside.
    pub async fn size(&mut self, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Takes a picture into the folder of `LIVENAME_SCREENSHOTS`, if that is wished for.
    pub async fn picture(&mut self, name: &str) {
        if let Ok(folder) = std::env::var("LIVENAME_SCREENSHOTS") {
            self.screenshot(&Path::new(&folder).join(format!("{name}.png"))).await;
        }
    }

    pub async fn open(&mut self, url: &str) {
        let answer = self.call("Page.navigate", json!({"url": url})).await;
        assert!(answer.get("errorText").is_none(), "{url}: {answer}");
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'").await;
    }

    /// Logs in on the demo's mail page, as a person would.
    pub async fn log_in(&mut self, page: &str, person: &PersonId) {
        self.open(page).await;
        self.wait_for("!document.querySelector('#login').hidden").await;
        let pick = format!(
            "(async () => {{ const people = await (await fetch('/demo/people.json')).json();\
             document.querySelector('#who').value = people.find((one) => one.id === {:?}).short_name;\
             document.querySelector('#login-form').requestSubmit(); }})()",
            person.as_str()
        );
        self.value(&pick).await;
        self.wait_for("!document.querySelector('#mail').hidden && window.livename?.state === 'open'").await;
        self.wait_for("document.querySelectorAll('.livename').length > 20").await;
    }

    /// The value of an expression in the page; promises are awaited.
    pub async fn value(&mut self, expression: &str) -> Value {
        let call = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", call).await;
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until the expression is true.
    pub async fn wait_for(&mut self, condition: &str) {
        let end = Instant::now() + LIMIT;
        loop {
            let call = json!({"expression": format!("Boolean({condition})"), "returnByValue": true});
            // While a page is being replaced there is nothing to ask.
            let answer = self.call("Runtime.evaluate", call).await;
            if answer["result"]["value"] == true {
                return;
            }
            let complaints = &self.complaints;
            assert!(Instant::now() < end, "never true: {condition}\npage: {answer}\nconsole: {complaints:?}");
            sleep(Duration::from_millis(30)).await;
        }
    }

    /// A picture of the page, for people.
    pub async fn screenshot(&mut self, path: &Path) {
        let answer = self.call("Page.captureScreenshot", json!({"format": "png"})).await;
        let picture = decode_base64(answer["data"].as_str().unwrap());
        std::fs::write(path, picture).unwrap();
    }

    /// Shows the page as it will be on paper.
    pub async fn on_paper(&mut self) {
        self.call("Emulation.setEmulatedMedia", json!({"media": "print"})).await;
    }

    /// The page as it is printed.
    pub async fn pdf(&mut self) -> Vec<u8> {
        let answer = self.call("Page.printToPDF", json!({"printBackground": true})).await;
        decode_base64(answer["data"].as_str().unwrap())
    }

    /// Pretends a dark or light colour scheme.
    pub async fn colour_scheme(&mut self, scheme: &str) {
        self.media("prefers-color-scheme", scheme).await;
    }

    /// Pretends what a style sheet can ask for.
    pub async fn media(&mut self, name: &str, value: &str) {
        self.call("Emulation.setEmulatedMedia", json!({"features": [{"name": name, "value": value}]})).await;
    }

    async fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.next += 1;
        let id = self.next;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if !self.session.is_empty() {
            message["sessionId"] = self.session.clone().into();
        }
        self.socket.send(Message::text(message.to_string())).await.expect("chromium is there");
        timeout(LIMIT, async {
            loop {
                let Message::Text(text) = self.socket.next().await.expect("chromium is there").unwrap()
                else {
                    continue;
                };
                let answer: Value = serde_json::from_str(&text).unwrap();
                if answer["id"] == id {
                    return answer["result"].clone();
                }
                self.note(&answer);
            }
        })
        .await
        .unwrap_or_else(|_| panic!("chromium does not answer {method}"))
    }

    fn note(&mut self, event: &Value) {
        let parameters = &event["params"];
        if event["method"] == "Network.requestWillBeSent" {
            self.requests.extend(parameters["request"]["url"].as_str().map(str::to_owned));
        }
        let complaint = match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => Some(&parameters["exceptionDetails"]),
            Some("Runtime.consoleAPICalled") if parameters["type"] == "error" => Some(&parameters["args"]),
            Some("Log.entryAdded") if parameters["entry"]["level"] == "error" => Some(&parameters["entry"]),
            _ => None,
        };
        self.complaints.extend(complaint.map(Value::to_string));
        let remark = match event["method"].as_str() {
            Some("Log.entryAdded") => Some(&parameters["entry"]),
            Some("Audits.issueAdded") => Some(&parameters["issue"]),
            _ => None,
        };
        self.remarks.extend(remark.map(Value::to_string));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self._process.start_kill();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

fn decode_base64(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}
