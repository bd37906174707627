//! `token verify`: the gateway's judgement as an exit code and a line of JSON.

use std::process::ExitCode;
use std::sync::Arc;

use protocol::ltpa::ring::KeyRing;
use protocol::ltpa::{Format, Identity, Rejection, SystemSeconds};
use serde_json::{Value, json};

use super::input::{self, Shown};
use super::problem::explain;
use super::vectors::class_name;
use super::{ShownArguments, clock, site};
use crate::auth::spelled;
use crate::cli::{EXIT_USAGE, fail, say};

pub(super) fn verify(arguments: &ShownArguments) -> ExitCode {
    let shown = match input::read(arguments.input.as_deref()) {
        Ok(shown) => shown,
        Err(error) => return fail(EXIT_USAGE, error),
    };
    let (config, ring) = match site(arguments) {
        Ok((config, Some(ring))) => (config, ring),
        Ok((_, None)) => {
            let text =
                "there is no key to judge with: tokens of [sso.delegated] are judged by the community alone";
            return fail(EXIT_USAGE, format!("{}: {text}", arguments.config.display()));
        }
        Err(code) => return code,
    };
    let now = SystemSeconds(arguments.now.unwrap_or_else(clock));
    let (accepted, format) = match &shown {
        Shown::Header(header) => {
            let (cookie, _) = shown.candidates(&ring).into_iter().next().unzip();
            let format = cookie.map_or(Format::Domino, |cookie| cookie.verifier.format());
            (ring.accept(header, now).map(|accepted| (accepted.cookie.to_owned(), accepted.identity)), format)
        }
        Shown::Bare(token) => bare(token, &shown, &ring, now),
    };
    let spelled = accepted.and_then(|(cookie, identity)| {
        let user = spelled(identity.user.clone(), config.sso.names).ok_or(Rejection::BadName)?;
        Ok((cookie, user, identity))
    });
    match spelled {
        Ok((cookie, user, identity)) => {
            let found = json!({
                "ok": true, "cookie": cookie, "format": identity.format.name(),
                "user": user, "realm": identity.realm, "key": &*identity.key_id,
                "creation": identity.created.map(|created| created.0), "expiration": identity.expires.0,
            });
            say(&format!("{found}\n"))
        }
        Err(reason) => {
            let answer = say(&format!("{}\n", refusal(reason, format)));
            if answer == ExitCode::SUCCESS { ExitCode::FAILURE } else { answer }
        }
    }
}

/// A token without a cookie: good if any cookie could carry it. The refusal is that of the likeliest one.
fn bare(
    token: &str,
    shown: &Shown,
    ring: &KeyRing,
    now: SystemSeconds,
) -> (Result<(String, Arc<Identity>), Rejection>, Format) {
    let mut refused = None;
    for (cookie, _) in shown.candidates(ring) {
        let format = cookie.verifier.format();
        match ring.accept(&format!("{}={token}", cookie.name), now) {
            Ok(accepted) => return (Ok((cookie.name.clone(), accepted.identity)), format),
            Err(reason) => refused = refused.or(Some((reason, format))),
        }
    }
    let (reason, format) = refused.unwrap_or((Rejection::NoToken, Format::Domino));
    (Err(reason), format)
}

fn refusal(reason: Rejection, format: Format) -> Value {
    let problem = explain(reason, format);
    json!({
        "ok": false, "class": class_name(reason.class()), "reason": reason.reason(),
        "problem": problem.what, "advice": problem.advice,
    })
}
