//! The web server of each Server document: logs in and takes tokens as its documents say. Which server is meant is
//! told by the Host header.

use serde_json::{Value, json};

use super::{Asked, Reply, State};

const LOGIN_FORM: &str = "<form><input name=\"Password\" type=\"password\"></form>";
/// The password of every user.
pub(crate) const PASSWORD: &str = "pass word+of=everybody&";

enum Sso {
    Off,
    /// It is on in the Server document, and there is no key for this server.
    NotLoaded,
    On,
}

pub(crate) fn answer(state: &State, asked: &Asked, query: &str) -> Reply {
    let sso = sso(state, asked.header("host").split(':').next().unwrap_or_default());
    match (asked.method.as_str(), query) {
        (_, _) if matches!(sso, Sso::NotLoaded) => page(500, "single sign-on is not configured"),
        ("POST", "Login")
            if asked.text.ends_with("&RedirectTo=%2Fnames.nsf")
                && asked.text.contains(&format!("&Password={}&", escaped(PASSWORD))) =>
        {
            let cookie = match sso {
                Sso::On => {
                    format!("LtpaToken=token-of-{}; Domain=.renovation.example; Path=/", asked.text.len())
                }
                _ => "DomAuthSessId=0123; Path=/".to_owned(),
            };
            Some((302, vec![("set-cookie", cookie), ("location", "/names.nsf".to_owned())], Value::Null))
        }
        ("GET", "OpenDatabase")
            if matches!(sso, Sso::On) && asked.header("cookie").starts_with("LtpaToken=token-of-") =>
        {
            page(200, "the directory")
        }
        _ => page(200, LOGIN_FORM),
    }
}

fn page(status: u16, text: &str) -> Reply {
    Some((status, Vec::new(), json!(text)))
}

fn sso(state: &State, host: &str) -> Sso {
    let of = |form: &str, item: &str, value: &str| {
        state.find(form, item, value).map(|unid| &state.documents[&unid].items)
    };
    let Some(server) = of("Server", "SMTPFullHostDomain", host) else { return Sso::Off };
    if server["HTTP_EnableSessionAuth"] != "2" || server.get("HTTP_SSOCfg") != Some(&json!("LtpaToken")) {
        return Sso::Off;
    }
    let listed = of("WebSSOConfig", "LTPA_TokenName", "LtpaToken")
        .and_then(|sso| sso.get("LTPA_ServerNames")?.as_array().cloned());
    if listed.is_some_and(|names| names.contains(&server["ServerName"])) { Sso::On } else { Sso::NotLoaded }
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}
