//! The `setup.toml` that `setup init` writes: what was answered, and every other key with what it means.

use crate::config::{Topology, WritePath};

/// What was answered. Texts go into the file as they are; reading it checks them.
#[derive(Clone, Debug)]
pub struct Answers {
    pub topology: Topology,
    pub inotes: Vec<ServerAnswer>,
    /// Without names and domains for Sametime 12.
    pub sametime: Vec<ServerAnswer>,
    pub dns_domain: String,
    pub path: WritePath,
    pub url: String,
    pub user: String,
    pub gateway: Option<GatewayAnswer>,
    /// `all`, `mail-servers` or `persons`.
    pub audience: String,
    /// For `persons`.
    pub persons: Vec<String>,
}

/// One server.
#[derive(Clone, Debug)]
pub struct ServerAnswer {
    pub name: String,
    /// Its Domino domain.
    pub domain: String,
    pub host: String,
}

/// The gateway, and the schemes that it listens on.
#[derive(Clone, Debug)]
pub struct GatewayAnswer {
    pub host: String,
    pub http: bool,
    pub https: bool,
}

/// The file.
pub fn template(answers: &Answers) -> String {
    let Answers { topology, inotes, sametime, dns_domain, path, url, user, gateway, audience, persons } =
        answers;
    let topology_word = match topology {
        Topology::SameDomain => "same-domain",
        Topology::NotClustered => "not-clustered",
        Topology::DifferentDomains => "different-domains",
        Topology::Sametime12 => "sametime-12",
    };
    let path_word = match path {
        WritePath::Drapi => "drapi",
        WritePath::Das => "das",
        WritePath::Ldap => "ldap",
        WritePath::Files => "files",
    };
    let nameless = *topology == Topology::Sametime12;
    let peer = if nameless {
        "\n[sso.sametime]                     # what the Sametime side makes and takes, to compare\ntoken_format = \"both\"              # ltpa1 | ltpa2 | both\nlifetime     = 120                 # minutes\n"
    } else {
        ""
    };
    let servers: String = [("inotes", inotes), ("sametime", sametime)]
        .into_iter()
        .flat_map(|(role, servers)| servers.iter().map(move |server| server_table(role, server)))
        .collect();
    let mut domains: Vec<&str> = Vec::new();
    for server in inotes.iter().chain(sametime).filter(|server| !server.domain.is_empty()) {
        if !domains.iter().any(|known| known.eq_ignore_ascii_case(&server.domain)) {
            domains.push(&server.domain);
        }
    }
    let mut accesses = String::new();
    for (index, domain) in domains.into_iter().enumerate() {
        let path = if index == 0 { path_word } else { "files" };
        accesses.push_str(&access(domain, path, url, user));
    }
    let gateway = match gateway {
        Some(GatewayAnswer { host, http, https }) => format!(
            "[gateway]\nhost  = {}   # its own name: not that of a server\nhttp  = {http}                       # which schemes it listens on\nhttps = {https}\n",
            quoted(host)
        ),
        None => "# [gateway]\n# host = \"im.renovation.example\"\n".to_owned(),
    };
    let persons = if persons.is_empty() {
        "# persons      = [\"Ann Archer/Renovation\"]".to_owned()
    } else {
        let quoted: Vec<String> = persons.iter().map(|name| quoted(name)).collect();
        format!("persons = [{}]", quoted.join(", "))
    };
    format!(
        r#"# Setting up awareness in iNotes. `livename setup plan` says what it would do; nothing is written before `apply --yes`.

# same-domain: Sametime is clustered with the registration server | not-clustered | different-domains | sametime-12 (without Domino)
topology = "{topology_word}"

{servers}{accesses}[sso]
domain = {}                        # with the leading dot
# name         = "LtpaToken"
# expiration   = 120               # minutes; left out: as it is
# organization = "Renovation"      # only with Internet Sites
# auth         = "secrets-and-tokens"   # only if a server of the domain cannot use SSO
{peer}
[awareness]
for = "{audience}"                 # all: by host name, for everybody | mail-servers, persons: by server name, in Person documents
# applies_to   = ["Mail1/Renovation"]   # all: these mail servers (a pilot), or "*"
{persons}
# persons_file = "persons.txt"     # one name a line
# overwrite    = false             # change Person documents that name another Sametime server

{gateway}
# [connection]
# literal  = false                 # true: server names in the domain fields, word by word as the vendor's procedure has it
# interval = 30                    # minutes
# registration_server = "Mail1/Renovation"

# [items]
# file = "items.toml"              # names of items that no public source has; `livename setup discover` writes it
# force = false                    # true: write items that neither their form nor any document has

# [probe]                          # two test users, for `verify`
# user  = "Ann Archer/Renovation"  # full names, so that their Person documents are found
# password_file = "ann.password"
# other = "Bo Baker/Renovation"
# other_password_file = "bo.password"
# login  = "https://mail1.renovation.example"
# events = "https://im.renovation.example"       # the gateway, once it runs
# community = "sametime.renovation.example:1533" # before that: both log in to the community itself
"#,
        quoted(dns_domain),
    )
}

fn server_table(role: &str, server: &ServerAnswer) -> String {
    let ServerAnswer { name, domain, host } = server;
    let name = if name.is_empty() { String::new() } else { format!("name   = {}\n", quoted(name)) };
    let domain = if domain.is_empty() {
        String::new()
    } else {
        format!("domain = {}               # the Domino domain, not the DNS domain\n", quoted(domain))
    };
    let web = if role == "inotes" { "https" } else { "http" };
    format!(
        "[[server]]\nrole   = \"{role}\"\n{name}{domain}host   = {}\n# web    = {}   # its web server, for `verify`; left out: as [probe] login\n\n",
        quoted(host),
        quoted(&format!("{web}://{host}"))
    )
}

fn access(domain: &str, path: &str, url: &str, user: &str) -> String {
    let domain = quoted(domain);
    if path == "files" {
        return format!(
            "[[directory]]                      # not reached from here: `livename setup export`\ndomain = {domain}\npath   = \"files\"\n\n"
        );
    }
    format!(
        "[[directory]]                      # the first one of a domain that reaches a document writes it, others are compared\ndomain = {domain}\npath   = \"{path}\"                   # drapi | das | ldap (persons only) | files\nurl    = {}\nuser   = {}\n# password_file = \"setup.password\"  # or password_fd = 3; left out: asked for\n# database      = \"directory\"       # drapi: the scope; das: the path\n# base          = \"\"                # ldap: where to search\n\n",
        quoted(url),
        quoted(user)
    )
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Audience;

    #[test]
    fn what_is_written_can_be_read() {
        let topologies =
            [Topology::SameDomain, Topology::NotClustered, Topology::DifferentDomains, Topology::Sametime12];
        for topology in topologies {
            for (path, url) in
                [(WritePath::Drapi, "https://mail1.renovation.example:8880"), (WritePath::Files, "")]
            {
                for (host, audience) in [(None, "mail-servers"), (None, "persons"), (Some("im"), "all")] {
                    let nameless = topology == Topology::Sametime12;
                    if nameless && host.is_none() {
                        continue;
                    }
                    let server = |name: &str, domain: &str| ServerAnswer {
                        name: format!("{name}/{domain}"),
                        domain: domain.to_owned(),
                        host: format!("{}.renovation.example", name.to_lowercase()),
                    };
                    let other = if topology == Topology::DifferentDomains { "Chat" } else { "Renovation" };
                    let mut sametime = server("Sametime", other);
                    if nameless {
                        (sametime.name, sametime.domain) = (String::new(), String::new());
                    }
                    let answers = Answers {
                        topology,
                        inotes: vec![server("Mail1", "Renovation"), server("Mail2", "Renovation")],
                        sametime: vec![sametime],
                        dns_domain: ".renovation.example".to_owned(),
                        path,
                        url: url.to_owned(),
                        user: "Setup \"the\" Admin/Renovation".to_owned(),
                        gateway: host.map(|host| GatewayAnswer {
                            host: format!("{host}.renovation.example"),
                            http: false,
                            https: true,
                        }),
                        audience: audience.to_owned(),
                        persons: if audience == "persons" {
                            vec!["Ann \"A\" Archer/Renovation".to_owned()]
                        } else {
                            Vec::new()
                        },
                    };
                    let text = template(&answers);
                    let setup = crate::config::parse(std::path::Path::new("setup.toml"), &text);
                    let setup = setup.unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
                    assert_eq!((setup.topology, setup.inotes().count()), (topology, 2));
                    let word = match &setup.awareness.audience {
                        Audience::All { .. } => "all",
                        Audience::MailServers { .. } => "mail-servers",
                        Audience::Persons { names, .. } if names.len() == 1 => "persons",
                        Audience::Persons { .. } => "somebody else",
                    };
                    assert_eq!(word, audience);
                    assert_eq!(setup.gateway.map(|gateway| gateway.http), host.map(|_| false));
                }
            }
        }
    }
}
