//! `setup init`: a few questions, then `setup.toml`.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use gateway_setup::config::{Answers, Topology, WritePath, parse, template};
use gateway_setup::names::{DnsDomain, HostName, NotesName};

use super::FileArguments;
use crate::cli::{EXIT_USAGE, fail, say};
use crate::config;

#[derive(Debug, Args)]
pub(super) struct InitArguments {
    #[command(flatten)]
    file: FileArguments,
    /// Take what a gateway's configuration knows as the suggestions
    #[arg(long, value_name = "FILE")]
    gateway: Option<PathBuf>,
}

pub(super) fn init(arguments: &InitArguments) -> ExitCode {
    let file = &arguments.file.config;
    if file.exists() {
        return fail(EXIT_USAGE, format!("{} exists; it is not overwritten", file.display()));
    }
    let known = match arguments.gateway.as_ref().map(|path| config::load(path)).transpose() {
        Ok(known) => known,
        Err(errors) => return fail(EXIT_USAGE, errors),
    };
    let asked = ask(&mut io::stdin().lock(), known.as_ref());
    let text = match asked {
        Ok(answers) => template(&answers),
        Err(error) => return fail(EXIT_USAGE, format!("no answer: {error}")),
    };
    if let Err(error) = std::fs::write(file, &text) {
        return fail(1, format!("{}: {error}", file.display()));
    }
    match parse(file, &text) {
        Ok(_) => say(&format!(
            "\n{} is written. Next: livename setup plan --config {}\n",
            file.display(),
            file.display()
        )),
        Err(mistakes) => {
            fail(EXIT_USAGE, format!("\n{mistakes}\n{} is written; put these right in it", file.display()))
        }
    }
}

fn ask(input: &mut impl BufRead, known: Option<&config::Config>) -> io::Result<Answers> {
    let topologies = [
        ("1", Topology::SameDomain),
        ("2", Topology::NotClustered),
        ("3", Topology::DifferentDomains),
        ("4", Topology::Sametime12),
    ];
    let words = "Topology: 1 same Domino domain, clustered with the registration server; 2 same domain, not clustered; \
                 3 different domains; 4 Sametime 12 without Domino";
    let topology = one(input, words, "2", |text| {
        topologies.iter().find(|(word, _)| *word == text).map(|(_, topology)| *topology).ok_or("1 to 4")
    })?;
    let nameless = topology == Topology::Sametime12;
    let domain = known.and_then(|known| known.sso.domain.clone()).unwrap_or_default();
    let dns_domain =
        one(input, "DNS domain of the single sign-on cookies, with the leading dot", &domain, |text| {
            text.parse::<DnsDomain>()
        })?;
    let server = |text: &str| text.parse::<NotesName>().map(|name| name.abbreviated());
    let host = |text: &str| text.parse::<HostName>().map(|host| host.to_string());
    let inotes_name = one(input, "iNotes server, as Name/Organization", "", server)?;
    let inotes_host = one(input, "its DNS host name", "", host)?;
    let inotes_domain = one(input, "its Domino domain", "", filled)?;
    let community =
        known.and_then(|known| known.communities.first()?.servers.first().cloned()).unwrap_or_default();
    let community = community.rsplit_once(':').map_or(community.as_str(), |(host, _)| host).to_owned();
    let sametime_name = if nameless {
        String::new()
    } else {
        one(input, "Sametime server, as Name/Organization", "", server)?
    };
    let sametime_host = one(input, "its DNS host name", &community, host)?;
    let sametime_domain = if topology == Topology::DifferentDomains {
        one(input, "its Domino domain", "", filled)?
    } else {
        inotes_domain.clone()
    };
    let gateway = one(input, "Host name of the gateway, or - for none", "-", |text| match text {
        "-" => Ok(None),
        text => host(text).map(Some),
    })?;
    let paths = [
        ("drapi", WritePath::Drapi),
        ("das", WritePath::Das),
        ("ldap", WritePath::Ldap),
        ("files", WritePath::Files),
    ];
    let path = one(
        input,
        "How the directory is written: drapi (Domino REST API), das, ldap (persons only) or files",
        "drapi",
        |text| {
            paths
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, path)| *path)
                .ok_or("drapi, das, ldap or files")
        },
    )?;
    let (url, user) = match path {
        WritePath::Files => (String::new(), String::new()),
        _ => {
            let port = match path {
                WritePath::Drapi => format!("https://{inotes_host}:8880"),
                WritePath::Ldap => format!("ldaps://{inotes_host}"),
                _ => format!("https://{inotes_host}"),
            };
            (
                one(input, "Address of that service", &port, filled)?,
                one(input, "Account that reads and writes the directory", "", filled)?,
            )
        }
    };
    Ok(Answers {
        topology,
        inotes: (inotes_name, inotes_host),
        sametime: (sametime_name, sametime_host),
        domains: (inotes_domain, sametime_domain),
        dns_domain: dns_domain.to_string(),
        path,
        url,
        user,
        gateway,
    })
}

/// Asks until the answer can be read; an empty one takes the suggestion.
fn one<T, E: std::fmt::Display>(
    input: &mut impl BufRead,
    question: &str,
    suggestion: &str,
    read: impl Fn(&str) -> Result<T, E>,
) -> io::Result<T> {
    loop {
        let shown = if suggestion.is_empty() { String::new() } else { format!(" [{suggestion}]") };
        let mut out = io::stderr().lock();
        write!(out, "{question}{shown}: ")?;
        out.flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = line.trim();
        match read(if text.is_empty() { suggestion } else { text }) {
            Ok(value) => return Ok(value),
            Err(error) => writeln!(out, "  {error}")?,
        }
    }
}

fn filled(text: &str) -> Result<String, &'static str> {
    if text.is_empty() { Err("an answer is needed") } else { Ok(text.to_owned()) }
}
