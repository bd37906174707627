//! The checks from outside: C7, C14 to C16.

use std::sync::Arc;
use std::time::SystemTime;

use http::{Method, StatusCode};
use protocol::secret::Secret;
use rustls::ClientConfig;

use super::hosts::{Resolve, Seen, hosts};
use super::login::{Session, log_in};
use super::{Check, Outcome, check};
use crate::config::{Probe, Server, Setup, Url};
use crate::directory::Answer;
use crate::names::DnsDomain;

/// Clocks may differ by this much.
const SKEW: i64 = 60;

/// How the probe's user comes to a token.
#[derive(Clone, Copy, Debug)]
pub enum Way<'a> {
    /// Logs in at the mail server, as a browser does.
    Password(&'a Secret),
    /// It was made elsewhere: `LtpaToken=…`, for a Cookie header.
    Cookies(&'a Secret),
}

/// Looks from outside. Without a probe account nothing logs in. The session of the probe's user comes back for
/// what follows.
pub async fn network(
    setup: &Setup,
    seen: Option<Seen<'_>>,
    resolve: &Resolve,
    probe: Option<(&Probe, Way<'_>)>,
    tls: Option<Arc<ClientConfig>>,
) -> (Vec<Check>, Option<Session>) {
    let mut checks = vec![hosts(setup, seen, resolve).await];
    let Some((probe, way)) = probe else {
        let text = "there is no [probe] account in setup.toml";
        checks.extend(["C14", "C15", "C16"].map(|id| check(id, Outcome::Unknown, text)));
        return (checks, None);
    };
    let mut session = None;
    checks.push(match way {
        Way::Cookies(_) => {
            check("C14", Outcome::Unknown, "nobody has logged in at the mail server: the tokens were given")
        }
        Way::Password(password) => {
            let mut client = resolve.client(&probe.login, tls.clone());
            match log_in(&mut client, &probe.user, password).await {
                Ok(found) => {
                    let judged = cookie(&found, &setup.sso.domain);
                    session = Some(found);
                    judged
                }
                Err(error) => check("C14", Outcome::Fail, error.to_string()),
            }
        }
    });
    let cookies = match way {
        Way::Cookies(cookies) => Some(cookies),
        Way::Password(_) => session.as_ref().map(|session| &session.cookies),
    };
    let mut clocks = Vec::new();
    checks.push(match cookies {
        Some(cookies) => honoured(setup, resolve, probe, cookies, tls, &mut clocks).await,
        None => check("C15", Outcome::Unknown, "there is no token to try"),
    });
    checks.push(same_time(&clocks));
    (checks, session)
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

/// C15: every other server opens a protected page with the cookie. The one that made it proves nothing.
async fn honoured(
    setup: &Setup,
    resolve: &Resolve,
    probe: &Probe,
    cookies: &Secret,
    tls: Option<Arc<ClientConfig>>,
    clocks: &mut Vec<(String, i64)>,
) -> Check {
    let cookies = String::from_utf8_lossy(cookies.expose()).into_owned();
    let (mut took, mut refused, mut untried) = (Vec::new(), Vec::new(), Vec::new());
    for server in &setup.servers {
        if server.name.is_none() {
            untried.push(format!(
                "{} has no page of Domino to try; C18 shows whether it takes tokens",
                server.host
            ));
            continue;
        }
        let url = web(server, probe);
        let mut client = resolve.client(&url, tls.clone());
        let answer = client.send(Method::GET, "/names.nsf?OpenDatabase", &[("cookie", &cookies)], &[]).await;
        let is_maker = url.host.eq_ignore_ascii_case(&probe.login.host);
        match answer {
            Ok(answer) => {
                if let Some(offset) = offset(&answer) {
                    clocks.push((url.host.clone(), offset));
                }
                if is_login(&answer) {
                    refused.push(format!("{} asks for a login", url.host));
                } else if !is_maker {
                    took.push(url.host);
                }
            }
            Err(error) if server.web.is_some() || is_maker => {
                refused.push(format!("{}: {error}", url.host));
            }
            // Where its web server is was a guess.
            Err(error) => untried.push(format!(
                "{}: {error} at {}; say where its web server is, web = \"http://{}\" in its [[server]]",
                url.host,
                place(&url),
                server.host
            )),
        }
    }
    if took.is_empty() && untried.is_empty() {
        untried.push("no other server than the one that made it was tried".to_owned());
    }
    if !refused.is_empty() {
        check("C15", Outcome::Fail, refused.join("; "))
    } else if !untried.is_empty() {
        check("C15", Outcome::Unknown, untried.join("; "))
    } else {
        check(
            "C15",
            Outcome::Pass,
            format!("{} take{} it", took.join(", "), if took.len() == 1 { "s" } else { "" }),
        )
    }
}

/// Where a server's web pages are: as `setup.toml` says, else with the scheme and port of the mail server.
fn web(server: &Server, probe: &Probe) -> Url {
    let guess = || Url { host: server.host.to_string(), ..probe.login.clone() };
    server.web.clone().unwrap_or_else(guess)
}

fn place(url: &Url) -> String {
    format!("{}, port {}", if url.tls { "https" } else { "http" }, url.port)
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
