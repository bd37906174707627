//! `token inspect`: a token explained in sentences.

use std::fmt::Write as _;
use std::process::ExitCode;

use protocol::ltpa::ring::{KeyRing, SsoCookie, Verifier};
use protocol::ltpa::websphere::{self, Version};
use protocol::ltpa::{Format, Policy, Proof, Rejection, SystemSeconds, base64, domino};

use super::input::{self, Shown, looks_domino};
use super::problem::explain;
use super::{ShownArguments, clock, site};
use crate::auth::spelled;
use crate::cli::{EXIT_USAGE, fail, say};
use crate::config::{Config, Moment, is_below};

pub(super) fn inspect(arguments: &ShownArguments) -> ExitCode {
    let shown = match input::read(arguments.input.as_deref()) {
        Ok(shown) => shown,
        Err(error) => return fail(EXIT_USAGE, error),
    };
    let (config, ring) = match site(arguments) {
        Ok(site) => site,
        Err(code) => return code,
    };
    say(&report(&shown, &config, ring.as_ref(), arguments.now.unwrap_or_else(clock)))
}

/// Everything that can be said.
fn report(shown: &Shown, config: &Config, ring: Option<&KeyRing>, now: u64) -> String {
    let policy = ring.map(|ring| ring.policy().clone()).unwrap_or_default();
    let mut page = Page { ring, policy, config, now, text: String::new() };
    let candidates = ring.map(|ring| shown.candidates(ring)).unwrap_or_default();
    let delegated = shown.of_community(config.sso.delegated.as_ref().filter(|_| candidates.is_empty()));
    match shown {
        Shown::Bare(token) => page.bare(token, &candidates),
        Shown::Header(header) => {
            if candidates.is_empty() && delegated.is_none() {
                page.absent(header);
            }
            for (cookie, values) in &candidates {
                page.cookie(cookie, values);
            }
            if delegated.is_none() {
                page.verdict(header);
            }
        }
    }
    if let Some((delegation, values)) = delegated {
        page.delegated(delegation, &values);
    }
    page.idle_keys();
    page.domain();
    page.text
}

/// What is said, while it grows.
pub(super) struct Page<'a> {
    /// `None` where a community judges all tokens.
    ring: Option<&'a KeyRing>,
    policy: Policy,
    pub(super) config: &'a Config,
    pub(super) now: u64,
    text: String,
}

impl Page<'_> {
    /// A token without a cookie name: explained as the cookie that accepts it, or else as the likeliest one.
    fn bare(&mut self, token: &str, candidates: &[(&SsoCookie, Vec<&str>)]) {
        let accepts = |cookie: &SsoCookie| self.prove(cookie, token).is_ok();
        let best = candidates.iter().find(|(cookie, _)| accepts(cookie)).or_else(|| candidates.first());
        let Some((cookie, values)) = best else { return };
        self.line(format_args!("The text is a bare token; it is judged as the value of {}.", cookie.name));
        self.cookie(cookie, values);
    }

    fn absent(&mut self, header: &str) {
        let names: Vec<_> =
            header.split(';').filter_map(|pair| Some(pair.split_once('=')?.0.trim())).collect();
        let delegated = self.config.sso.delegated.iter().map(|delegation| delegation.cookie.as_str());
        let known: Vec<_> = self.ring.iter().flat_map(|ring| ring.cookie_names()).chain(delegated).collect();
        self.line(format_args!("Cookies that are there: {}.", names.join(", ")));
        self.line(format_args!("Cookies that could carry a token: {}.", known.join(", ")));
        self.problem(Rejection::NoToken, Format::Domino);
        let near = known.iter().find(|known| names.iter().any(|name| name.eq_ignore_ascii_case(known)));
        if let Some(near) = near {
            self.line(format_args!("Problem: Upper and lower case of a cookie's name count. What to do: Write it as the server does, not as {near}."));
        }
    }

    fn cookie(&mut self, cookie: &SsoCookie, values: &[&str]) {
        if values.len() > 1 {
            self.line(format_args!(
                "The cookie {} is there {} times; the first valid one counts, at most 3 are tried.",
                cookie.name,
                values.len()
            ));
        }
        for value in values.iter().take(protocol::ltpa::ring::MAX_VALUES) {
            self.value(cookie, value);
        }
    }

    fn value(&mut self, cookie: &SsoCookie, value: &str) {
        let format = cookie.verifier.format();
        self.line(format_args!("Cookie: {}, {} characters.", cookie.name, value.len()));
        self.line(format_args!("Format: {}.", format_name(format)));
        let token = match base64::normalise(value) {
            Ok(token) => token,
            Err(reason) => return self.problem(reason, format),
        };
        let is_domino = looks_domino(&token);
        if is_domino != (format == Format::Domino) && base64_text(&token) {
            let seen = if is_domino { "Domino's own format" } else { "not Domino's own format" };
            self.line(format_args!(
                "The text looks like {seen}, which is not what the cookie is configured for."
            ));
        }
        match self.prove(cookie, &token) {
            Ok(proof) => self.proved(cookie, &token, &proof),
            Err(reason) => {
                self.claims(format, &token);
                self.problem(reason, format);
            }
        }
    }

    fn proved(&mut self, cookie: &SsoCookie, token: &str, proof: &Proof) {
        let identity = proof.identity();
        self.line(format_args!("User: {}.", identity.user));
        let user = spelled(identity.user.clone(), self.config.sso.names);
        if let Some(user) = user.as_ref().filter(|user| **user != identity.user) {
            self.line(format_args!("Spelled as `names` asks: {user}."));
        }
        if let Some(realm) = &identity.realm {
            self.line(format_args!("Realm: {realm}."));
        }
        match identity.created {
            Some(created) => self.moment("Created", created.0),
            None => self.line(format_args!("Created: this format does not say.")),
        }
        self.moment("Expires", identity.expires.0);
        self.line(format_args!("Key: {} proves it.", identity.key_id));
        self.attributes(cookie, token);
        match proof.judge(SystemSeconds(self.now), &self.policy) {
            Ok(()) if user.is_none() => self.problem(Rejection::BadName, identity.format),
            Ok(()) => self.line(format_args!("This token is valid.")),
            Err(reason) => self.problem(reason, identity.format),
        }
    }

    /// Attributes beside user and expiry, which tell where a WebSphere token comes from.
    fn attributes(&mut self, cookie: &SsoCookie, token: &str) {
        let (version, keys) = match &cookie.verifier {
            Verifier::Domino(_) => return,
            Verifier::WebSphere1(keys) => (Version::One, keys),
            Verifier::WebSphere2(keys) => (Version::Two, keys),
        };
        let now = SystemSeconds(self.now);
        let Ok(genuine) = websphere::open(version, token, keys, now, &self.policy) else { return };
        let Ok(attributes) = genuine.attributes() else { return };
        for (name, values) in attributes.iter().filter(|(name, _)| !matches!(*name, "u" | "expire")) {
            let plain = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>();
            self.line(format_args!("Attribute {}: {}.", plain(name), plain(&values.join(", "))));
        }
    }

    /// What a refused token says of itself.
    pub(super) fn claims(&mut self, format: Format, token: &str) {
        if !looks_domino(token) {
            if format != Format::Domino {
                self.line(format_args!("Nothing more can be read: the token is encrypted."));
            }
            return;
        }
        let Ok(claims) = domino::claims(token, self.config.sso.charset) else { return };
        self.line(format_args!("What follows is only claimed, not proved."));
        if let Ok(user) = claims.user {
            self.line(format_args!("User: {user}."));
        }
        if let Some(created) = claims.created {
            self.moment("Created", created.0);
        }
        if let Some(expires) = claims.expires {
            self.moment("Expires", expires.0);
        }
    }

    /// What becomes of the whole request, if that is not clear from its one cookie.
    fn verdict(&mut self, header: &str) {
        let accepted = match self.ring {
            Some(ring) => ring.accept(header, SystemSeconds(self.now)),
            None => Err(Rejection::NoToken),
        };
        let accepted = accepted.and_then(|accepted| {
            let user = spelled(accepted.identity.user.clone(), self.config.sso.names);
            Ok((accepted.cookie, user.ok_or(Rejection::BadName)?))
        });
        match accepted {
            Ok((cookie, user)) => {
                self.line(format_args!("A request with this header is accepted: {cookie} proves {user}."));
            }
            Err(Rejection::MixedUsers) => self.problem(Rejection::MixedUsers, Format::Domino),
            Err(reason) => self.line(format_args!("A request with this header is refused: {reason}.")),
        }
    }

    /// Keys that could have proved it at another time.
    fn idle_keys(&mut self) {
        let now = SystemSeconds(self.now);
        let idle: Vec<_> = self.config.sso.keys.iter().filter(|key| !key.life.covers(now)).collect();
        for key in idle {
            self.line(format_args!(
                "Key {} is not used at this time, by its not_before or not_after.",
                key.id
            ));
        }
    }

    /// Whether the cookie can reach the hosts of the routes at all.
    fn domain(&mut self) {
        let Some(domain) = self.config.sso.domain.clone() else {
            return self.line(format_args!(
                "Domain: [sso] has no domain, so it is not known which hosts get the cookie."
            ));
        };
        let mut hosts: Vec<_> = self.config.routes.iter().flat_map(|route| route.hosts.clone()).collect();
        hosts.sort();
        hosts.dedup();
        let (inside, outside): (Vec<_>, Vec<_>) = hosts.into_iter().partition(|host| is_below(host, &domain));
        self.line(format_args!("Domain: browsers send the cookie to hosts below {domain}."));
        if !inside.is_empty() {
            self.line(format_args!("Hosts of routes that get it: {}.", inside.join(", ")));
        }
        for host in outside {
            self.line(format_args!("Problem: {host} is not below {domain}, so browsers do not send the cookie there. What to do: Give the gateway a name below {domain}, or change the domain of the Web SSO document."));
        }
    }

    fn prove(&self, cookie: &SsoCookie, token: &str) -> Result<Proof, Rejection> {
        let token = base64::normalise(token)?;
        let ring = self.ring.ok_or(Rejection::NoToken)?;
        ring.prove(cookie, &token, SystemSeconds(self.now))
    }

    fn moment(&mut self, what: &str, second: u64) {
        let apart = span(second.abs_diff(self.now));
        let (before, after) = if second > self.now { ("in ", "") } else { ("", " ago") };
        self.line(format_args!("{what}: {} ({before}{apart}{after}).", Moment(second)));
    }

    pub(super) fn problem(&mut self, reason: Rejection, format: Format) {
        let problem = explain(reason, format);
        self.line(format_args!("Problem: {} What to do: {}", problem.what, problem.advice));
    }

    pub(super) fn line(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{text}");
    }
}

fn base64_text(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
}

pub(super) fn format_name(format: Format) -> &'static str {
    match format {
        Format::Domino => "domino, Domino's own token, readable by anybody and protected by a secret",
        Format::WebSphere1 => "ltpa1, WebSphere's older token (LtpaToken), whose expiry is not signed",
        Format::WebSphere2 => "ltpa2, WebSphere's newer token (LtpaToken2)",
    }
}

/// The two largest units.
fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} days {hours} h"),
    }
}
