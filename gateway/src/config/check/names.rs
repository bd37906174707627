//! `[community.names]`.

use std::time::Duration;

use crate::config::NameTuning;
use crate::config::section::Section;
use crate::config::value::quoted;

pub(super) fn read(section: &Section<'_>) -> NameTuning {
    let defaults = NameTuning::default();
    let day = Duration::from_secs(86_400);
    NameTuning {
        allow_domains: domains(section, "allow_domains"),
        deny_domains: domains(section, "deny_domains"),
        remembered: section.within("remembered", defaults.remembered, 1..=10_000_000),
        good_for: section.within("good_for", defaults.good_for, Duration::ZERO..=day),
        nobody_for: section.within("nobody_for", defaults.nobody_for, Duration::ZERO..=day),
        per_second: section.within("per_second", defaults.per_second, 1..=100_000),
        session_per_second: section.within("session_per_second", defaults.session_per_second, 1..=100_000),
    }
}

/// Without dots at the ends, in lower case.
fn domains(section: &Section<'_>, key: &'static str) -> Vec<String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    let mut domains = Vec::new();
    for given in section.list::<String>(key) {
        let domain = given.value.trim_matches('.').to_ascii_lowercase();
        if domain.is_empty() || !domain.chars().all(legal) {
            let text = format!("{} is not a mail domain; write \"acme.example\"", quoted(&given.value));
            section.wrong_at(given.at, key, text);
        }
        domains.push(domain);
    }
    domains
}
