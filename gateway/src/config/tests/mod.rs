//! Configurations as an operator writes them, right and wrong ones.

mod pilot;
mod presets;
mod reference;
mod right;
mod wrong;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Config, ConfigErrors, load};

/// A folder with everything that a configuration may name; gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("livename-config-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = Self(std::env::temp_dir().join(name));
        std::fs::create_dir_all(&folder.0).unwrap();
        folder.write("domino.secret", "AAECAwQFBgcICQoLDA0ODxAREhM=\n");
        folder.write("short.secret", "AAECAw==\n");
        folder.write("password", "pa55w0rd-of-the-observer\r\n");
        folder.write("empty", "\n");
        folder.write("sales.group", "# Sales\nCN=Cem Example/O=Acme\n\n*/OU=Sales/O=Acme\n");
        let vectors = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../protocol/tests/vectors/ltpa/websphere.json"
        ));
        let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
        let keys = vectors["keysets"]["A"]["keyfile"].as_str().unwrap();
        folder.write("ltpa.keys", keys);
        folder.write("nowhere.keys", &keys.replace("ltpa.Realm=defaultWIMFileBasedRealm", "ltpa.Realm="));
        folder.write("elsewhere.keys", &keys.replace("defaultWIMFileBasedRealm", "elsewhere"));
        folder.write("ltpa.password", vectors["keysets"]["A"]["password"].as_str().unwrap());
        for (name, host) in [("im", "im.acme.example"), ("other", "*.other.example")] {
            let made = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
            folder.write(&format!("{name}.pem"), &made.cert.pem());
            folder.write(&format!("{name}.key"), &made.signing_key.serialize_pem());
        }
        folder
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn load(&self, text: &str) -> Result<Config, ConfigErrors> {
        load(&self.write("livename.toml", text))
    }

    /// The lines that an operator sees, without the folder.
    fn complaints(&self, text: &str) -> Vec<String> {
        let errors = self.load(text).expect_err("nothing is wrong with it");
        let folder = format!("{}/", self.0.display());
        errors.to_string().replace(&folder, "").lines().map(str::to_owned).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// The example of the reference page, with files of the folder.
const FULL: &str = r#"
[listen]
http  = ["127.0.0.1:0"]
https = ["127.0.0.1:0"]
admin = "127.0.0.1:0"
workers = 2
proxy_protocol = ["127.0.0.1:0"]

[[tls.certificate]]
chain = "im.pem"
key   = "im.key"

[sso]
domain  = ".acme.example"
skew    = "30s"
charset = "utf-8"
max_lifetime = "12h"
fallback = true
realms = ["defaultWIMFileBasedRealm"]
fips = true
origins = ["https://portal.other.example:443"]
names = "domino"
login_url = "https://login.acme.example/in?to={return}"
[[sso.cookie]]
name   = "LtpaToken"
format = "domino"
[[sso.key]]
id     = "2026"
format = "domino"
secret_file = "domino.secret"
[[sso.cookie]]
name   = "LtpaToken2"
format = "ltpa2"
unsigned_expiry = true
[[sso.key]]
id     = "was"
format = "websphere"
key_file = "ltpa.keys"
password_file = "ltpa.password"
not_before = 2026-01-01
not_after = 2027-01-01T00:00:00+01:00

[sso.delegated]
cookie = "LtpaTokenSt"
community = "acme"
good_for = "10min"

[[community]]
name     = "acme"
servers  = ["st1.acme.example", "st2.acme.example:1534"]
own_presence = "login"
privacy      = "own"
login_type   = 0x100a
token_form   = "dh"
redirect     = "continue"
source_addresses = ["127.0.0.1", "127.0.0.2"]
tls = { ca = "im.pem", server_name = "im.acme.example" }
[[community.host]]
from = "CN=st1/O=Acme"
to   = "st1.acme.example"
[community.tuning]
batch = 100
batches_in_flight = 2
watches_per_login = 5000
linger = "1min"
unknown_after = "10s"
answer_timeout = "20s"
connect_timeout = "5s"
login_timeout = "15s"
backoff_first = "250ms"
backoff_longest = "2min"
logins_per_second = 50
keepalive = "90s"

[community.names]
allow_domains = [".ACME.example"]
deny_domains = ["lists.acme.example"]
remembered = 1000
good_for = "2h"
nobody_for = "1min"
per_second = 50
session_per_second = 5

[[community]]
name     = "labs"
servers  = ["st.labs.example"]
own_presence = "off"
privacy      = "trust"
[[community.observer]]
name = "CN=One/O=Acme"
password_file = "password"
[[community.observer]]
name = "CN=Two/O=Acme"
token_file = "password"
[[community.observer]]
name = "CN=Three/O=Acme"
mint = true

[[route]]
path      = "/stwebapi"
serve     = "awareness"
community = "acme"
pass_to   = ["http://stproxy.acme.example"]
auth      = "optional"
logins    = ["token", "password"]

[[route]]
hosts     = ["IM.acme.example"]
path      = "/st01"
upstreams = ["http://st1.acme.example", "https://st2.acme.example:8443"]
sametime_protocol = "http"
rewrite = false
aliases = ["http://ST1", "https://[2001:db8::1]:8443"]
affinity_id = "st01"
cors = "gateway"
origin_header = "page"
auth      = "required"
login_url = "/names.nsf?Login&RedirectTo={return}"
identity_header = "X-Livename-User"
connect_timeout = "3s"
head_timeout = "1h"
body_timeout = "20s"
tls = { ca = "im.pem", server_name = "st.acme.example", min_version = "1.3", chain = "im.pem", key = "im.key" }
weights = [3, 1]
sticky_cookie = "Livename-Server"
retry = "unsent"
http2 = true
proxy_protocol = "v2"
[route.pool]
connections = 100
waiting = 10
idle = 8
idle_time = "20s"
lifetime = "5min"
[route.health]
failures = 2
rest = "1s"
slow_start = "30s"
path = "/sametime/stlinks/stlinks.js"
interval = "2s"
timeout = "1s"
successes = 3

[[redirect]]
hosts = ["IM.acme.example"]
to = "https"
port = 8443
except = ["/.well-known/acme-challenge"]

[pilot]
people = ["CN=Ann Example/O=Acme"]
groups = ["sales.group"]
share = 10
state_file = "bypass.json"

[access_log]
path = "access.log"
format = "combined"
users = true

[limits]
connections = 1000
connections_per_address = 100
header_bytes = 16384
head_timeout = "5s"
tls_handshake_timeout = "6s"
idle_timeout = "60s"
message_bytes = 32768
watches_per_session = 100
sessions_per_user = 2
session_grace = "45s"
lane_messages = 32
drain = "1s"
trusted_proxies = ["127.0.0.9", "10.1.0.0/16"]

[log]
format = "json"
level = "info,gateway::bridge=debug"
"#;

/// The least that runs.
const SMALL: &str = r#"
[listen]
http = ["127.0.0.1:0"]
[[route]]
path = "/"
upstreams = ["http://st1.acme.example"]
auth = "off"
"#;

fn example(folder: &Path) -> PathBuf {
    folder.join("livename.toml")
}
