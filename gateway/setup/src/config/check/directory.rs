//! `[[directory]]`: ways to the directories, and the accounts for them.

use crate::config::checked::{Access, Password, Server, Url, WritePath};
use crate::names::NotesName;
use settings::Section;

/// Schemes of web servers, and their usual ports.
pub(super) const WEB: [(&str, bool, u16); 2] = [("http", false, 80), ("https", true, 443)];

pub(super) fn directories(root: &Section<'_>, servers: &[Server], complete: bool) -> Vec<Access> {
    let mut directories: Vec<Access> = Vec::new();
    for section in root.tables("directory") {
        if let Some(access) = directory(&section, servers, complete) {
            if directories.iter().any(|known| known.name == access.name) {
                section.wrong("name", "is named twice");
            }
            directories.push(access);
        }
    }
    let mut missing: Vec<&str> = Vec::new();
    for server in servers.iter().filter(|server| server.name.is_some()) {
        let known =
            directories.iter().any(|access| access.domain.to_lowercase() == server.domain.to_lowercase());
        if !known && !missing.contains(&server.domain.as_str()) {
            missing.push(&server.domain);
            let advice = "; without any access write path = \"files\"";
            root.wrong(
                "directory",
                format!("there is no [[directory]] for the domain \"{}\"{advice}", server.domain),
            );
        }
    }
    directories
}

fn directory(section: &Section<'_>, servers: &[Server], complete: bool) -> Option<Access> {
    let paths = [
        ("drapi", WritePath::Drapi),
        ("das", WritePath::Das),
        ("ldap", WritePath::Ldap),
        ("files", WritePath::Files),
    ];
    let path = if section.has("path") { section.word("path", &paths)? } else { WritePath::Drapi };
    let domain = section.must_text("domain", "write the Domino domain whose directory it is")?;
    let server: Option<NotesName> = section.parsed("server");
    if let Some(server) = &server
        && complete
        && !servers.iter().any(|known| known.name.as_ref() == Some(server))
    {
        section.wrong("server", format!("there is no [[server]] with the name \"{server}\""));
    }
    let schemes: &[(&str, bool, u16)] = match path {
        WritePath::Ldap => &[("ldap", false, 389), ("ldaps", true, 636)],
        WritePath::Drapi => &[("http", false, 8880), ("https", true, 8880)],
        _ => &WEB,
    };
    let live = path != WritePath::Files;
    if live && !section.has("url") {
        section.wrong(
            "url",
            format!(
                "is missing; write where the service is, \"{}://mail1.renovation.example\"",
                schemes[1].0
            ),
        );
    }
    let url = url(section, "url", schemes);
    if live && !section.has("user") {
        section.wrong("user", "is missing; write the account that reads and writes the directory");
    }
    let plain = section.flag("plain", false);
    if let Some(url) = url.as_ref().filter(|url| url.is_open() && !plain) {
        section.wrong(
            "url",
            format!(
                "would send the password to {} in the clear; use {}://, or write plain = true if nobody can listen on the way",
                url.host, schemes[1].0
            ),
        );
    }
    let database = match path {
        WritePath::Drapi => "directory",
        _ => "names.nsf",
    };
    let access = Access {
        name: section.text("name").unwrap_or(domain).to_owned(),
        domain: domain.to_owned(),
        server,
        path,
        url,
        database: section.text("database").unwrap_or(database).trim_matches('/').to_owned(),
        base: section.text("base").unwrap_or_default().to_owned(),
        user: section.text("user").map(str::to_owned),
        password: password(section, "password_file", "password_fd"),
        ca: section.path("ca"),
        plain,
        page: section.number("page", 1..=5000).unwrap_or(500),
    };
    section.no_others();
    (access.url.is_some() || !live).then_some(access)
}

pub(super) fn password(section: &Section<'_>, file: &'static str, descriptor: &'static str) -> Password {
    if section.has("password") {
        section.wrong(
            "password",
            "passwords are not written here; use password_file, password_fd, or type it when asked",
        );
    }
    match (section.path(file), section.number(descriptor, 3..=1023)) {
        (Some(_), Some(_)) => {
            section.wrong(descriptor, format!("give either {file} or {descriptor}"));
            Password::Prompt
        }
        (Some(file), None) => Password::File(file),
        (None, Some(descriptor)) => Password::Descriptor(descriptor),
        (None, None) => Password::Prompt,
    }
}

pub(super) fn url(section: &Section<'_>, key: &'static str, schemes: &[(&str, bool, u16)]) -> Option<Url> {
    let text = section.text(key)?;
    let read = || {
        let (scheme, rest) = text.split_once("://")?;
        let (_, tls, default) = schemes.iter().find(|(known, ..)| *known == scheme)?;
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
            _ => (rest, *default),
        };
        let host = host.trim_matches(['[', ']']);
        let fits = !host.is_empty() && !host.contains(['/', '@', '?', '#', ' ']);
        fits.then(|| Url { tls: *tls, host: host.to_owned(), port })
    };
    let url = read();
    if url.is_none() {
        let schemes: Vec<_> = schemes.iter().map(|(scheme, ..)| format!("{scheme}://host:port")).collect();
        section.wrong(
            key,
            format!("expected {} without a path or a user, found \"{text}\"", schemes.join(" or ")),
        );
    }
    url
}
