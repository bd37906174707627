//! What the control interface can tell and do.

use std::sync::Arc;

use hyper::StatusCode;
use protocol::presence::{PersonId, Presence, Status};
use protocol::vp::reason::Reason;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thiserror::Error;

use super::meetings::Meetings;
use crate::clock::machine;
use crate::model::{PrivacyList, UserStatus};
use crate::{Churn, Simulator, StartError};

/// Why a request was not carried out. The text goes to the caller.
#[derive(Debug, Error)]
pub(super) enum Failure {
    #[error("there is no such path")]
    Path,
    #[error("only GET and POST are answered")]
    Method,
    #[error("a command has the content type application/json")]
    ContentType,
    #[error("the body is too large, too slow, or broken")]
    Body,
    #[error("{0}")]
    Json(#[source] serde_json::Error),
    #[error("there is no status of that name; known are offline, active, idle, away, dnd, meeting")]
    Status,
    #[error("nobody of that id is there, or not in the state for this")]
    Person,
    #[error("part {0} is waiting here already")]
    Twice(usize),
    #[error("others here are parts of {theirs}, not of {ours}")]
    Parts { ours: usize, theirs: usize },
    #[error("parts are counted from 1, and there are at most {most}")]
    NoPart { most: usize },
    #[error("{0}")]
    Start(#[from] StartError),
}

impl Failure {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Path | Self::Person => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Body | Self::Json(_) | Self::Status | Self::NoPart { .. } => StatusCode::BAD_REQUEST,
            Self::Twice(_) | Self::Parts { .. } | Self::Start(_) => StatusCode::CONFLICT,
        }
    }
}

/// Answers a GET.
pub(super) fn read(path: &str, simulator: &Simulator) -> Result<Value, Failure> {
    match path {
        "/v1/people" => Ok(people(simulator, None)),
        "/v1/stats" => {
            let stats = simulator.stats();
            Ok(json!({
                "connections": stats.connections,
                "logins": stats.logins,
                "virtual_logins": stats.virtual_logins,
                "watches": stats.watches,
                "changes": stats.changes,
                "due": stats.due,
                "missed": stats.missed,
                "latest_ms": stats.latest.as_secs_f64() * 1e3,
                "closed_slow": stats.closed_slow,
                "closed_protocol": stats.closed_protocol,
                "uptime_seconds": simulator.now().as_secs_f64(),
            }))
        }
        "/v1/time" => {
            let clock = simulator.clock();
            // With a clock of its own it is on a machine of its own.
            let machine = clock.is_ours().then(machine).flatten();
            Ok(json!({ "micros": clock.now(), "machine": machine }))
        }
        _ => Err(Failure::Path),
    }
}

/// Carries out a POST.
pub(super) async fn obey(
    path: &str,
    body: &Value,
    simulator: &Simulator,
    meetings: &Arc<Meetings>,
) -> Result<Value, Failure> {
    match path {
        "/v1/view" => {
            let Named { id } = parse(body)?;
            Ok(people(simulator, Some(&PersonId::from(id))))
        }
        "/v1/status" => set_status(parse(body)?, simulator),
        "/v1/privacy" => {
            let Privacy { id, deny, people } = parse(body)?;
            let people = people.into_iter().map(PersonId::from).collect();
            found(simulator.set_privacy(&PersonId::from(id), PrivacyList { deny, people }))
        }
        "/v1/login" => found(simulator.login_virtual(&named(body)?)),
        "/v1/logout" => found(simulator.logout_virtual(&named(body)?)),
        "/v1/kick" => {
            let Kick { id, reason } = parse(body)?;
            let reason = reason.map_or(Reason::RELOGIN, Reason);
            found(simulator.kick(&PersonId::from(id), reason))
        }
        "/v1/announce" => {
            let Announce { id, text } = parse(body)?;
            found(simulator.announce(&PersonId::from(id), &text))
        }
        "/v1/drop" => {
            let Somebody { id } = parse(body)?;
            let dropped = match id {
                Some(id) => simulator.drop_connections(&PersonId::from(id)),
                None => simulator.drop_all_connections(),
            };
            Ok(json!({ "dropped": dropped }))
        }
        "/v1/stall" => {
            let Switch { on } = parse(body)?;
            simulator.stall(on);
            done()
        }
        "/v1/half-frame" => {
            let Nothing {} = parse(body)?;
            simulator.answer_half_a_frame();
            done()
        }
        "/v1/change-rate" => {
            let Rate { per_second, stamped, changing, goes_on } = parse(body)?;
            simulator.churn(Churn { per_second, stamped, changing: changing.min(100), goes_on });
            done()
        }
        "/v1/meet" => {
            let Meet { at, part, of } = parse(body)?;
            meetings.meet(at, part, of).await?;
            done()
        }
        "/v1/service" => {
            let Service { service, up } = parse(body)?;
            simulator.set_service(service, up);
            done()
        }
        "/v1/verification" => {
            let Switch { on } = parse(body)?;
            simulator.set_verification(on);
            done()
        }
        "/v1/stop" => {
            match parse(body)? {
                WhichServer { server: Some(server) } => simulator.stop_server(server).await,
                WhichServer { server: None } => simulator.stop().await,
            }
            done()
        }
        "/v1/restart" => {
            match parse(body)? {
                WhichServer { server: Some(server) } => simulator.restart_server(server).await?,
                WhichServer { server: None } => simulator.restart().await?,
            }
            done()
        }
        _ => Err(Failure::Path),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Somebody {
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetStatus {
    id: String,
    status: String,
    #[serde(default)]
    mobile: bool,
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Privacy {
    id: String,
    deny: bool,
    people: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kick {
    id: String,
    reason: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Announce {
    id: String,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    on: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rate {
    per_second: f64,
    #[serde(default)]
    stamped: bool,
    #[serde(default = "everybody")]
    changing: u8,
    #[serde(default)]
    goes_on: bool,
}

fn everybody() -> u8 {
    Churn::default().changing
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Meet {
    at: String,
    part: usize,
    of: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    service: u32,
    up: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhichServer {
    server: Option<usize>,
}

fn parse<T: DeserializeOwned>(body: &Value) -> Result<T, Failure> {
    T::deserialize(body).map_err(Failure::Json)
}

fn named(body: &Value) -> Result<PersonId, Failure> {
    let Named { id } = parse(body)?;
    Ok(PersonId::from(id))
}

fn set_status(wanted: SetStatus, simulator: &Simulator) -> Result<Value, Failure> {
    let status = Status::from_name(&wanted.status).filter(|status| *status != Status::Unknown);
    let status =
        UserStatus { mobile: wanted.mobile, ..UserStatus::new(status.ok_or(Failure::Status)?, &wanted.text) };
    found(simulator.set_user_status(&PersonId::from(wanted.id), status))
}

fn people(simulator: &Simulator, viewer: Option<&PersonId>) -> Value {
    let truths = simulator.truths(viewer);
    let directory = simulator.directory();
    let people = directory.people().iter().map(|person| {
        let Presence { status, mobile, text, .. } = truths.get(&person.id).cloned().unwrap_or_default();
        json!({
            "id": person.id.as_str(),
            "short_name": person.short_name,
            "name": &*person.display_name,
            "mail": person.mail,
            "status": status.name(),
            "mobile": mobile,
            "text": &*text,
        })
    });
    people.collect()
}

fn found(found: bool) -> Result<Value, Failure> {
    if found { done() } else { Err(Failure::Person) }
}

fn done() -> Result<Value, Failure> {
    Ok(json!({ "done": true }))
}
