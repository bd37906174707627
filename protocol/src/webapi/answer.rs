//! What is answered at once: browser-side.md 3.2 and 3.3. Every answer has a `returnCode`.

use serde_json::{Value, json};

use super::{Code, ScriptStatus};

/// The header of the nonce, and its field in the join answer.
pub const NONCE: &str = "Rtc4web-Nonce";

/// It is under way; the data follow on the event channel.
pub fn done() -> Value {
    json!({"returnCode": 200})
}

/// It is not; `status` is the HTTP status.
pub fn refused(status: u16, code: Code) -> Value {
    let reason = code.number().to_string();
    json!({"returnCode": status, "code": code.number(), "reason": reason, "message": code.text()})
}

/// A parameter is missing or wrong.
pub fn bad_parameter(name: &str) -> Value {
    let mut answer = refused(400, Code::BadParameters);
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("parameter".to_owned(), name.into());
    }
    answer
}

/// Who has logged in.
#[derive(Clone, Copy, Debug)]
pub struct LoggedIn<'a> {
    /// The session; sent as `sid` and as `sessionid`.
    pub sid: &'a str,
    /// For 12.0.4 clients, which do not read the join answer.
    pub nonce: &'a str,
    /// The name that was logged in with.
    pub name: &'a str,
    /// Directory id.
    pub id: &'a str,
    /// The own status, which is the community's and not that of `initialStatus`.
    pub status: ScriptStatus,
    /// Its text.
    pub message: &'a str,
    /// Of this program.
    pub version: &'a str,
}

impl LoggedIn<'_> {
    /// The answer to a login.
    pub fn answer(&self) -> Value {
        json!({
            "returnCode": 200,
            "sid": self.sid,
            "sessionid": self.sid,
            "rtc4webNonce": self.nonce,
            "loginName": self.name,
            "reason": "0",
            "SametimeToken": "",
            "version": self.version,
            "telephony": false,
            "person": {
                "id": self.id,
                "status": self.status.0,
                "statusMessage": self.message,
            },
            "serverAttributes": [],
            "userPolicies": [],
        })
    }
}

/// The event channel is joined.
pub fn joined(nonce: &str, login: &str, anonymous: bool) -> Value {
    json!({NONCE: nonce, "loginId": login, "isAnon": anonymous, "returnCode": 200})
}

/// Whether somebody is logged in; the shape is not documented, so both words are sent.
pub fn logged_in(session: Option<(&str, &str)>) -> Value {
    match session {
        Some((sid, name)) => {
            json!({"returnCode": 200, "loggedIn": true, "isLoggedIn": true, "sid": sid, "loginName": name})
        }
        None => json!({"returnCode": 200, "loggedIn": false, "isLoggedIn": false}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_answered_as_documented() {
        let login = LoggedIn {
            sid: "6f0c",
            nonce: "b1d2",
            name: "ann",
            id: "CN=Ann Example,O=Acme",
            status: ScriptStatus(1),
            message: "In the office",
            version: "0",
        };
        let answer = login.answer();
        for field in [
            "sid",
            "sessionid",
            "loginName",
            "reason",
            "SametimeToken",
            "version",
            "telephony",
            "person",
            "serverAttributes",
            "userPolicies",
            "returnCode",
            "rtc4webNonce",
        ] {
            assert!(answer.get(field).is_some(), "{field}");
        }
        assert_eq!(answer["reason"], "0");
        assert_eq!(answer["person"]["status"], 1);
        assert_eq!(joined("b1d2", "ann", false)["Rtc4web-Nonce"], "b1d2");
    }

    #[test]
    fn a_refusal_says_status_code_and_text() {
        let refused = refused(403, Code::BadSession);
        assert_eq!(
            (&refused["returnCode"], &refused["code"], &refused["reason"]),
            (&json!(403), &json!(17), &json!("17"))
        );
        assert_eq!(bad_parameter("users")["parameter"], "users");
    }
}
