use super::*;

const LISTEN: &str = "[listen]\nhttp = [\"127.0.0.1:0\"]\n";
const ROUTE: &str = "[[route]]\npath = \"/\"\nupstreams = [\"http://a\"]\nauth = \"off\"\n";
const COMMUNITY: &str = "[[community]]\nname = \"acme\"\nservers = [\"st1\"]\n";
const OBSERVER: &str = "[[community.observer]]\nname = \"x\"\npassword_file = \"password\"\n";
const WEBSPHERE: &str = "[[sso.key]]\nid = \"k\"\nformat = \"websphere\"\nkey_file = \"ltpa.keys\"\npassword_file = \"ltpa.password\"\n";
const LTPA2: &str = "[[sso.cookie]]\nname = \"LtpaToken2\"\nformat = \"ltpa2\"\n";
const KEY: &str = "[[sso.key]]\nid = \"k\"\nformat = \"domino\"\nsecret_file = \"domino.secret\"\n";

/// Each text goes before, instead of or after the small configuration; each complaint is the whole output.
#[test]
fn one_mistake_one_exact_line() {
    let own = "own_presence = \"login\"\nprivacy = \"own\"\n";
    let certificate = |chain: &str, key: &str| {
        format!(
            "[listen]\nhttps = [\"127.0.0.1:0\"]\n[[tls.certificate]]\nchain = \"{chain}\"\nkey = \"{key}\"\n{ROUTE}"
        )
    };
    let route = |lines: &str| format!("{LISTEN}[[route]]\n{lines}\n");
    let community = |lines: &str| format!("{LISTEN}{ROUTE}{COMMUNITY}{lines}");
    let key = |lines: &str| format!("{LISTEN}{ROUTE}[[sso.key]]\nid = \"k\"\n{lines}\n");
    let table = [
        // The document.
        (format!("{LISTEN}{ROUTE}[limits\n"), "livename.toml:7: unclosed table, expected `]`"),
        (format!("{LISTEN}{ROUTE}auth = \"off\"\n"), "livename.toml:7: duplicate key"),
        // Unknown keys.
        (
            format!("{LISTEN}{ROUTE}[limit]\nconnections = 1\n"),
            "livename.toml:7: limit: unknown key; did you mean \"limits\"?",
        ),
        (
            format!("{LISTEN}{ROUTE}[limits]\nconections = 1\n"),
            "livename.toml:8: limits.conections: unknown key; did you mean \"connections\"?",
        ),
        (
            format!("{LISTEN}{ROUTE}privacy = \"own\"\n"),
            "livename.toml:7: route.privacy: unknown key; it belongs in [[community]]",
        ),
        (
            format!("{LISTEN}{ROUTE}[log]\nfile = \"x\"\n"),
            "livename.toml:8: log.file: unknown key; known are format, level",
        ),
        // Types and shapes.
        (
            format!("{LISTEN}{ROUTE}[limits]\nconnections = \"many\"\n"),
            "livename.toml:8: limits.connections: expected a whole number, found a string",
        ),
        (
            format!("{LISTEN}{ROUTE}[limits]\nconnections = -1\n"),
            "livename.toml:8: limits.connections: must be within 0 and 18446744073709551615",
        ),
        (
            format!("{LISTEN}{ROUTE}[limits]\nconnections = 0\n"),
            "livename.toml:8: limits.connections: 0 is outside 1 to 10000000",
        ),
        (
            format!("{LISTEN}{ROUTE}[limits]\ndrain = 30\n"),
            "livename.toml:8: limits.drain: expected a duration such as \"250ms\", \"5s\", \"5min\" or \"1h\", found a number",
        ),
        (
            format!("{LISTEN}{ROUTE}[limits]\ndrain = \"30 s\"\n"),
            "livename.toml:8: limits.drain: expected a duration such as \"250ms\", \"5s\", \"5min\" or \"1h\", found \"30 s\"",
        ),
        (
            format!("{LISTEN}{ROUTE}[log]\nformat = \"xml\"\n"),
            "livename.toml:8: log.format: expected \"text\" or \"json\", found \"xml\"",
        ),
        (
            format!("{LISTEN}{ROUTE}[community]\nname = \"a\"\nservers = [\"a\"]\n{own}"),
            "livename.toml:7: community: there can be several; write [[community]]",
        ),
        (
            format!("{ROUTE}[[listen]]\nhttp = []\n"),
            "livename.toml:5: listen: expected a table, found a list; write [listen]",
        ),
        // Listening.
        (
            ROUTE.to_owned(),
            "livename.toml:1: listen.http: there is no address for browsers; give http = [\"0.0.0.0:80\"], https, or both",
        ),
        (
            format!("[listen]\nhttp = [\n  \"127.0.0.1:0\",\n  \"localhost:80\",\n]\n{ROUTE}"),
            "livename.toml:4: listen.http: expected an IP address and a port such as \"0.0.0.0:80\" or \"[::]:80\", found \"localhost:80\"",
        ),
        (
            format!("[listen]\nhttp = [\"127.0.0.1:80\", \"127.0.0.1:80\"]\n{ROUTE}"),
            "livename.toml:2: listen.http: 127.0.0.1:80 is listed twice",
        ),
        (
            format!("[listen]\nhttps = [\"127.0.0.1:0\"]\n{ROUTE}"),
            "livename.toml:2: listen.https: needs a certificate; add [[tls.certificate]] with chain and key",
        ),
        (
            certificate("im.pem", "other.key"),
            "livename.toml:5: tls.certificate.key: certificate and key do not belong together",
        ),
        (
            certificate("im.key", "im.key"),
            "livename.toml:4: tls.certificate.chain: FOLDER/im.key holds no certificate",
        ),
        (
            certificate("im.pem", "im.pem"),
            "livename.toml:5: tls.certificate.key: FOLDER/im.pem holds no private key",
        ),
        (
            certificate("gone.pem", "im.key"),
            "livename.toml:4: tls.certificate.chain: FOLDER/gone.pem: No such file or directory (os error 2)",
        ),
        (
            certificate("im.pem", "gone.key"),
            "livename.toml:5: tls.certificate.key: FOLDER/gone.key: No such file or directory (os error 2)",
        ),
        (
            certificate("gone.pem", "gone.key"),
            "livename.toml:4: tls.certificate.chain: FOLDER/gone.pem: No such file or directory (os error 2)\n\
             livename.toml:5: tls.certificate.key: FOLDER/gone.key: No such file or directory (os error 2)",
        ),
        // Single sign-on.
        (
            key("format = \"domino\""),
            "livename.toml:7: sso.key.secret_file: is missing; give the file that holds the value of LTPA_DominoSecret",
        ),
        (
            key("format = \"domino\"\nsecret_file = \"short.secret\""),
            "livename.toml:10: sso.key.secret_file: FOLDER/short.secret must hold base64 of exactly 20 bytes, the value of LTPA_DominoSecret",
        ),
        (
            key("format = \"domino\"\nsecret_file = \"password\""),
            "livename.toml:10: sso.key.secret_file: FOLDER/password must hold base64 of exactly 20 bytes, the value of LTPA_DominoSecret",
        ),
        (
            key("format = \"websphere\"
password_file = \"ltpa.password\""),
            "livename.toml:7: sso.key.key_file: is missing; give the file that was exported from WebSphere",
        ),
        (
            key("format = \"websphere\"
key_file = \"ltpa.keys\"
password_file = \"password\""),
            "livename.toml:10: sso.key.key_file: FOLDER/ltpa.keys: com.ibm.websphere.ltpa.3DESKey cannot be decrypted: wrong password, or a damaged file",
        ),
        (
            format!("{LISTEN}{ROUTE}{KEY}{KEY}"),
            "livename.toml:12: sso.key.id: there is another key \"k\"; give one of them another id",
        ),
        (
            format!("{LISTEN}{ROUTE}[[sso.cookie]]\nname = \"LtpaToken\"\nformat = \"domino\"\n"),
            "livename.toml:7: sso.cookie: a cookie without a key proves nothing; add [[sso.key]]",
        ),
        (
            format!("{LISTEN}{ROUTE}{KEY}[[sso.cookie]]\nname = \"LtpaToken2\"\nformat = \"ltpa2\"\n"),
            "livename.toml:11: sso.cookie: no [[sso.key]] can prove the tokens of cookie \"LtpaToken2\"; add one of format \"websphere\"",
        ),
        (
            format!("{LISTEN}{ROUTE}{WEBSPHERE}[[sso.cookie]]\nname = \"LtpaToken\"\nformat = \"ltpa1\"\n"),
            "livename.toml:12: sso.cookie: \"ltpa1\" tokens never have a signed expiry; use \"ltpa2\", or accept that with unsigned_expiry = true for this cookie",
        ),
        (
            community(&format!("{own}{KEY}[sso.delegated]\ncookie = \"LtpaToken\"\ncommunity = \"acme\"\n")),
            "livename.toml:17: sso.delegated.cookie: the keys here prove the tokens of \"LtpaToken\"; leave out [sso.delegated], or those keys and the cookie",
        ),
        (
            format!("{LISTEN}{ROUTE}{WEBSPHERE}{LTPA2}").replace("ltpa.keys", "nowhere.keys"),
            "livename.toml:7: sso.realms: the key file of \"k\" names no realm; list those whose users may come",
        ),
        (
            format!(
                "{LISTEN}{ROUTE}{WEBSPHERE}{}{LTPA2}",
                WEBSPHERE.replace("\"k\"", "\"b\"").replace("ltpa.keys", "elsewhere.keys")
            ),
            "livename.toml:7: sso.realms: the key files name several, \"defaultWIMFileBasedRealm\" and \"elsewhere\"; list them if users of the same name are the same people in all",
        ),
        (
            format!("{LISTEN}{ROUTE}[sso]\ndomain = \"acme.example\"\n"),
            "livename.toml:8: sso.domain: write it with the leading dot and at least two labels, such as \".acme.example\"",
        ),
        (
            format!("{LISTEN}{ROUTE}[sso]\ndomain = \".example\"\n"),
            "livename.toml:8: sso.domain: write it with the leading dot and at least two labels, such as \".acme.example\"",
        ),
        (
            format!("{LISTEN}{ROUTE}[sso]\nskew = \"6min\"\n"),
            "livename.toml:8: sso.skew: \"6min\" is outside \"0ms\" to \"5min\"",
        ),
        (
            format!("{LISTEN}{ROUTE}[sso]\norigins = [\"portal.example\"]\n"),
            "livename.toml:8: sso.origins: \"portal.example\" is not an origin; write scheme and host, such as \"https://portal.example\"",
        ),
        // Communities.
        (
            community("privacy = \"own\"\n"),
            "livename.toml:7: community.own_presence: is missing; it must be stated: \"login\" logs each user of a page in to the community as well, so that others see that user; \"off\" only shows others",
        ),
        (
            community("own_presence = \"login\"\n"),
            "livename.toml:7: community.privacy: is missing; it must be stated: \"own\" watches through each user's own login, which is exact and costs the servers what it costs today; \"trust\" shares watches through observers, and may show a person to somebody whom that person hides from",
        ),
        (
            community("own_presence = \"login\"\nprivacy = \"probe\"\n"),
            "livename.toml:11: community.privacy: \"probe\" is not built yet; use \"own\", or \"trust\" if the community has no privacy lists",
        ),
        (
            community("own_presence = \"off\"\nprivacy = \"own\"\n"),
            "livename.toml:11: community.privacy: \"own\" needs own_presence = \"login\": without it there is no login to watch through; use \"trust\" with \"off\"",
        ),
        (
            community("own_presence = \"off\"\nprivacy = \"trust\"\n"),
            "livename.toml:11: community.privacy: \"trust\" watches through observers; add at least one [[community.observer]]",
        ),
        (
            community(&format!("{own}login_type = \"14b4\"\n")),
            "livename.toml:12: community.login_type: expected a login type from \"0x0000\" to \"0xffff\"",
        ),
        (
            community(&format!("{own}[[community.observer]]\nname = \"x\"\n")),
            "livename.toml:13: community.observer.name: give exactly one of password_file, token_file and mint = true",
        ),
        (
            community(&format!("{own}{OBSERVER}mint = true\n")),
            "livename.toml:13: community.observer.name: give exactly one of password_file, token_file and mint = true",
        ),
        (
            community(&format!("{own}[[community.observer]]\nname = \"x\"\nmint = true\n")),
            "livename.toml:14: community.observer.mint: needs a key that signs; add [[sso.key]] of format \"domino\"",
        ),
        (
            community(&format!("{own}[[community.observer]]\nname = \"x\"\npassword_file = \"empty\"\n")),
            "livename.toml:14: community.observer.password_file: FOLDER/empty is empty",
        ),
        (
            community(&format!("{own}tls = {{ ca = \"im.key\" }}\n")),
            "livename.toml:12: community.tls.ca: FOLDER/im.key holds no certificate",
        ),
        (
            community(&format!("{own}[community.tuning]\nbackoff_first = \"1h\"\n")),
            "livename.toml:13: community.tuning.backoff_first: is longer than backoff_longest",
        ),
        (
            format!("{LISTEN}{ROUTE}tls = {{ chain = \"im.pem\" }}\n"),
            "livename.toml:7: route.tls.chain: needs key; the certificate has both",
        ),
        (
            format!("{LISTEN}{ROUTE}http2 = true\n"),
            "livename.toml:7: route.http2: needs an https upstream, where HTTP/2 is agreed on",
        ),
        (
            format!("{LISTEN}proxy_protocol = [\"127.0.0.1:1\"]\n{ROUTE}"),
            "livename.toml:3: listen.proxy_protocol: 127.0.0.1:1 is neither in http nor in https",
        ),
        (
            format!("{LISTEN}{ROUTE}weights = [1, 2]\n"),
            "livename.toml:7: route.weights: give one number for each of the 1 upstreams, in their order",
        ),
        (
            format!("{LISTEN}{ROUTE}sticky_cookie = \"a b\"\n"),
            "livename.toml:7: route.sticky_cookie: \"a b\" is not a name for a cookie; use letters, digits, - and _",
        ),
        (
            format!("{LISTEN}{ROUTE}[route.health]\npath = \"up\"\n"),
            "livename.toml:8: route.health.path: \"up\" is not a path; write it as \"/health\"",
        ),
        (
            format!("{LISTEN}{ROUTE}[route.tls]\nserver_name = \"a b\"\n"),
            "livename.toml:8: route.tls.server_name: \"a b\" is not a host name",
        ),
        (
            format!("{LISTEN}{ROUTE}[limits]\ntrusted_proxies = [\"10.0.0.1/8\"]\n"),
            "livename.toml:8: limits.trusted_proxies: expected an address or a network such as \"10.1.0.0/16\", found \"10.0.0.1/8\"",
        ),
        (
            format!("{LISTEN}{ROUTE}{COMMUNITY}{own}{COMMUNITY}{own}"),
            "livename.toml:13: community.name: there is another community \"acme\"",
        ),
        (
            format!("{LISTEN}{ROUTE}[[community]]\nname = \"acme\"\nservers = [\"vp://st1\"]\n{own}"),
            "livename.toml:9: community.servers: \"vp://st1\" is not a server; write host or host:port",
        ),
        // Routes.
        (
            LISTEN.to_owned(),
            "livename.toml:1: route: there is no route; add [[route]] with a path, and serve or upstreams",
        ),
        (
            route("path = \"/\"\nauth = \"off\""),
            "livename.toml:4: route.path: the route does nothing; add serve = \"awareness\" or upstreams = [\"http://…\"]",
        ),
        (
            route("path = \"/a/\"\nupstreams = [\"http://a\"]\nauth = \"off\""),
            "livename.toml:4: route.path: leave the \"/\" at the end out; the prefix ends at a segment border anyway",
        ),
        (
            route("path = \"/a/../b\"\nupstreams = [\"http://a\"]\nauth = \"off\""),
            "livename.toml:4: route.path: must not have empty, \".\" or \"..\" segments",
        ),
        (
            route("path = \"/\"\nupstreams = [\"http://a\"]\n[sso]"),
            "livename.toml:3: route.auth: needs a key to prove tokens with; add [[sso.key]], or write auth = \"off\"",
        ),
        (
            route("path = \"/\"\nupstreams = [\"http://a\"]\nauth = \"optional\""),
            "livename.toml:6: route.auth: needs a key to prove tokens with; add [[sso.key]], or write auth = \"off\"",
        ),
        (
            route("path = \"/\"\nupstreams = [\"http://a\"]\nauth = \"off\"\nlogin_url = \"/login\""),
            "livename.toml:7: route.login_url: only auth = \"required\" sends anybody there",
        ),
        (
            route("path = \"/\"\nupstreams = [\"http://a\"]\nlogin_url = \"//evil\"") + KEY,
            "livename.toml:6: route.login_url: \"//evil\" is neither a path nor a URL; write \"/names.nsf?Login&RedirectTo={return}\" or \"https://…\"",
        ),
        (
            route("path = \"/\"\nupstreams = [\"http://a\"]\nlogin_url = \"https://evil.example/\"") + KEY,
            "livename.toml:6: route.login_url: the host is not below domain in [sso]: its cookies would not come here",
        ),
        (
            route("path = \"/\"\nupstreams = [\"http://a\"]\nidentity_header = \"X-User\"") + KEY,
            "livename.toml:6: route.identity_header: \"X-User\" is not among x-livename-user, x-forwarded-user, remote-user, x-remote-user, $wsru, iv-user, sm-user, which no browser can forge",
        ),
        (
            format!("{LISTEN}{ROUTE}{KEY}not_before = 2027-01-01\nnot_after = 2026-01-01\n"),
            "livename.toml:12: sso.key.not_after: is before not_before: the key would never be used",
        ),
        (
            format!("{LISTEN}{ROUTE}{KEY}not_after = 2026-01-01T00:00:00\n"),
            "livename.toml:11: sso.key.not_after: 2026-01-01T00:00:00 could mean several moments; write it in UTC, with Z",
        ),
        (
            route("path = \"/\"\nupstreams = [\"http://a/b\"]\nauth = \"off\""),
            "livename.toml:5: route.upstreams: \"http://a/b\" is not an upstream; write \"http://host\", \"https://host\" or with a port, without a path",
        ),
        (
            format!("{LISTEN}{ROUTE}{ROUTE}"),
            "livename.toml:8: route.path: there is another route for \"/\" on every host",
        ),
        (
            format!("{LISTEN}{ROUTE}hosts = [\"a\"]\n{ROUTE}hosts = [\"b\", \"A\"]\n"),
            "livename.toml:9: route.path: there is another route for \"/\" on \"a\"",
        ),
        (
            route("path = \"/\"\nserve = \"awareness\"\ncommunity = \"acne\"\nauth = \"off\"")
                + COMMUNITY
                + "own_presence = \"off\"\nprivacy = \"trust\"\n"
                + OBSERVER,
            "livename.toml:6: route.community: there is no community \"acne\"; known are \"acme\"",
        ),
        (
            route("path = \"/\"\nserve = \"awareness\"\ncommunity = \"acme\"\nauth = \"off\"")
                + COMMUNITY
                + own,
            "livename.toml:7: route.auth: the community logs users in (own_presence = \"login\"), which needs their tokens; write \"required\"",
        ),
        (
            route("path = \"/\"\nserve = \"awareness\"\ncommunity = \"acme\"\nlogins = [\"password\"]")
                + KEY
                + COMMUNITY
                + own,
            "livename.toml:7: route.logins: whoever logs in without a token has none to show; write auth = \"optional\"",
        ),
        (
            format!("{LISTEN}{ROUTE}chat = \"here\"\n"),
            "livename.toml:7: route.chat: has a meaning only with serve = \"awareness\"",
        ),
        (
            format!("{LISTEN}{ROUTE}logins = [\"token\"]\n"),
            "livename.toml:7: route.logins: has a meaning only with serve = \"awareness\"",
        ),
        (
            community(&format!("{own}[community.names]\ndeny_domains = [\"a b\"]\n")),
            "livename.toml:13: community.names.deny_domains: \"a b\" is not a mail domain; write \"acme.example\"",
        ),
        (
            format!("{LISTEN}{ROUTE}hosts = [\"https://im\"]\n"),
            "livename.toml:7: route.hosts: \"https://im\" is not a host name; write it without scheme, port and path",
        ),
        (
            format!("{LISTEN}{ROUTE}affinity_id = true\n"),
            "livename.toml:7: route.affinity_id: write the id itself, such as \"st01\", instead of true; leave the key out for none",
        ),
        (
            format!("{LISTEN}{ROUTE}affinity_id = \"/st01\"\n"),
            "livename.toml:7: route.affinity_id: expected one segment of the path such as \"st01\", found \"/st01\"",
        ),
        (
            format!("{LISTEN}{ROUTE}affinity_id = \"st01\"\n"),
            "livename.toml:7: route.affinity_id: the path has to begin with it: path = \"/st01…\"",
        ),
        // Redirects.
        (
            format!("{LISTEN}{ROUTE}[[redirect]]\nto = \"https\"\n"),
            "livename.toml:8: redirect.to: nobody listens there: there is no such address in [listen]",
        ),
        (
            format!("{LISTEN}{ROUTE}[[redirect]]\nto = \"http\"\n[[redirect]]\nto = \"http\"\n"),
            "livename.toml:9: redirect.hosts: there is another redirect for every host",
        ),
        (
            format!("{LISTEN}{ROUTE}[[redirect]]\nto = \"http\"\nport = 70000\n"),
            "livename.toml:9: redirect.port: 70000 is no port",
        ),
        (
            format!("{LISTEN}{ROUTE}[[redirect]]\nto = \"http\"\nexcept = [\"health\"]\n"),
            "livename.toml:9: redirect.except: must start with \"/\"",
        ),
        // The log.
        (
            format!("{LISTEN}{ROUTE}[log]\nlevel = \"gateway=loud\"\n"),
            "livename.toml:8: log.level: \"gateway=loud\" is not a log filter: error parsing level filter: expected one of \"off\", \"error\", \"warn\", \"info\", \"debug\", \"trace\", or a number 0-5",
        ),
    ];
    let folder = Folder::new();
    let mut failures = Vec::new();
    for (text, expected) in table {
        let found = folder.complaints(&text);
        if found.join("\n") != expected.replace("FOLDER/", "") {
            failures.push(format!("{text}\nexpected {expected}\nfound    {}", found.join("\n         ")));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn all_mistakes_are_named_at_once_in_the_order_of_the_file() {
    let text = "[listen]
http = [\"127.0.0.1\"]
worker = 2
[sso]
skew = 5
[[community]]
name = \"acme\"
privacy = \"probe\"
[[route]]
path = \"stwebapi\"
serve = \"presence\"
[[route]]
upstreams = [\"ftp://a\", \"http://b\", 7]
auth = \"of\"
[limits]
connections = 0
header_bytes = 1
";
    let found = Folder::new().complaints(text);
    let places: Vec<_> =
        found.iter().map(|line| line.splitn(4, ':').take(3).collect::<Vec<_>>().join(":")).collect();
    assert_eq!(
        places,
        [
            "livename.toml:2: listen.http",
            "livename.toml:3: listen.worker",
            "livename.toml:5: sso.skew",
            "livename.toml:6: community.servers",
            "livename.toml:6: community.own_presence",
            "livename.toml:8: community.privacy",
            "livename.toml:9: route.auth",
            "livename.toml:10: route.path",
            "livename.toml:11: route.serve",
            "livename.toml:12: route.path",
            "livename.toml:13: route.upstreams",
            "livename.toml:13: route.upstreams",
            "livename.toml:14: route.auth",
            "livename.toml:16: limits.connections",
            "livename.toml:17: limits.header_bytes",
        ],
        "{found:#?}"
    );
}

#[test]
fn a_file_that_is_not_there_is_named_without_a_line() {
    let folder = Folder::new();
    let path = folder.0.join("gone.toml");
    let text = load(&path).unwrap_err().to_string();
    assert_eq!(text, format!("{}: cannot be read: No such file or directory (os error 2)", path.display()));
}

#[test]
fn errors_about_secret_files_do_not_show_what_is_inside() {
    let folder = Folder::new();
    let text =
        format!("{LISTEN}{ROUTE}[[sso.key]]\nid = \"k\"\nformat = \"domino\"\nsecret_file = \"password\"\n");
    assert!(!folder.load(&text).unwrap_err().to_string().contains("pa55w0rd"));
}
