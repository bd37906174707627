//! The program at a glance: as a small page for people and as JSON for programs.

use std::fmt::Write;

use serde::Serialize;

use super::Admin;
use crate::app::UpstreamStatus;
use crate::pilot::BypassStatus;

#[derive(Debug, Serialize)]
pub(super) struct Status {
    phase: &'static str,
    version: &'static str,
    uptime_seconds: u64,
    connections: usize,
    connection_capacity: usize,
    listen: Listening,
    /// Who gets awareness from this gateway, in words.
    pilot: String,
    #[serde(flatten)]
    bypass: BypassStatus,
    #[serde(flatten)]
    upstream: UpstreamStatus,
}

#[derive(Debug, Serialize)]
struct Listening {
    http: Vec<String>,
    https: Vec<String>,
    admin: String,
}

impl Status {
    pub(super) fn of(admin: &Admin) -> Self {
        let texts = |list: &[std::net::SocketAddr]| list.iter().map(ToString::to_string).collect();
        Self {
            phase: admin.lifecycle.phase().label(),
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: admin.metrics.uptime_seconds(),
            connections: admin.admission.open(),
            connection_capacity: admin.lifecycle.live().admission.connections,
            listen: Listening {
                http: texts(&admin.addresses.http),
                https: texts(&admin.addresses.https),
                admin: admin.addresses.admin.to_string(),
            },
            pilot: admin.lifecycle.live().pilot.summary(),
            bypass: admin.bypass.status(),
            upstream: admin.upstream.status(),
        }
    }

    /// A page that needs nothing but itself.
    pub(super) fn page(&self) -> String {
        let mut rows = String::new();
        for (name, value) in [
            ("Version", self.version.to_owned()),
            ("Up for", duration(self.uptime_seconds)),
            ("Connections", format!("{} of {}", self.connections, self.connection_capacity)),
            ("Sessions", self.upstream.sessions.to_string()),
            ("Pilot", self.pilot.clone()),
            ("Bypass", if self.bypass.bypass { "on" } else { "off" }.to_owned()),
            ("http", self.listen.http.join(", ")),
            ("https", self.listen.https.join(", ")),
            ("Admin", self.listen.admin.clone()),
        ] {
            let _ = write!(rows, "<tr><th scope=row>{name}<td>{}", escape(&value));
        }
        let mut communities = String::new();
        for community in &self.upstream.communities {
            let _ = write!(
                communities,
                "<tr><th scope=row>{}<td>{}<td>{}",
                escape(&community.name),
                community.state,
                community.logins
            );
        }
        if !communities.is_empty() {
            communities = format!(
                "<h2>Communities</h2><table><tr><th scope=col>Name<th scope=col>State<th scope=col>Logins{communities}</table>"
            );
        }
        let mut servers = String::new();
        for server in &self.upstream.upstreams {
            let _ = write!(
                servers,
                "<tr><th scope=row>{}<td>{}<td>{}<td>{}<td>{}",
                escape(&server.address),
                server.state,
                server.connections,
                server.waiting,
                escape(server.last_failure.as_deref().unwrap_or_default())
            );
        }
        if !servers.is_empty() {
            servers = format!(
                "<h2>Upstreams</h2><table><tr><th scope=col>Address<th scope=col>State<th scope=col>In use\
                 <th scope=col>Waiting<th scope=col>Last failure{servers}</table>"
            );
        }
        let phase = self.phase;
        format!(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
             <meta http-equiv=refresh content=10><title>Livename: {phase}</title><style>{STYLE}</style>\
             <h1>Livename <span class={phase}>{phase}</span></h1><table>{rows}</table>{communities}{servers}\
             <p><a href=/metrics>metrics</a> · <a href=/status.json>JSON</a></html>\n"
        )
    }
}

const STYLE: &str = ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;\
margin:2rem auto;padding:0 1rem}table{border-collapse:collapse}th,td{text-align:left;padding:.2rem 1rem .2rem 0;\
vertical-align:top}th{font-weight:500}td{font-variant-numeric:tabular-nums}\
span{font-size:1rem;padding:.15rem .6rem;border-radius:1rem;background:#b45309;color:#fff}span.ready{background:#15803d}";

fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
