//! `[sso]`: cookies and keys.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol::ltpa::ring::MAX_KEYS;
use protocol::ltpa::websphere::VerifyKey;
use protocol::ltpa::{KeyLife, SystemSeconds};
use protocol::secret::Secret;

use crate::config::section::Section;
use crate::config::value::{KeyWord, quoted};
use crate::config::{
    Delegation, KeyMaterial, LoginPage, Moment, Origin, Sso, SsoCookie, SsoKey, TokenFormat, files, origin,
};

/// Name of the cookie if none is listed.
const USUAL_COOKIE: &str = "LtpaToken";

/// Length of a Domino secret (ltpa.md 2).
const SECRET_BYTES: usize = 20;

pub(super) fn read(section: &Section<'_>) -> Sso {
    let defaults = Sso::default();
    let domain = domain(section);
    let mut sso = Sso {
        login: login(section, domain.as_deref()),
        domain,
        skew: section.within("skew", defaults.skew, Duration::ZERO..=Duration::from_secs(300)),
        charset: section.or("charset", defaults.charset),
        max_lifetime: section.value("max_lifetime").map(|given| given.value),
        realms: section.list("realms").into_iter().map(|given| given.value).collect(),
        fips: section.or("fips", defaults.fips),
        fallback: section.or("fallback", defaults.fallback),
        origins: origins(section),
        names: section.or("names", defaults.names),
        cookies: cookies(section),
        keys: keys(section),
        delegated: section.given_table("delegated").and_then(|section| delegation(&section)),
    };
    if sso.cookies.is_empty() && !sso.keys.is_empty() && !section.has("cookie") {
        let (name, format) = (USUAL_COOKIE.to_owned(), TokenFormat::Domino);
        sso.cookies.push(SsoCookie { name, format, unsigned_expiry: false });
    }
    if let Some(delegation) = &sso.delegated
        && sso.cookies.iter().any(|cookie| cookie.name == delegation.cookie)
    {
        let text = format!(
            "the keys here prove the tokens of {}; leave out [sso.delegated], or those keys and the cookie",
            quoted(&delegation.cookie)
        );
        section.table("delegated").wrong("cookie", text);
    }
    if sso.keys.is_empty() && section.has("cookie") && !section.has("key") {
        section.wrong("cookie", "a cookie without a key proves nothing; add [[sso.key]]");
    }
    let read_all = sso.keys.len() == section.count("key") && sso.cookies.len() >= section.count("cookie");
    if read_all && !sso.keys.is_empty() {
        check_fit(section, &sso);
        if sso.realms.is_empty() {
            sso.realms = realms_of_keys(section, &sso);
        }
    }
    sso
}

/// The realm of the key files. Several would make one user of two people whose names are the same in both, and
/// none says that everybody may name any: whoever wants that has to say so.
fn realms_of_keys(section: &Section<'_>, sso: &Sso) -> Vec<String> {
    let used =
        sso.keys.iter().filter(|key| sso.cookies.iter().any(|cookie| key.is_for(cookie.format, sso.fips)));
    let mut realms = Vec::new();
    for key in used {
        let KeyMaterial::WebSphere(verify) = &key.material else { continue };
        match verify.realm() {
            Some(realm) if realms.iter().any(|known| known == realm) => {}
            Some(realm) => realms.push(realm.to_owned()),
            None => {
                let text = format!(
                    "the key file of {} names no realm; list those whose users may come",
                    quoted(&key.id)
                );
                section.wrong("realms", text);
                return Vec::new();
            }
        }
    }
    if realms.len() > 1 {
        let names: Vec<_> = realms.iter().map(|realm| quoted(realm)).collect();
        let text = format!(
            "the key files name several, {}; list them if users of the same name are the same people in all",
            names.join(" and ")
        );
        section.wrong("realms", text);
    }
    realms
}

fn delegation(section: &Section<'_>) -> Option<Delegation> {
    let cookie = section.must::<String>("cookie", "give the name of the cookie, usually \"LtpaToken\"");
    let community = section.must::<String>("community", "name the community that proves the tokens");
    let range = Duration::from_secs(1)..=Duration::from_secs(3600);
    let good_for = section.within("good_for", Duration::from_secs(300), range);
    Some(Delegation { cookie: cookie?.value, community: community?.value, good_for })
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
        match Origin::parse(&given.value) {
            Some(origin) => origins.push(origin.to_string()),
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
        let why = "say which tokens the cookie carries: \"domino\", \"ltpa1\" or \"ltpa2\"";
        let format = cookie.must("format", why).map(|given| given.value);
        let (Some(name), Some(format)) = (name, format) else { continue };
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
        let unsigned_expiry = cookie.or("unsigned_expiry", false);
        cookies.push(SsoCookie { name: name.value, format, unsigned_expiry });
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
        let format = key.must("format", "say what kind of key it is: \"domino\" or \"websphere\"");
        let material = match format.map(|given| given.value) {
            Some(KeyWord::Domino) => domino_secret(key).map(KeyMaterial::Domino),
            Some(KeyWord::Websphere) => websphere_key(key).map(KeyMaterial::WebSphere),
            None => None,
        };
        let Some(id) = id else { continue };
        if keys.iter().any(|known| known.id == id.value) {
            key.wrong(
                "id",
                format!("there is another key {}; give one of them another id", quoted(&id.value)),
            );
        }
        let life = life(key);
        if let Some(material) = material {
            keys.push(SsoKey { id: id.value, material, life });
        }
    }
    keys
}

/// The login page of a section.
pub(super) fn login(section: &Section<'_>, domain: Option<&str>) -> Option<LoginPage> {
    let given = section.value::<String>("login_url")?;
    let Some(page) = LoginPage::parse(&given.value) else {
        let text = format!(
            "{} is neither a path nor a URL; write \"/names.nsf?Login&RedirectTo={{return}}\" or \"https://…\"",
            quoted(&given.value)
        );
        section.wrong_at(given.at, "login_url", text);
        return None;
    };
    // A page on a host that gets none of the cookies could not log anybody in here.
    let fits = |host: &str| domain.is_some_and(|domain| origin::is_below(host, domain));
    if page.host().is_some_and(|host| !fits(Origin::host_of(host))) {
        section.wrong_at(
            given.at,
            "login_url",
            "the host is not below domain in [sso]: its cookies would not come here",
        );
    }
    Some(page)
}

fn life(key: &Section<'_>) -> KeyLife {
    let second = |name| key.value::<Moment>(name).map(|given| SystemSeconds(given.value.0));
    let life = KeyLife { not_before: second("not_before"), not_after: second("not_after") };
    if life.not_before.zip(life.not_after).is_some_and(|(start, end)| start > end) {
        key.wrong("not_after", "is before not_before: the key would never be used");
    }
    life
}

/// Verification needs no private key: that half of the file is dropped here.
fn websphere_key(key: &Section<'_>) -> Option<Arc<VerifyKey>> {
    let file = key.must_path("key_file", "give the file that was exported from WebSphere");
    let password = key.must_path("password_file", "give the file that holds the key file's password");
    let (file, password) = (file?, password?);
    let password =
        files::read_secret(&password.value).map_err(|error| key.wrong("password_file", error.to_string()));
    let text = files::read_secret(&file.value).map_err(|error| key.wrong("key_file", error.to_string()));
    let (password, text) = (password.ok()?, text.ok()?);
    let read = std::str::from_utf8(text.expose())
        .map_err(|_| "is not text".to_owned())
        .and_then(|text| VerifyKey::read(text, &password).map_err(|error| error.to_string()));
    read.map(Arc::new)
        .map_err(|problem| key.wrong("key_file", format!("{}: {problem}", file.value.display())))
        .ok()
}

/// Whether each cookie can be proved by a key, and its tokens can pass at all.
fn check_fit(section: &Section<'_>, sso: &Sso) {
    for (index, cookie) in sso.cookies.iter().enumerate() {
        let at = section.element_at("cookie", index);
        if !sso.keys.iter().any(|key| key.is_for(cookie.format, sso.fips)) {
            let kind = if cookie.format == TokenFormat::Domino { "domino" } else { "websphere" };
            let text = format!(
                "no [[sso.key]] can prove the tokens of cookie {}; add one of format \"{kind}\"",
                quoted(&cookie.name)
            );
            section.wrong_at(at, "cookie", text);
        }
        if cookie.format == TokenFormat::Ltpa1 && !cookie.unsigned_expiry {
            let text = "\"ltpa1\" tokens never have a signed expiry; use \"ltpa2\", or accept that with unsigned_expiry = true for this cookie";
            section.wrong_at(at, "cookie", text);
        }
    }
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
