//! Every key of the file with its default and meaning: the reference page is written from here, and a key
//! that is not here is unknown.

/// One key. `section` is dotted and empty at the top; arrays of tables have no index.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    /// As it would be written, or what happens without it.
    pub(super) default: &'static str,
    pub(super) meaning: &'static str,
}

/// The sections in the order of the reference, with how they are opened and what they are for.
pub(super) const SECTIONS: &[(&str, &str, &str)] = &[
    ("listen", "[listen]", "Where browsers and the operator connect. At least one of `http` and `https`."),
    (
        "tls.certificate",
        "[[tls.certificate]]",
        "Certificates of the https listeners. With several, the name that the browser asks for chooses; the first one serves everybody else.",
    ),
    ("sso", "[sso]", "Single sign-on by the mail servers' cookies."),
    ("sso.cookie", "[[sso.cookie]]", "Which cookies carry tokens, in the order in which they are tried."),
    (
        "sso.key",
        "[[sso.key]]",
        "The keys that prove tokens, in the order in which they are tried; the first `domino` key signs. At most 4.",
    ),
    (
        "sso.delegated",
        "[sso.delegated]",
        "Tokens in Domino's format that no key here proves, but a login to a community does: for estates that do not hand out their Domino secret.",
    ),
    ("community", "[[community]]", "Sametime servers that share users."),
    (
        "community.tls",
        "[community.tls]",
        "TLS to the community's servers. Without this table the connection is plain.",
    ),
    (
        "community.host",
        "[[community.host]]",
        "Where a server that a redirect names can be reached from here.",
    ),
    ("community.observer", "[[community.observer]]", "Upstream logins that watch people for everybody."),
    ("community.tuning", "[community.tuning]", "Paces and patience towards the community."),
    (
        "community.names",
        "[community.names]",
        "How the names that pages hand over are looked up: abbreviated names, mail addresses, display names.",
    ),
    (
        "route",
        "[[route]]",
        "Which requests, and what becomes of them. The most specific path wins. At least one.",
    ),
    ("route.tls", "[route.tls]", "TLS to `https` upstreams."),
    ("route.pool", "[route.pool]", "Connections to each upstream of the route."),
    (
        "route.health",
        "[route.health]",
        "When an upstream gets requests. What requests meet counts always; with `path` each upstream is asked as well.",
    ),
    (
        "redirect",
        "[[redirect]]",
        "Hosts whose browsers are sent from one scheme to the other, with path and query: 301 for GET and HEAD, 308 for everything else, never kept in caches.",
    ),
    (
        "pilot",
        "[pilot]",
        "Who gets awareness from this gateway on routes with `pass_to`. With neither `people`, `groups` nor `share` everybody does.",
    ),
    ("limits", "[limits]", "Bounds on what the network may use."),
    ("log", "[log]", "One line per event on standard error. Read once, at the start."),
    (
        "access_log",
        "[access_log]",
        "One line per request, whatever became of it (`docs/access-log.md`). Read once, at the start; a reload opens the file again.",
    ),
];

/// What stands for "no default: has to be given".
pub(super) const MUST: &str = "must be given";

const fn key(section: &'static str, name: &'static str, default: &'static str, meaning: &'static str) -> Key {
    Key { section, name, default, meaning }
}

/// In the order of the reference.
#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    key("listen", "http", "none", "Addresses for plain HTTP, `[\"0.0.0.0:80\"]`. Port 0 takes any free port."),
    key("listen", "https", "none", "Addresses for HTTPS (HTTP/2 and HTTP/1.1). Needs a certificate."),
    key("listen", "admin", "\"127.0.0.1:9180\"", "Address of metrics, status, reload and drain. Keep it away from users: it asks for no password."),
    key("listen", "proxy_protocol", "none", "Those of the addresses above where every connection begins with a PROXY header (version 1 or 2). Only `trusted_proxies` may connect there."),
    key("listen", "workers", "one per core", "Threads that serve browsers."),

    key("tls.certificate", "chain", MUST, "PEM file with the certificate, then its intermediates."),
    key("tls.certificate", "key", MUST, "PEM file with the private key of the certificate."),

    key("sso", "domain", "none", "DNS domain of the cookies with the leading dot. Pages of hosts below it may open event channels."),
    key("sso", "skew", "\"1min\"", "Allowed clock difference at both ends of a token's life. At most `\"5min\"`."),
    key("sso", "charset", "\"lmbcs\"", "How names are written in Domino tokens: `lmbcs` by Domino itself, `utf-8` by some other issuers."),
    key("sso", "max_lifetime", "no limit", "Longest accepted time between creation and expiration of a Domino token."),
    key("sso", "realms", "that of the key files", "Realms whose WebSphere tokens are accepted. Users of the same name in several of them are one user, so several must be listed here."),
    key("sso", "fips", "false", "Use FIPS key files (version 2.0). How their tokens are signed was never confirmed with a real server."),
    key("sso", "fallback", "false", "Whether a forged token leaves room for the next cookie. Lets whoever can plant a cookie choose the weaker one."),
    key("sso", "names", "\"as_is\"", "How names are spelled once they are proved: `as_is`, `domino` (`CN=Ann Example/O=Acme`) or `ldap` (`CN=Ann Example,O=Acme`). For estates whose tokens and community use different spellings."),
    key("sso", "login_url", "none", "Where pages without a valid token are sent, for routes without one of their own: `/names.nsf?Login&RedirectTo={return}`, or a whole URL of a host below `domain`. `{return}` is the address to come back to. Without it the answer is 401."),
    key("sso", "origins", "none", "More page origins (`https://portal.example`) that may open event channels."),
    key("sso.cookie", "name", MUST, "Name of the cookie; upper and lower case differ. Without any `[[sso.cookie]]`: `LtpaToken`."),
    key("sso.cookie", "format", MUST, "Format of its tokens: `domino`, `ltpa1` or `ltpa2`. It is configured, never guessed."),
    key("sso.cookie", "unsigned_expiry", "false", "Accept WebSphere tokens in this cookie whose expiry is not signed: needed for `ltpa1`, where whoever has a token can make it live longer."),
    key("sso.key", "id", MUST, "Name of the key in logs."),
    key("sso.key", "format", MUST, "Kind of key: `domino` or `websphere`."),
    key("sso.key", "secret_file", "none", "`domino`: file with the value of `LTPA_DominoSecret` (base64 of 20 bytes)."),
    key("sso.key", "key_file", "none", "`websphere`: the key file that was exported from WebSphere."),
    key("sso.key", "password_file", "none", "`websphere`: file with the password of the key file."),
    key("sso.key", "not_before", "none", "Moment from which the key is used, `2026-12-31T00:00:00Z`."),
    key("sso.key", "not_after", "none", "Moment after which the key is not used any more."),

    key("sso.delegated", "cookie", MUST, "Name of the cookie; not one of `[[sso.cookie]]`."),
    key("sso.delegated", "community", MUST, "Name of the community. Each proof is a login of the user, so its servers must let users log in more than once."),
    key("sso.delegated", "good_for", "\"5min\"", "How long a proof is believed; at most `\"1h\"`. The token's own end comes first if it is earlier."),
    key("community", "name", MUST, "Letters, digits, `.`, `_` and `-`. Appears in metrics."),
    key("community", "servers", MUST, "`host` or `host:port` (1533 if left out), tried in turn."),
    key("community", "own_presence", MUST, "`login`: a user of a page is also logged in upstream, so that others see that user. `off`: the gateway only shows others."),
    key("community", "privacy", MUST, "`own`: watches go through each user's own login, exact. `trust`: watches are shared through observers, for communities without privacy lists."),
    key("community", "login_type", "\"0x14b4\"", "Client type of the logins: `\"0x14b4\"` for Sametime 9 and later, `\"0x100a\"` for classic servers."),
    key("community", "token_form", "\"raw\"", "How a token travels in a login: `raw`, `string` or `dh`."),
    key("community", "redirect", "\"reconnect\"", "What a redirect to a home server means: `reconnect` there, or `continue` here."),
    key("community", "source_addresses", "the system chooses", "Local addresses to connect from, used in turn. One address carries about 28,000 logins to one server."),
    key("community.tls", "ca", "the system's certificates", "PEM file with the authorities that are trusted."),
    key("community.tls", "server_name", "the server's host", "Name to verify, if it is not the host that is connected to."),
    key("community.host", "from", MUST, "Server name as redirects give it."),
    key("community.host", "to", MUST, "`host` or `host:port` to connect to."),
    key("community.observer", "name", MUST, "User name of the login."),
    key("community.observer", "password_file", "none", "File with the password. Exactly one of the three has to be given."),
    key("community.observer", "token_file", "none", "File with a token; read again at each login, so that it can be renewed from outside."),
    key("community.observer", "mint", "false", "Make a token with the first `domino` key of `[sso]` at each login."),
    key("community.tuning", "batch", "250", "Ids in one request to watch."),
    key("community.tuning", "batches_in_flight", "4", "Such requests that may wait for their answer, per login."),
    key("community.tuning", "watches_per_login", "no limit", "Watches that one login may hold; more observers share what is beyond."),
    key("community.tuning", "linger", "\"5min\"", "How long a watch stays after its last viewer has gone."),
    key("community.tuning", "unknown_after", "\"5s\"", "How long after a loss states keep their value before they become unknown."),
    key("community.tuning", "answer_timeout", "\"30s\"", "A request to watch that is not answered by then counts as ignored."),
    key("community.tuning", "connect_timeout", "\"10s\"", "Longest wait for a connection."),
    key("community.tuning", "login_timeout", "\"30s\"", "Longest wait for a login, from the first byte."),
    key("community.tuning", "backoff_first", "\"1s\"", "Wait after the first failure; it grows with each one."),
    key("community.tuning", "backoff_longest", "\"5min\"", "Longest wait between two tries."),
    key("community.tuning", "logins_per_second", "200", "New logins, so that an outage is not followed by a storm."),
    key("community.tuning", "keepalive", "\"1min\"", "Silence after which a sign of life is sent."),
    key("community.names", "allow_domains", "all", "Mail domains whose addresses are looked up, with the domains below them. Inbox lists ask for every outside sender: name your own domains here."),
    key("community.names", "deny_domains", "none", "Mail domains whose addresses are never looked up; goes before `allow_domains`."),
    key("community.names", "remembered", "100000", "Names that are remembered, those of nobody too."),
    key("community.names", "good_for", "\"1h\"", "How long it is remembered who is meant by a name."),
    key("community.names", "nobody_for", "\"10min\"", "How long it is remembered that nobody, or more than one, has a name."),
    key("community.names", "per_second", "500", "Names that are looked up in the community a second at most."),
    key("community.names", "session_per_second", "20", "The same for one session, after its first 1,000."),

    key("route", "hosts", "every host", "Host names without port."),
    key("route", "path", MUST, "Path prefix; it ends at a segment border: `/a` is for `/a` and `/a/b`, not for `/ab`."),
    key("route", "serve", "none", "`awareness`: presence is answered here. Either this or `upstreams`."),
    key("route", "community", "none", "Name of the community; needed with `serve = \"awareness\"`."),
    key("route", "pass_to", "none", "With `serve = \"awareness\"`: the Sametime Proxy that serves everybody who is not in the pilot, and everybody at a bypass, `[\"http://stproxy.example\"]`. The keys for upstreams hold for it too."),
    key("route", "upstreams", "none", "Where requests are passed on, `[\"http://st1.example\"]`. Requests are shared among those that are well."),
    key("route", "weights", "1 each", "The upstreams' shares of the requests, in their order: `[3, 1]`."),
    key("route", "sticky_cookie", "none", "Name of a cookie that keeps a browser on the upstream that answered it first."),
    key("route", "http2", "false", "Whether HTTP/2 is offered to https upstreams. Upgrades use HTTP/1.1 in any case."),
    key("route", "proxy_protocol", "none", "`v1` or `v2`: each connection to the upstreams begins with a PROXY header that names the browser. Such a connection serves one request."),
    key("route", "retry", "\"idempotent\"", "What may be sent again, to the next upstream too: `unsent` requests only, or also `idempotent` ones without a body that got no answer."),
    key("route", "sametime_protocol", "\"page\"", "Scheme of the Sametime side as pages see it, like `iNotes_WA_SametimeProtocol`: `page`, `http` or `https`."),
    key("route", "rewrite", "true", "Turn the upstreams' addresses in HTML, JavaScript, CSS and JSON into those of the page. Heads are always turned. On such a route compression is not asked of the upstreams; write `false` where answers hold no addresses."),
    key("route", "aliases", "none", "Other addresses by which the upstreams call themselves in their answers, `[\"http://st1\", \"http://st1.example:8088\"]`."),
    key("route", "affinity_id", "none", "First segment of the route's path, by which it names the Sametime server, `\"st01\"`: taken off on the way up (`/st01/CommunityCBR` becomes `/CommunityCBR`) and put in front on the way down."),
    key("route", "cors", "\"upstream\"", "Who says which pages of other hosts may read answers: the `upstream`, or the `gateway`, which answers preflights and lets pages below `domain` and of `origins` in `[sso]` read every answer with credentials, refusals too."),
    key("route", "origin_header", "\"upstream\"", "What `Origin` and `Referer` tell the upstreams of the gateway's own pages, and with `cors = \"gateway\"` of those that may read: `upstream` is its own origin, so that its checks pass; `page` is what the browser wrote. Foreign pages are never covered up."),
    key("route", "auth", "\"required\"", "`required`: 401 without a valid token. `optional`: a valid token gives an identity. `off`: tokens are not looked at; the default for `upstreams` in a file without `[sso]`, where it is the upstream that judges."),
    key("route", "chat", "\"refused\"", "With `serve = \"awareness\"`: `\"here\"` lets pages chat through the Sametime Proxy interface (docs/rest.md); otherwise chats with pages are refused, visibly."),
    key("route", "logins", "token", "With `serve = \"awareness\"`: how pages may log in through the Sametime Proxy interface: `token`, `password`, `anonymous`. The last two need `auth = \"optional\"`. `anonymous` only looks: in privacy mode `own` through one anonymous login to the community, which has to let it in, in `trust` through the observers."),
    key("route", "login_url", "that of `[sso]`", "Where pages of this route without a valid token are sent. Needs `auth = \"required\"` and `upstreams`."),
    key("route", "identity_header", "none", "Header that tells the upstreams whom the token proves: `X-Livename-User`, `X-Forwarded-User`, `Remote-User`, `X-Remote-User`, `$WSRU`, `iv-user` or `SM-User`. Whatever a browser sends under these names is removed on every route."),
    key("route", "connect_timeout", "\"10s\"", "Longest wait for a connection to an upstream."),
    key("route", "head_timeout", "none", "Longest wait for the head of an answer; without it as long as the browser waits."),
    key("route", "body_timeout", "\"30s\"", "How long the body of a request may make no progress. Each byte gives 2 ms back: a body that comes slower than 500 bytes a second ends after this time, with 408. Not for `/CommunityCBR`."),
    key("route.tls", "ca", "the system's certificates", "PEM file with the authorities that are trusted."),
    key("route.tls", "server_name", "the upstream's host", "Name to verify and to ask for (SNI), if it is not the host that is connected to."),
    key("route.tls", "min_version", "\"1.2\"", "Oldest TLS that is spoken: `1.2` or `1.3`."),
    key("route.tls", "chain", "none", "PEM file with a certificate to show to the upstreams, then its intermediates. Needs `key`."),
    key("route.tls", "key", "none", "PEM file with the private key of that certificate."),
    key("route.pool", "connections", "16384", "In use at a time on this node: requests, waiting polls and tunnels."),
    key("route.pool", "waiting", "1024", "Requests that may wait for one of those, for `connect_timeout` at most. More get 503 at once."),
    key("route.pool", "idle", "128", "Kept for later, per worker thread."),
    key("route.pool", "idle_time", "\"30s\"", "How long they are kept. Should be less than the server's own limit."),
    key("route.pool", "lifetime", "\"10min\"", "How old a connection may become before it is replaced, so that a changed address or certificate is noticed."),
    key("route.health", "failures", "3", "Failures in a row that take an upstream out."),
    key("route.health", "rest", "\"5s\"", "Without `path`: how long it is left alone then, before one request may try it."),
    key("route.health", "slow_start", "\"10s\"", "How long its share grows after it has come back."),
    key("route.health", "path", "none", "What each upstream is asked for with GET to see whether it is well: every status below 500 is a good answer."),
    key("route.health", "interval", "\"10s\"", "Time between two such questions."),
    key("route.health", "timeout", "\"5s\"", "Longest wait for the answer."),
    key("route.health", "successes", "2", "Good answers in a row that bring an upstream back."),

    key("redirect", "hosts", "every host", "Host names without port."),
    key("redirect", "to", MUST, "`https` or `http`."),
    key("redirect", "port", "the usual one", "Port of that scheme, as browsers see it."),
    key("redirect", "except", "none", "Path prefixes that stay on their scheme, `[\"/.well-known/acme-challenge\"]`, for programs that do not follow redirects: health checks, tunnelled clients."),

    key("pilot", "people", "none", "Names of users in any spelling, and patterns such as `*/OU=Sales/O=Acme`."),
    key("pilot", "groups", "none", "Files with one name or pattern a line, such as the members of a directory group. Read again at each reload."),
    key("pilot", "share", "none", "Percentage of all users, chosen by a hash of their names: the same on every node, and a larger share only adds people."),
    key("pilot", "state_file", MUST, "File in which a bypass survives a restart."),

    key("limits", "connections", "100000", "Open connections of browsers."),
    key("limits", "connections_per_address", "1000", "The same, of one address."),
    key("limits", "header_bytes", "32768", "Size of a request's header section."),
    key("limits", "head_timeout", "\"10s\"", "Longest wait for the head of a request."),
    key("limits", "tls_handshake_timeout", "\"10s\"", "Longest TLS handshake."),
    key("limits", "idle_timeout", "\"75s\"", "How long a connection without a request stays open."),
    key("limits", "message_bytes", "65536", "Size of a WebSocket message from a page."),
    key("limits", "watches_per_session", "5000", "Persons that one session may watch."),
    key("limits", "sessions_per_user", "16", "Sessions of one user."),
    key("limits", "session_grace", "\"90s\"", "How long a session survives without a page."),
    key("limits", "login_tries_per_name", "10", "Log-ins through the Sametime Proxy interface with a password or a page's own token that may fail for one name in ten minutes; then 429."),
    key("limits", "login_tries_per_address", "100", "The same, of one address (of IPv6: one /64 network)."),
    key("limits", "lane_messages", "256", "Answers and notices that may wait for a page; overflow ends the session."),
    key("limits", "drain", "\"30s\"", "Time that a drain gives to open connections."),
    key("limits", "trusted_proxies", "none", "Addresses and networks (`10.1.0.0/16`) of proxies whose `X-Forwarded-*` is believed. The limit per address does not bind them."),

    key("log", "format", "\"text\"", "`text`, or `json` for one object a line."),
    key("log", "level", "\"info\"", "A level, or `module=level` pairs with commas between them. `LIVENAME_LOG` goes before it."),

    key("access_log", "path", "none", "File that lines are appended to. Without it they are part of the log, at level `info` with the target `access`."),
    key("access_log", "format", "\"json\"", "Of the file: `json`, or `combined` as web servers write it."),
    key("access_log", "users", "false", "Whether lines name the user whom a token proves."),
];

/// Whether the reader may ask for it.
pub(super) fn is_known(section: &str, name: &str) -> bool {
    KEYS.iter().any(|key| key.section == section && key.name == name)
}

/// Whether a table may have this dotted name: a section, or on the way to one (`tls`).
pub(super) fn is_section(path: &str) -> bool {
    SECTIONS.iter().any(|(name, ..)| {
        name.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// Every key with its default and meaning: the tables of the reference page, in Markdown.
pub fn reference() -> String {
    let mut page = String::new();
    for (section, header, purpose) in SECTIONS {
        page.push_str(&format!(
            "### `{header}`\n\n{purpose}\n\n| key | default | meaning |\n| --- | --- | --- |\n"
        ));
        for key in KEYS.iter().filter(|key| key.section == *section) {
            let literal = key.default.starts_with('"')
                || key.default.parse::<u64>().is_ok()
                || matches!(key.default, "true" | "false");
            let default = if literal { format!("`{}`", key.default) } else { key.default.to_owned() };
            page.push_str(&format!("| `{}` | {default} | {} |\n", key.name, key.meaning));
        }
        page.push('\n');
    }
    page
}
