//! `[sso]`: cookies and keys.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol::ltpa::ring::MAX_KEYS;
use protocol::secret::Secret;

use crate::auth::origin;
use crate::config::section::Section;
use crate::config::value::{FormatWord, KeyWord, quoted};
use crate::config::{KeyMaterial, Sso, SsoCookie, SsoKey, TokenFormat, files};

/// Name of the cookie if none is listed.
const USUAL_COOKIE: &str = "LtpaToken";

/// Length of a Domino secret (ltpa.md 2).
const SECRET_BYTES: usize = 20;

pub(super) fn read(section: &Section<'_>) -> Sso {
    let defaults = Sso::default();
    let mut sso = Sso {
        domain: domain(section),
        skew: section.within("skew", defaults.skew, Duration::ZERO..=Duration::from_secs(300)),
        charset: section.or("charset", defaults.charset),
        max_lifetime: section.value("max_lifetime").map(|given| given.value),
        fallback: section.or("fallback", defaults.fallback),
        origins: origins(section),
        cookies: cookies(section),
        keys: keys(section),
    };
    if sso.cookies.is_empty() && !sso.keys.is_empty() && !section.has("cookie") {
        sso.cookies.push(SsoCookie { name: USUAL_COOKIE.to_owned(), format: TokenFormat::Domino });
    }
    if sso.keys.is_empty() && section.has("cookie") && !section.has("key") {
        section.wrong("cookie", "a cookie without a key proves nothing; add [[sso.key]]");
    }
    sso
}

fn domain(section: &Section<'_>) -> Option<String> {
    let domain = section.value::<String>("domain")?.value.to_ascii_lowercase();
    let labels = domain.strip_prefix('.').unwrap_or_default();
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if !labels.contains('.') || labels.contains("..") || labels.ends_with('.') || !labels.chars().all(legal) {
        section.wrong(
            "domain",
            "write it with the leading dot and at least two labels, such as \".acme.example\"",
        );
        return None;
    }
    Some(domain)
}

fn origins(section: &Section<'_>) -> Vec<String> {
    let mut origins = Vec::new();
    for given in section.list::<String>("origins") {
        match origin::canonical(&given.value) {
            Some(origin) => origins.push(origin),
            None => {
                let text = format!(
                    "\"{}\" is not an origin; write scheme and host, such as \"https://portal.example\"",
                    given.value
                );
                section.wrong_at(given.at, "origins", text);
            }
        }
    }
    origins
}

fn cookies(section: &Section<'_>) -> Vec<SsoCookie> {
    let mut cookies: Vec<SsoCookie> = Vec::new();
    for cookie in section.tables("cookie") {
        let name = cookie.must::<String>("name", "give the name of the cookie, usually \"LtpaToken\"");
        let format = cookie.must::<FormatWord>("format", "say which tokens the cookie carries: \"domino\"");
        if let Some(given) = &format
            && given.value != FormatWord::Domino
        {
            cookie.wrong("format", "this token format is not built yet; \"domino\" is");
        }
        let (Some(name), Some(_)) = (name, format) else { continue };
        let legal = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte);
        if !name.value.bytes().all(legal) {
            cookie.wrong("name", format!("{} is not the name of a cookie", quoted(&name.value)));
        }
        if cookies.iter().any(|known| known.name == name.value) {
            cookie.wrong(
                "name",
                format!("there is another cookie {}; give one of them another name", quoted(&name.value)),
            );
        }
        cookies.push(SsoCookie { name: name.value, format: TokenFormat::Domino });
    }
    cookies
}

fn keys(section: &Section<'_>) -> Vec<SsoKey> {
    let mut keys: Vec<SsoKey> = Vec::new();
    let sections = section.tables("key");
    if let Some(fifth) = sections.get(MAX_KEYS) {
        section.wrong_at(
            fifth.at(),
            "key",
            format!("at most {MAX_KEYS} keys; drop those whose tokens have all expired"),
        );
    }
    for key in &sections {
        let id = key.must::<String>("id", "give the key a name for the logs, such as \"2026\"");
        let format = key.must("format", "say what kind of key it is: \"domino\"").map(|given| given.value);
        if format == Some(KeyWord::Websphere) {
            key.wrong("format", "this kind of key is not built yet; \"domino\" is");
            continue;
        }
        let secret = domino_secret(key);
        let Some(id) = id else { continue };
        if keys.iter().any(|known| known.id == id.value) {
            key.wrong(
                "id",
                format!("there is another key {}; give one of them another id", quoted(&id.value)),
            );
        }
        if let Some(secret) = secret {
            keys.push(SsoKey { id: id.value, material: KeyMaterial::Domino(secret) });
        }
    }
    keys
}

fn domino_secret(key: &Section<'_>) -> Option<Secret> {
    let file = key.must_path("secret_file", "give the file that holds the value of LTPA_DominoSecret")?;
    let text = match files::read_secret(&file.value) {
        Ok(text) => text,
        Err(error) => {
            key.wrong("secret_file", error.to_string());
            return None;
        }
    };
    let decoded = STANDARD.decode(text.expose().trim_ascii()).ok().map(Secret::new);
    let secret = decoded.filter(|secret| secret.expose().len() == SECRET_BYTES);
    if secret.is_none() {
        let path = file.value.display();
        let text = "the value of LTPA_DominoSecret";
        key.wrong("secret_file", format!("{path} must hold base64 of exactly {SECRET_BYTES} bytes, {text}"));
    }
    secret
}
