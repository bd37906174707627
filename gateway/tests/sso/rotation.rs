//! Keys are changed under continuous requests, on new connections, on one that is kept, and with a page's event channel
//! open: no valid token is refused meanwhile, and nothing is closed.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use protocol::ltpa::websphere::Version;

use crate::support::{
    DOMINO_COOKIE, Folder, KeptConnection, LTPA2_COOKIE, Program, domino, domino_key, get, livename, mirror,
    post, wait, websphere, websphere_key,
};

/// A community that nobody answers for: pages open all the same, and names are unknown.
const AWARENESS: &str = r#"
[[route]]
path = "/im"
serve = "awareness"
community = "acme"
auth = "required"
[[community]]
name = "acme"
servers = ["127.0.0.1:9"]
own_presence = "off"
privacy = "trust"
[[community.observer]]
name = "CN=Observer"
password_file = "A.password"
"#;
const EVENTS: &str = "/im/livename/v1/events";

struct Drill {
    folder: Folder,
    cookie: &'static str,
    route: String,
    program: Program,
}

impl Drill {
    fn new(cookie: &'static str, first: &str) -> Self {
        let folder = Folder::new();
        let route = format!("[[route]]\npath = \"/\"\nupstreams = [\"http://{}\"]\n{AWARENESS}", mirror());
        folder.config(&format!("{cookie}{first}"), &route);
        let program = folder.start();
        Self { folder, cookie, route, program }
    }

    fn write(&self, keys: &str) {
        self.folder.config(&format!("{}{keys}", self.cookie), &self.route);
    }

    /// Puts other keys in force.
    fn change_to(&self, keys: &str) {
        let reloads = || self.program.metric("livename_config_reloads_total{result=\"ok\"}");
        let before = reloads();
        self.write(keys);
        self.program.hang_up();
        wait("the new keys", || reloads() > before);
    }

    fn status(&self, cookies: &str) -> u16 {
        self.program.get("/", &[("Cookie", cookies)]).status
    }
}

/// `old` and `new` are keys, each with a cookie that it proves.
fn drill(cookie: &'static str, old: (String, String), new: (String, String)) {
    let drill = Drill::new(cookie, &old.0);
    let address = drill.program.http();
    let mut page = KeptConnection::open(address);
    let hello = page.events(EVENTS, &old.1);
    let channel = format!("{EVENTS}/{}", hello["channel"].as_str().unwrap());
    let renewed = |cookies: &str| post(address, &channel, cookies, r#"[{"op":"renew","id":1}]"#);
    let (stop, asked, kept) = (AtomicBool::new(false), AtomicU32::new(0), AtomicU32::new(0));
    // Which cookie is valid now: the old one until the switch, then the new one.
    let switched = AtomicBool::new(false);
    let asked_more = || {
        let counts = || (asked.load(Ordering::SeqCst), kept.load(Ordering::SeqCst));
        let before = counts();
        wait("more requests", || counts().0 > before.0 + 20 && counts().1 > before.1 + 10);
    };
    std::thread::scope(|scope| {
        // A failure here must not leave the others asking for ever.
        let _end = Stop(&stop);
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    let cookies = if switched.load(Ordering::SeqCst) { &new.1 } else { &old.1 };
                    assert_eq!(get(address, "/", &[("Cookie", cookies)]).status, 200);
                    asked.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        scope.spawn(|| {
            let mut connection = KeptConnection::open(address);
            while !stop.load(Ordering::SeqCst) {
                let cookies = if switched.load(Ordering::SeqCst) { &new.1 } else { &old.1 };
                assert_eq!(connection.get("/", cookies), 200);
                kept.fetch_add(1, Ordering::SeqCst);
            }
        });
        asked_more();
        assert_eq!(drill.status(&new.1), 401, "nobody knows the new key yet");
        drill.change_to(&format!("{}{}", old.0, new.0));
        assert_eq!((drill.status(&old.1), drill.status(&new.1)), (200, 200));
        asked_more();
        // The page goes on with a token of either key.
        for cookies in [&old.1, &new.1] {
            let answer = renewed(cookies);
            assert!(answer.status == 200 && answer.body.contains(r#""type":"renewed""#), "{}", answer.body);
        }
        // The issuers switch; whoever has an old token keeps it to its end.
        switched.store(true, Ordering::SeqCst);
        asked_more();
        drill.change_to(&format!("{}{}", new.0, old.0));
        asked_more();
        drill.change_to(&new.0);
        assert_eq!((drill.status(&old.1), drill.status(&new.1)), (401, 200));
        assert_eq!((renewed(&old.1).status, renewed(&new.1).status), (401, 200));
        asked_more();
        assert!(page.is_open(), "the page's event channel outlives the old key");
    });
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn no_valid_domino_token_is_refused_while_secrets_change() {
    let side = |number| (domino_key(number), format!("LtpaToken={}", domino("CN=Ada/O=Example", number)));
    drill(DOMINO_COOKIE, side(1), side(2));
}

#[test]
fn no_valid_websphere_token_is_refused_while_key_files_change() {
    let side =
        |id: &str| (websphere_key(id), format!("LtpaToken2={}", websphere(Version::Two, "uid=ada", id)));
    drill(LTPA2_COOKIE, side("A"), side("B"));
}

#[test]
fn a_bad_new_key_file_keeps_the_old_ring_and_says_so() {
    let drill = Drill::new(LTPA2_COOKIE, &websphere_key("A"));
    let cookies = format!("LtpaToken2={}", websphere(Version::Two, "uid=ada", "A"));
    assert_eq!(drill.status(&cookies), 200);
    let good = std::fs::read_to_string(drill.folder.0.join("A.keys")).unwrap();
    for (text, complaint) in [
        (good.replace("PublicKey=A", "PublicKey=B"), "A.keys"),
        ("#empty\n".to_owned(), "is missing"),
        (good[..good.len() / 3].to_owned(), "is missing"),
    ] {
        drill.folder.write("A.keys", &text);
        let admin = drill.program.admin().to_string();
        let output = livename().args(["reload", "--admin", &admin]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("sso.key.key_file") && said.contains(complaint), "{said}");
        assert_eq!(drill.status(&cookies), 200);
    }
    let refused = drill.program.metric("livename_config_reloads_total{result=\"failed\"}");
    assert_eq!((refused, drill.program.metric("livename_config_last_reload_successful")), (3, 0));
}

#[test]
fn keys_begin_and_end_by_the_clock() {
    let drill =
        Drill::new(DOMINO_COOKIE, &format!("{}not_after = 2020-01-01\n{}", domino_key(1), domino_key(2)));
    let cookies = |number| format!("LtpaToken={}", domino("CN=Ada/O=Example", number));
    assert_eq!((drill.status(&cookies(1)), drill.status(&cookies(2))), (401, 200));
    drill.change_to(&format!(
        "{}not_before = 2100-01-01\n{}not_after = 2100-01-01\n",
        domino_key(1),
        domino_key(2)
    ));
    assert_eq!((drill.status(&cookies(1)), drill.status(&cookies(2))), (401, 200));
    drill.change_to(&format!("{}not_before = 2020-01-01\n", domino_key(1)));
    assert_eq!((drill.status(&cookies(1)), drill.status(&cookies(2))), (200, 401));
}
