//! The checks from outside: C7, C14 to C16.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};
use protocol::secret::Secret;
use rustls::ClientConfig;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::login::{Session, log_in};
use super::{Check, Outcome, check};
use crate::config::{Probe, Setup, Url};
use crate::directory::{Answer, Client};
use crate::names::DnsDomain;

const PATIENCE: Duration = Duration::from_secs(5);
/// The port of a community server.
const COMMUNITY: u16 = 1533;
/// Clocks may differ by this much.
const SKEW: i64 = 60;

/// Addresses that stand for names that DNS does not have yet: for checks before the switch.
#[derive(Clone, Debug, Default)]
pub struct Resolve(pub BTreeMap<(String, u16), SocketAddr>);

impl Resolve {
    /// The addresses of a host, the given one first.
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Some(address) = self.0.get(&(host.to_owned(), port)) {
            return Ok(vec![*address]);
        }
        timeout(PATIENCE, lookup_host((host, port))).await?.map(Iterator::collect)
    }

    /// A client of a service, connected to where the name is given to be.
    pub fn client(&self, url: &Url, tls: Option<Arc<ClientConfig>>) -> Client {
        let at = self.0.get(&(url.host.clone(), url.port)).copied();
        Client::new(url.clone(), tls).at(at)
    }
}

/// Looks from outside. Without a probe account nothing logs in. The session of the probe's user comes back for
/// what follows.
pub async fn network(
    setup: &Setup,
    resolve: &Resolve,
    probe: Option<(&Probe, &Secret)>,
    tls: Option<Arc<ClientConfig>>,
) -> (Vec<Check>, Option<Session>) {
    let mut checks = vec![hosts(setup, resolve).await];
    let Some((probe, password)) = probe else {
        let text = "there is no [probe] account in setup.toml";
        checks.extend(["C14", "C15", "C16"].map(|id| check(id, Outcome::Unknown, text)));
        return (checks, None);
    };
    let mut clocks = Vec::new();
    let mut client = resolve.client(&probe.login, tls.clone());
    let session = match log_in(&mut client, &probe.user, password).await {
        Ok(session) => {
            checks.push(cookie(&session, &setup.sso.domain));
            Some(session)
        }
        Err(error) => {
            checks.push(check("C14", Outcome::Fail, error.to_string()));
            None
        }
    };
    checks.push(match &session {
        Some(session) => honoured(setup, resolve, probe, session, tls, &mut clocks).await,
        None => check("C15", Outcome::Unknown, "there is no token to try"),
    });
    checks.push(same_time(&clocks));
    (checks, session)
}

/// C7: every host resolves and answers on its ports.
async fn hosts(setup: &Setup, resolve: &Resolve) -> Check {
    let mut wanted: Vec<(String, u16)> =
        setup.sametime().map(|server| (server.host.to_string(), COMMUNITY)).collect();
    if let Some(gateway) = &setup.gateway {
        let ports = [(gateway.http, 80), (gateway.https, 443)];
        wanted.extend(
            ports.into_iter().filter(|(on, _)| *on).map(|(_, port)| (gateway.host.to_string(), port)),
        );
    }
    for (host, port) in &wanted {
        let addresses = match resolve.addresses(host, *port).await {
            Ok(addresses) if !addresses.is_empty() => addresses,
            _ => return check("C7", Outcome::Fail, format!("{host} does not resolve")),
        };
        let mut open = false;
        for address in addresses {
            open |=
                timeout(PATIENCE, TcpStream::connect(address)).await.is_ok_and(|connected| connected.is_ok());
        }
        if !open {
            return check("C7", Outcome::Fail, format!("{host} does not answer on port {port}"));
        }
    }
    let names: Vec<_> = wanted.iter().map(|(host, port)| format!("{host}:{port}")).collect();
    check("C7", Outcome::Pass, names.join(", "))
}

fn cookie(session: &Session, domain: &DnsDomain) -> Check {
    let names = session.names.join(" and ");
    // Browsers ignore the leading dot, and servers leave it out at times.
    let found = session.domain.as_deref().map(|found| found.trim_start_matches('.').to_lowercase());
    match found {
        Some(found) if found == domain.as_str().trim_start_matches('.') => {
            check("C14", Outcome::Pass, format!("{names} for {domain}"))
        }
        Some(found) => check("C14", Outcome::Fail, format!("{names} is for \"{found}\" instead of {domain}")),
        None => check(
            "C14",
            Outcome::Fail,
            format!("{names} has no domain, so it stays on the mail server's own host"),
        ),
    }
}

/// C15: the other servers open a protected page with the cookie.
async fn honoured(
    setup: &Setup,
    resolve: &Resolve,
    probe: &Probe,
    session: &Session,
    tls: Option<Arc<ClientConfig>>,
    clocks: &mut Vec<(String, i64)>,
) -> Check {
    let cookies = String::from_utf8_lossy(session.cookies.expose()).into_owned();
    let mut refused = Vec::new();
    let mut count = 0_usize;
    for server in setup.servers.iter().filter(|server| server.name.is_some()) {
        let url = Url { host: server.host.to_string(), ..probe.login.clone() };
        let mut client = resolve.client(&url, tls.clone());
        let answer = client.send(Method::GET, "/names.nsf?OpenDatabase", &[("cookie", &cookies)], &[]).await;
        match answer {
            Ok(answer) => {
                count += 1;
                if let Some(offset) = offset(&answer) {
                    clocks.push((url.host.clone(), offset));
                }
                if is_login(&answer) {
                    refused.push(format!("{} asks for a login", server.host));
                }
            }
            Err(error) => refused.push(format!("{}: {error}", server.host)),
        }
    }
    if refused.is_empty() {
        check("C15", Outcome::Pass, format!("{count} servers take it"))
    } else {
        check("C15", Outcome::Fail, refused.join("; "))
    }
}

fn is_login(answer: &Answer) -> bool {
    let redirected = answer.header("location").is_some_and(|to| to.to_lowercase().contains("login"));
    let form = String::from_utf8_lossy(&answer.body).to_lowercase().contains("type=\"password\"");
    answer.status == StatusCode::UNAUTHORIZED || answer.status.is_server_error() || redirected || form
}

/// How far a server's clock is ahead of ours, in seconds.
fn offset(answer: &Answer) -> Option<i64> {
    let theirs = httpdate::parse_http_date(answer.header("date")?).ok()?;
    let seconds = |time: SystemTime| {
        time.duration_since(SystemTime::UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_secs()).ok())
    };
    Some(seconds(theirs)? - seconds(SystemTime::now())?)
}

fn same_time(clocks: &[(String, i64)]) -> Check {
    let ends =
        (clocks.iter().min_by_key(|(_, offset)| *offset), clocks.iter().max_by_key(|(_, offset)| *offset));
    match ends {
        (Some(slow), Some(fast)) if clocks.len() > 1 => {
            let apart = fast.1 - slow.1;
            let outcome = if apart <= SKEW { Outcome::Pass } else { Outcome::Fail };
            check("C16", outcome, format!("{apart} s between {} and {}", slow.0, fast.0))
        }
        _ => check("C16", Outcome::Unknown, "fewer than two servers said what time it is"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_differ_are_named() {
        let clocks = [("a".to_owned(), -3), ("b".to_owned(), 90), ("c".to_owned(), 0)];
        let found = same_time(&clocks);
        assert_eq!((found.outcome, found.reason.as_str()), (Outcome::Fail, "93 s between a and b"));
        assert_eq!(same_time(&clocks[..1]).outcome, Outcome::Unknown);
        assert_eq!(same_time(&[("a".to_owned(), 1), ("b".to_owned(), 2)]).outcome, Outcome::Pass);
    }
}
