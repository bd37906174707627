//! `setup init`: a few questions, then `setup.toml`.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use gateway_setup::config::{Answers, GatewayAnswer, ServerAnswer, Topology, WritePath, parse, template};
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
    let host = |text: &str| text.parse::<HostName>().map(|host| host.to_string());
    let community =
        known.and_then(|known| known.communities.first()?.servers.first().cloned()).unwrap_or_default();
    let community = community.rsplit_once(':').map_or(community.as_str(), |(host, _)| host).to_owned();
    let inotes = servers(input, "iNotes", Names::Asked { domain: None }, "")?;
    let mail_domain = inotes.first().map(|server| server.domain.clone()).unwrap_or_default();
    let names = match topology {
        Topology::Sametime12 => Names::None,
        Topology::DifferentDomains => Names::Asked { domain: None },
        _ => Names::Asked { domain: Some(&mail_domain) },
    };
    let sametime = servers(input, "Sametime", names, &community)?;
    let own = own_host(known).unwrap_or_else(|| "-".to_owned());
    let gateway = one(input, "Host name of the gateway, or - for none", &own, |text| match text {
        "-" => Ok(None),
        text => host(text).map(Some),
    })?;
    let schemes =
        known.map_or((true, true), |known| (!known.listen.http.is_empty(), !known.listen.https.is_empty()));
    let gateway = gateway.map(|host| GatewayAnswer { host, http: schemes.0, https: schemes.1 });
    let (audience, persons) = audience(input, gateway.is_some() || nameless)?;
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
            let inotes_host = inotes.first().map(|server| server.host.clone()).unwrap_or_default();
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
        inotes,
        sametime,
        dns_domain: dns_domain.to_string(),
        path,
        url,
        user,
        gateway,
        audience,
        persons,
    })
}

/// What is asked about a server's name.
#[derive(Clone, Copy)]
enum Names<'a> {
    /// `None`: its domain, too.
    Asked { domain: Option<&'a str> },
    /// A Sametime 12 server has none.
    None,
}

/// The servers of one role, until there are no more.
fn servers(
    input: &mut impl BufRead,
    role: &str,
    names: Names<'_>,
    suggestion: &str,
) -> io::Result<Vec<ServerAnswer>> {
    let named = |text: &str| text.parse::<NotesName>().map(|name| name.abbreviated());
    let host = |text: &str| text.parse::<HostName>().map(|host| host.to_string());
    let mut servers: Vec<ServerAnswer> = Vec::new();
    loop {
        let first = servers.is_empty();
        let (what, end) = if first { ("", "") } else { ("Another ", "-") };
        let (name, host) = match names {
            Names::Asked { .. } => {
                let more = if first { "" } else { ", or - if there are no more" };
                let question = format!("{what}{role} server, as Name/Organization{more}");
                let name = one(input, &question, end, |text| {
                    if text == "-" && !first { Ok(String::new()) } else { named(text) }
                })?;
                if name.is_empty() {
                    return Ok(servers);
                }
                (name, one(input, "its DNS host name", if first { suggestion } else { "" }, host)?)
            }
            Names::None => {
                (String::new(), one(input, &format!("DNS host name of the {role} server"), suggestion, host)?)
            }
        };
        let domain = match names {
            Names::Asked { domain: Some(domain) } => domain.to_owned(),
            Names::Asked { domain: None } => {
                let last = servers.last().map(|server| server.domain.clone()).unwrap_or_default();
                one(input, "its Domino domain", &last, filled)?
            }
            Names::None => String::new(),
        };
        servers.push(ServerAnswer { name, domain, host });
        if matches!(names, Names::None) {
            return Ok(servers);
        }
    }
}

/// Who gets awareness. `all_only`: a host name for all users is the only way, because nothing is there that a Person
/// document could name.
fn audience(input: &mut impl BufRead, all_only: bool) -> io::Result<(String, Vec<String>)> {
    if all_only {
        writeln!(
            io::stderr(),
            "Awareness is for all users of the mail servers, by host name; name fewer servers in applies_to for a pilot."
        )?;
        return Ok(("all".to_owned(), Vec::new()));
    }
    let question = "Who gets awareness: all (a host name for everybody), mail-servers or persons (a server name in Person documents)";
    let audience = one(input, question, "mail-servers", |text| match text {
        "all" | "mail-servers" | "persons" => Ok(text.to_owned()),
        _ => Err("all, mail-servers or persons"),
    })?;
    if audience != "persons" {
        return Ok((audience, Vec::new()));
    }
    let persons = one(input, "their names, as Name/Organization, with ; between them", "", |text| {
        let names =
            text.split(';').map(|name| name.trim().parse::<NotesName>().map(|name| name.abbreviated()));
        names.collect::<Result<Vec<String>, _>>()
    })?;
    Ok((audience, persons))
}

/// The host name under which pages reach the gateway: that of an awareness route.
fn own_host(known: Option<&config::Config>) -> Option<String> {
    let routes = &known?.routes;
    let awareness = routes.iter().filter(|route| matches!(route.serve, config::Serve::Awareness(_)));
    let mut hosts = awareness.flat_map(|route| &route.hosts);
    hosts.find(|host| host.parse::<HostName>().is_ok()).cloned()
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

#[cfg(test)]
mod tests {
    use gateway_setup::config::{Audience, Setup};

    use super::*;

    /// The set-up that comes out of answers, one a line.
    fn answered(answers: &str, known: Option<&config::Config>) -> Setup {
        let answers = ask(&mut answers.as_bytes(), known).expect("every question has an answer");
        let text = template(&answers);
        parse("setup.toml".as_ref(), &text).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"))
    }

    #[test]
    fn several_servers_in_two_domains_and_single_persons() {
        // A wrong answer is asked for again; an empty one takes the suggestion.
        let answers = "3\n.renovation.example\n\
            Mail1/Renovation\nmail1.renovation.example\nRenovation\n\
            Mail2/Renovation\nmail2.renovation.example\n\n-\n\
            Sametime/Chat\nsametime.renovation.example\nChat\n\n\
            -\neverybody\npersons\nAnn Archer/Renovation; Smith, Bo/Renovation\nfiles\n";
        let setup = answered(answers, None);
        let servers: Vec<String> =
            setup.servers.iter().map(|server| format!("{} {}", server.domain, server.host)).collect();
        assert_eq!(
            servers,
            [
                "Renovation mail1.renovation.example",
                "Renovation mail2.renovation.example",
                "Chat sametime.renovation.example"
            ]
        );
        assert_eq!(setup.domains(), ["Renovation", "Chat"]);
        assert!(matches!(&setup.awareness.audience, Audience::Persons { names, .. } if names.len() == 2));
        assert!(setup.gateway.is_none());
    }

    #[test]
    fn a_gateways_own_host_and_schemes_are_suggested() {
        let file = std::env::temp_dir().join(format!("livename-init-{}.toml", std::process::id()));
        let text = r#"
            [listen]
            http = ["127.0.0.1:0"]
            admin = "127.0.0.1:0"
            [sso]
            domain = ".renovation.example"
            [[sso.cookie]]
            name = "LtpaToken"
            format = "domino"
            [[sso.key]]
            id = "1"
            format = "domino"
            secret_file = "SECRET"
            [[community]]
            name = "renovation"
            servers = ["sametime.renovation.example:1533"]
            own_presence = "login"
            privacy = "own"
            login_type = "0x14b4"
            [[route]]
            hosts = ["im.renovation.example"]
            path = "/livename"
            serve = "awareness"
            community = "renovation"
            auth = "required"
        "#;
        let secret = file.with_extension("secret");
        std::fs::write(&secret, "AAECAwQFBgcICQoLDA0ODxAREhM=\n").expect("a temporary file can be written");
        let text = text.replace("SECRET", &secret.display().to_string());
        std::fs::write(&file, text).expect("a temporary file can be written");
        let known = config::load(&file).unwrap_or_else(|errors| panic!("{errors}"));
        for file in [&file, &secret] {
            std::fs::remove_file(file).expect("it is there");
        }
        let answers = "1\n\nMail1/Renovation\nmail1.renovation.example\nRenovation\n\nSametime/Renovation\n\n\n\nfiles\n";
        let setup = answered(answers, Some(&known));
        let gateway = setup.gateway.expect("the suggestion is taken");
        assert_eq!(
            (gateway.host.as_str(), gateway.http, gateway.https),
            ("im.renovation.example", true, false)
        );
        assert_eq!(setup.servers[1].host.as_str(), "sametime.renovation.example");
        assert!(matches!(setup.awareness.audience, Audience::All { .. }));
    }
}
