//! The `setup.toml` that `setup init` writes: what was answered, and every other key with what it means.

use crate::config::{Topology, WritePath};

/// What was answered. Texts go into the file as they are; reading it checks them.
#[derive(Clone, Debug)]
pub struct Answers {
    pub topology: Topology,
    pub inotes: (String, String),
    /// Empty for Sametime 12.
    pub sametime: (String, String),
    /// Domino domains of the two.
    pub domains: (String, String),
    pub dns_domain: String,
    pub path: WritePath,
    pub url: String,
    pub user: String,
    /// `None` without a gateway.
    pub gateway: Option<String>,
}

/// The file.
pub fn template(answers: &Answers) -> String {
    let Answers { topology, inotes, sametime, domains, dns_domain, path, url, user, gateway } = answers;
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
    let sametime_name = if nameless {
        String::new()
    } else {
        format!("name   = {}\ndomain = {}\n", quoted(&sametime.0), quoted(&domains.1))
    };
    let peer = if nameless {
        "\n[sso.sametime]                     # what the Sametime side makes and takes, to compare\ntoken_format = \"both\"              # ltpa1 | ltpa2 | both\nlifetime     = 120                 # minutes\n"
    } else {
        ""
    };
    let mut accesses = access(&domains.0, path_word, url, user);
    if *topology == Topology::DifferentDomains {
        accesses.push_str(&access(&domains.1, "files", "", ""));
    }
    let gateway = match gateway {
        Some(host) => format!(
            "[gateway]\nhost = {}   # its own name: not that of a server\nhttp  = true                       # which schemes it listens on\nhttps = true\n",
            quoted(host)
        ),
        None => "# [gateway]\n# host = \"im.renovation.example\"\n".to_owned(),
    };
    let audience = if gateway.starts_with('#') && !nameless { "mail-servers" } else { "all" };
    format!(
        r#"# Setting up awareness in iNotes. `livename setup plan` says what it would do; nothing is written before `apply --yes`.

# same-domain: Sametime is clustered with the registration server | not-clustered | different-domains | sametime-12 (without Domino)
topology = "{topology_word}"

[[server]]
role   = "inotes"
name   = {}
domain = {}                        # the Domino domain, not the DNS domain
host   = {}
# web    = "https://mail1.renovation.example"      # its web server, for `verify`; left out: as [probe] login

[[server]]
role   = "sametime"
{sametime_name}host   = {}
# web    = "http://sametime.renovation.example"

{accesses}
[sso]
domain = {}                        # with the leading dot
# name         = "LtpaToken"
# expiration   = 120               # minutes; left out: as it is
# organization = "Renovation"      # only with Internet Sites
# auth         = "secrets-and-tokens"   # only if a server of the domain cannot use SSO
{peer}
[awareness]
for = "{audience}"                 # all: by host name, for everybody | mail-servers, persons: by server name, in Person documents
# applies_to   = ["Mail1/Renovation"]   # all: these mail servers (a pilot), or "*"
# persons      = ["Ann Archer/Renovation"]
# persons_file = "persons.txt"     # one name a line
# overwrite    = false             # change Person documents that name another Sametime server

{gateway}
# [connection]
# literal  = false                 # true: server names in the domain fields, word by word as the vendor's procedure has it
# interval = 30                    # minutes
# registration_server = "Mail1/Renovation"

# [items]
# file = "items.toml"              # names of items that no public source has; `livename setup discover` writes it

# [probe]                          # two test users, for `verify`
# user  = "Ann Archer/Renovation"  # full names, so that their Person documents are found
# password_file = "ann.password"
# other = "Bo Baker/Renovation"
# other_password_file = "bo.password"
# login  = "https://mail1.renovation.example"
# events = "https://im.renovation.example"       # the gateway, once it runs
# community = "sametime.renovation.example:1533" # before that: both log in to the community itself
"#,
        quoted(&inotes.0),
        quoted(&domains.0),
        quoted(&inotes.1),
        quoted(&sametime.1),
        quoted(dns_domain),
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
        "[[directory]]                      # the first one of a domain is written, others are compared\ndomain = {domain}\npath   = \"{path}\"                   # drapi | das | ldap (persons only) | files\nurl    = {}\nuser   = {}\n# password_file = \"setup.password\"  # or password_fd = 3; left out: asked for\n# database      = \"directory\"       # drapi: the scope; das: the path\n# base          = \"\"                # ldap: where to search\n\n",
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

    #[test]
    fn what_is_written_can_be_read() {
        let topologies =
            [Topology::SameDomain, Topology::NotClustered, Topology::DifferentDomains, Topology::Sametime12];
        for topology in topologies {
            for (path, url) in
                [(WritePath::Drapi, "https://mail1.renovation.example:8880"), (WritePath::Files, "")]
            {
                for gateway in [None, Some("im.renovation.example".to_owned())] {
                    let other = if topology == Topology::DifferentDomains { "Chat" } else { "Renovation" };
                    let answers = Answers {
                        topology,
                        inotes: ("Mail1/Renovation".to_owned(), "mail1.renovation.example".to_owned()),
                        sametime: (
                            "Sametime/Renovation".to_owned(),
                            "sametime.renovation.example".to_owned(),
                        ),
                        domains: ("Renovation".to_owned(), other.to_owned()),
                        dns_domain: ".renovation.example".to_owned(),
                        path,
                        url: url.to_owned(),
                        user: "Setup \"the\" Admin/Renovation".to_owned(),
                        gateway,
                    };
                    let text = template(&answers);
                    let setup = crate::config::parse(std::path::Path::new("setup.toml"), &text);
                    let setup = setup.unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
                    assert_eq!(setup.topology, topology);
                }
            }
        }
    }
}
