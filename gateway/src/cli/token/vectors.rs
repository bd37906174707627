//! `token verify --json-lines`: test vectors through the code that judges requests.
//!
//! A line is a JSON object in the shape of the vector files under `protocol/tests/vectors/ltpa`; its answer is
//! `name` with the fields that such a file expects. Key sets stay known for the lines after theirs. A line
//! that cannot be understood is answered with `error`, and then the exit code is 1.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use protocol::ltpa::domino::{self, DominoKey, DominoSecret};
use protocol::ltpa::keyfile::{KeyFile, KeyFileError, KeyVersion};
use protocol::ltpa::websphere::{self, VerifyKey, Version, WebSphereKey};
use protocol::ltpa::{Charset, Class, KeyLife, Policy, Rejection, SystemSeconds, base64, cookie};
use protocol::secret::Secret;
use serde_json::{Map, Value, json};

use super::clock;
use crate::cli::{EXIT_USAGE, fail};

/// Longest line; the longest vector has less than 10 KB.
const MOST_BYTES: u64 = 1 << 20;

/// A line that is no vector.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error("longer than {MOST_BYTES} bytes")]
    TooLong,
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("\"{0}\" is missing or of the wrong kind")]
    Field(&'static str),
    #[error("unknown {0}")]
    Unknown(&'static str),
    #[error("there is no key set \"{0}\" in this line or an earlier one")]
    NoKeySet(String),
    #[error("key set \"{0}\": {1}")]
    KeySet(String, KeyFileError),
    #[error(transparent)]
    Secret(#[from] domino::BadSecret),
}

/// Judges every line of the file, or of standard input.
pub(super) fn judge(path: Option<&Path>) -> ExitCode {
    let out = io::stdout().lock();
    let judged = match path {
        Some(path) => match File::open(path) {
            Ok(file) => judge_all(BufReader::new(file), out),
            Err(error) => return fail(EXIT_USAGE, format!("{}: {error}", path.display())),
        },
        None => judge_all(io::stdin().lock(), out),
    };
    match judged {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // A reader that has gone away has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => fail(1, error),
    }
}

/// Whether every line could be understood.
fn judge_all(mut lines: impl BufRead, mut out: impl Write) -> io::Result<bool> {
    let mut judge = Judge::default();
    let mut all_understood = true;
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.by_ref().take(MOST_BYTES + 1).read_until(b'\n', &mut line)? == 0 {
            return out.flush().map(|()| all_understood);
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let answer = if line.len() as u64 > MOST_BYTES {
            skip_line(&mut lines, &line)?;
            Some(Err((Value::Null, LineError::TooLong)))
        } else {
            judge.line(&line)
        };
        let answer = match answer {
            None => continue,
            Some(Ok(answer)) => answer,
            Some(Err((name, error))) => {
                all_understood = false;
                json!({ "name": name, "error": error.to_string() })
            }
        };
        // At once: the other side may wait for it before it writes on.
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
}

fn skip_line(lines: &mut impl BufRead, begun: &[u8]) -> io::Result<()> {
    if begun.ends_with(b"\n") {
        return Ok(());
    }
    loop {
        let seen = lines.fill_buf()?;
        let end = seen.iter().position(|byte| *byte == b'\n');
        let (used, is_end) = end.map_or((seen.len(), seen.is_empty()), |at| (at + 1, true));
        lines.consume(used);
        if is_end {
            return Ok(());
        }
    }
}

/// Knows the key sets of the lines so far.
#[derive(Default)]
struct Judge {
    keys: HashMap<String, Result<Arc<VerifyKey>, KeyFileError>>,
}

impl Judge {
    /// `None` for a line that only brings key sets.
    fn line(&mut self, line: &[u8]) -> Option<Result<Value, (Value, LineError)>> {
        let vector: Value = match serde_json::from_slice(line) {
            Ok(vector) => vector,
            Err(error) => return Some(Err((Value::Null, error.into()))),
        };
        let name = vector.get("name").cloned().unwrap_or_default();
        let judged = self.learn(&vector).and_then(|learnt| {
            if learnt && vector.get("format").is_none() { Ok(None) } else { self.vector(&vector).map(Some) }
        });
        match judged {
            Ok(None) => None,
            Ok(Some(mut answer)) => {
                answer.insert("name".to_owned(), name);
                Some(Ok(Value::Object(answer)))
            }
            Err(error) => Some(Err((name, error))),
        }
    }

    /// Whether the line has key sets.
    fn learn(&mut self, vector: &Value) -> Result<bool, LineError> {
        let Some(sets) = vector.get("keysets") else { return Ok(false) };
        for (id, set) in sets.as_object().ok_or(LineError::Field("keysets"))? {
            let key = key_file(set)?.and_then(|file| VerifyKey::new(&file)).map(Arc::new);
            self.keys.insert(id.clone(), key);
        }
        Ok(true)
    }

    fn vector(&self, vector: &Value) -> Result<Map<String, Value>, LineError> {
        let answer = match text(vector, "format")? {
            "domino" => domino_token(vector)?,
            "was-ltpa1" => self.websphere_token(Version::One, vector)?,
            "was-ltpa2" => self.websphere_token(Version::Two, vector)?,
            "keyfile" => key_file(vector)?
                .map_or_else(|error| refused(Class::Invalid, error.reason()), |file| numbers(&file)),
            "cookie" => cookie_values(vector)?,
            _ => return Err(LineError::Unknown("format")),
        };
        match answer {
            Value::Object(answer) => Ok(answer),
            _ => Err(LineError::Unknown("answer")),
        }
    }

    fn websphere_token(&self, version: Version, vector: &Value) -> Result<Value, LineError> {
        let ids = list(vector, "keys")?;
        let keys = ids.iter().map(|id| self.key(id)).collect::<Result<Vec<_>, _>>()?;
        let (token, now, policy) = (text(vector, "token")?, now(vector)?, policy(vector)?);
        let judged = websphere::open(version, token, &keys, now, &policy).and_then(|genuine| {
            let proof = genuine.prove(&policy)?;
            proof.judge(now, &policy)?;
            let attributes = genuine.attributes()?;
            let attributes: Map<_, _> =
                attributes.iter().map(|(name, values)| (name.to_owned(), values.into())).collect();
            let identity = proof.identity();
            Ok(json!({
                "ok": true, "user": identity.user, "realm": identity.realm, "expiration_ms": proof.expires_ms(),
                "attributes": attributes, "key": &*identity.key_id,
            }))
        });
        Ok(judged.unwrap_or_else(rejected))
    }

    fn key(&self, id: &Value) -> Result<WebSphereKey, LineError> {
        let id = id.as_str().ok_or(LineError::Field("keys"))?;
        match self.keys.get(id) {
            Some(Ok(key)) => Ok(WebSphereKey { id: id.into(), key: Arc::clone(key), life: KeyLife::ALWAYS }),
            Some(Err(error)) => Err(LineError::KeySet(id.to_owned(), *error)),
            None => Err(LineError::NoKeySet(id.to_owned())),
        }
    }
}

fn domino_token(vector: &Value) -> Result<Value, LineError> {
    let key = |secret: &Value| {
        let (id, secret) = (text(secret, "id")?.into(), DominoSecret::from_base64(text(secret, "base64")?)?);
        Ok::<_, LineError>(DominoKey { id, secret, life: KeyLife::ALWAYS })
    };
    let keys = list(vector, "secrets")?.iter().map(key).collect::<Result<Vec<_>, _>>()?;
    let judged = domino::verify(text(vector, "token")?, &keys, now(vector)?, &policy(vector)?);
    Ok(judged.map_or_else(rejected, |identity| {
        json!({
            "ok": true, "user": identity.user, "user_bytes_hex": hex(identity.user_bytes()),
            "creation": identity.created.map(|created| created.0), "expiration": identity.expires.0,
            "key": &*identity.key_id,
        })
    }))
}

fn numbers(file: &KeyFile) -> Value {
    let version = match file.version() {
        KeyVersion::One => "1.0",
        KeyVersion::Fips => "2.0",
    };
    let mut answer = json!({
        "ok": true, "version": version, "realm": file.realm(), "shared_hex": hex(file.shared().expose()),
        "n_hex": number(file.public().modulus()), "e": file.public().exponent(),
    });
    if let (Some(private), Value::Object(answer)) = (file.private(), &mut answer) {
        for (field, value) in [("d_hex", private.d()), ("p_hex", private.p()), ("q_hex", private.q())] {
            answer.insert(field.to_owned(), number(&value).into());
        }
    }
    answer
}

/// Values that are too long for a token are left out, as the gateway never looks at them.
fn cookie_values(vector: &Value) -> Result<Value, LineError> {
    let values = cookie::values(text(vector, "header")?, text(vector, "cookie")?);
    let normal = |value| match base64::normalise(value) {
        Ok(normal) => Some(normal.to_string()),
        Err(Rejection::Empty) => Some(String::new()),
        Err(_) => None,
    };
    Ok(json!({ "values": values.filter_map(normal).collect::<Vec<_>>() }))
}

fn key_file(set: &Value) -> Result<Result<KeyFile, KeyFileError>, LineError> {
    Ok(KeyFile::read(text(set, "keyfile")?, &Secret::from(text(set, "password")?)))
}

fn rejected(reason: Rejection) -> Value {
    refused(reason.class(), reason.reason())
}

fn refused(class: Class, reason: &str) -> Value {
    json!({ "ok": false, "class": class_name(class), "reason": reason })
}

/// The word for a class in the vectors.
pub(super) fn class_name(class: Class) -> &'static str {
    match class {
        Class::Invalid => "invalid",
        Class::Expired => "expired",
        Class::NotYetValid => "not_yet_valid",
    }
}

/// What the vectors' README gives as defaults; FIPS keys count, since the line names its keys.
fn policy(vector: &Value) -> Result<Policy, LineError> {
    let none = Value::Null;
    let policy = vector.get("policy").unwrap_or(&none);
    let number = |name: &'static str| match policy.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or(LineError::Field(name)),
    };
    let skew = match (number("skew_s")?, number("skew_ms")?) {
        (Some(seconds), _) => Duration::from_secs(seconds),
        (None, milliseconds) => Duration::from_millis(milliseconds.unwrap_or(0)),
    };
    let expiry_difference = match policy.get("exp_diff_ms").map(Value::as_i64) {
        None => Some(Duration::from_secs(3)),
        Some(Some(-1)) => None,
        Some(most) => {
            let most = most.and_then(|most| u64::try_from(most).ok());
            Some(Duration::from_millis(most.ok_or(LineError::Field("exp_diff_ms"))?))
        }
    };
    let realm = |realm: &Value| realm.as_str().map(str::to_owned).ok_or(LineError::Field("realms"));
    let realms = match policy.get("realms") {
        None | Some(Value::Null) => Vec::new(),
        Some(_) => list(policy, "realms")?.iter().map(realm).collect::<Result<_, _>>()?,
    };
    Ok(Policy {
        skew,
        charset: match policy.get("charset").map(Value::as_str) {
            None | Some(Some("lmbcs")) => Charset::Lmbcs,
            Some(Some("utf-8")) => Charset::Utf8,
            Some(_) => return Err(LineError::Unknown("charset")),
        },
        max_lifetime: number("max_lifetime_s")?.map(Duration::from_secs),
        realms,
        require_inner_expire: policy.get("require_inner_expire").and_then(Value::as_bool).unwrap_or(false),
        expiry_difference,
        fips: true,
        fallback: false,
    })
}

fn now(vector: &Value) -> Result<SystemSeconds, LineError> {
    match vector.get("now") {
        None => Ok(SystemSeconds(clock())),
        Some(now) => now.as_u64().map(SystemSeconds).ok_or(LineError::Field("now")),
    }
}

fn text<'v>(value: &'v Value, field: &'static str) -> Result<&'v str, LineError> {
    value.get(field).and_then(Value::as_str).ok_or(LineError::Field(field))
}

fn list<'v>(value: &'v Value, field: &'static str) -> Result<&'v [Value], LineError> {
    value.get(field).and_then(Value::as_array).map(Vec::as_slice).ok_or(LineError::Field(field))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Without leading zeros, as the vectors write numbers.
fn number(bytes: &[u8]) -> String {
    hex(bytes).trim_start_matches('0').to_owned()
}
