//! The gateway's routes that correspond to what `notes.ini` says about Sametime (browser-side.md 1.2).
//!
//! Pure: settings in, text and remarks out. Writes routes only: listeners, keys and communities are not in that
//! file. Which values `iNotes_WA_SametimeProtocol` takes is inferred, not documented.

use crate::ini::{Entry, IniFile};

/// What browsers ask of a Sametime Proxy (browser-side.md 3.1).
const PROXY_PATHS: [&str; 4] = ["/stwebapi", "/stwebclient", "/stbaseapi", "/stwebav"];

/// What was made of a `notes.ini`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// `[[route]]` sections for `livename.toml`; empty if no setting gave one.
    pub toml: String,
    /// One sentence for each setting that could not be turned into a route.
    pub unmapped: Vec<String>,
}

/// Where a web server is, as a setting gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    tls: bool,
    /// `host` or `host:port`.
    authority: String,
}

/// Makes routes of the `iNotes_WA_Sametime*` settings.
pub fn from_notes_ini(ini: &IniFile) -> Draft {
    let mut draft = Draft::default();
    let scheme = scheme(ini, &mut draft);
    proxy(ini, &mut draft);
    server(ini, scheme, &mut draft);
    if !draft.toml.is_empty()
        && let Some(entry) = ini.find("iNotes_WA_SametimeProtocol")
    {
        draft.unmapped.push(said(
            entry,
            "take the line out of notes.ini when the gateway serves: pages then use their own scheme, and the gateway \
             bridges it",
        ));
    }
    for entry in ini.entries().iter().filter(|entry| concerns_sametime(&entry.name)) {
        let known = ["Protocol", "Server", "ProxyServer", "ProxyServerSSL"];
        let is_known = known.iter().any(|end| entry.name.eq_ignore_ascii_case(&format!("{PREFIX}{end}")));
        if !is_known {
            draft.unmapped.push(said(entry, advice(&entry.name)));
        }
    }
    draft
}

const PREFIX: &str = "iNotes_WA_Sametime";

fn concerns_sametime(name: &str) -> bool {
    name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

fn advice(name: &str) -> &'static str {
    if name.eq_ignore_ascii_case("iNotes_WA_SametimeNameFormat") {
        "how names are written is no matter of a route; see names = in [sso]"
    } else {
        "what it means is not known here; no route was made of it"
    }
}

/// The scheme that Sametime's own web server speaks, if the file says so.
fn scheme(ini: &IniFile, draft: &mut Draft) -> Option<bool> {
    let entry = ini.find("iNotes_WA_SametimeProtocol")?;
    match entry.value.to_ascii_lowercase().trim_end_matches("://").trim_end_matches(':') {
        "http" => Some(false),
        "https" => Some(true),
        _ => {
            draft.unmapped.push(said(entry, "only http and https are known as values"));
            None
        }
    }
}

/// The Sametime Proxy: a base URL for https pages, and very likely one for http pages.
fn proxy(ini: &IniFile, draft: &mut Draft) {
    let mut places = Vec::new();
    for name in ["iNotes_WA_SametimeProxyServerSSL", "iNotes_WA_SametimeProxyServer"] {
        let Some(entry) = ini.find(name) else { continue };
        match Place::of_url(&entry.value) {
            Some(place) => places.push((entry, place)),
            None => {
                draft.unmapped.push(said(entry, "it is no URL of a host, such as https://stweb.acme.example"))
            }
        }
    }
    let Some(((entry, upstream), rest)) = places.split_first() else { return };
    let aliases: Vec<_> =
        rest.iter().map(|(_, place)| place).filter(|place| *place != upstream).cloned().collect();
    for path in PROXY_PATHS {
        let why = format!("{} (line {})", entry.name, entry.line);
        // That is where the long poll is.
        let waits = path == "/stwebapi";
        draft.toml.push_str(&route(path, upstream, &aliases, waits, &why));
    }
}

/// The classic Sametime server, which has the scripts of Sametime Links and everything else.
fn server(ini: &IniFile, scheme: Option<bool>, draft: &mut Draft) {
    let Some(entry) = ini.find("iNotes_WA_SametimeServer") else {
        if scheme.is_some() {
            draft.unmapped.push(
                "No setting names the Sametime server: each user's SametimeServer field does. Add a route to that \
                 server's Internet host name."
                    .to_owned(),
            );
        }
        return;
    };
    let Some(authority) = authority(&entry.value) else {
        draft.unmapped.push(said(
            entry,
            "it is no Internet host name; look it up in the Server document and add a route to it",
        ));
        return;
    };
    let place = |tls| Place { tls, authority: authority.to_owned() };
    let why = format!("{} (line {})", entry.name, entry.line);
    let (upstream, aliases) = match scheme {
        Some(tls) => (place(tls), vec![]),
        None => {
            draft.unmapped.push(
                "Nothing says whether the Sametime server speaks http or https: http is written, with https as an \
                 alias. Change the two if it speaks https only."
                    .to_owned(),
            );
            (place(false), vec![place(true)])
        }
    };
    draft.toml.push_str(&route("/", &upstream, &aliases, false, &why));
}

/// `waits`: an answer may take as long as the browser waits for it. The others have the limit of the presets.
fn route(path: &str, upstream: &Place, aliases: &[Place], waits: bool, why: &str) -> String {
    let mut lines =
        format!("# from {why}\n[[route]]\npath      = \"{path}\"\nupstreams = [\"{}\"]\n", upstream.url());
    if !aliases.is_empty() {
        let urls: Vec<_> = aliases.iter().map(|alias| format!("\"{}\"", alias.url())).collect();
        lines.push_str(&format!("aliases   = [{}]\n", urls.join(", ")));
    }
    lines.push_str("sametime_protocol = \"page\"\nauth      = \"off\"\n");
    if !waits {
        lines.push_str("head_timeout = \"60s\"\n");
    }
    lines.push('\n');
    lines
}

fn said(entry: &Entry, what: &str) -> String {
    format!("Line {}, {}: {what}.", entry.line, entry.name)
}

impl Place {
    /// `https://host[:port]`, with or without a slash at the end. Paths are lost, and so are not taken.
    fn of_url(url: &str) -> Option<Self> {
        let (scheme, rest) = url.trim().split_once("://")?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let authority = authority(rest.strip_suffix('/').unwrap_or(rest))?.to_owned();
        Some(Self { tls, authority })
    }

    fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.authority)
    }
}

/// A host name with or without a port, and nothing else.
fn authority(text: &str) -> Option<&str> {
    let text = text.trim();
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let good = !host.is_empty()
        && host.chars().all(plain)
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    good.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(text: &str) -> Draft {
        from_notes_ini(&IniFile::parse(text))
    }

    #[test]
    fn a_server_and_its_scheme_become_a_route() {
        let draft =
            draft("[Notes]\niNotes_WA_SametimeServer=st1.acme.example\niNotes_WA_SametimeProtocol=https\n");
        assert_eq!(
            draft.toml,
            "# from iNotes_WA_SametimeServer (line 2)\n[[route]]\npath      = \"/\"\n\
             upstreams = [\"https://st1.acme.example\"]\nsametime_protocol = \"page\"\nauth      = \"off\"\n\
             head_timeout = \"60s\"\n\n"
        );
        let [only] = &draft.unmapped[..] else { panic!("{:?}", draft.unmapped) };
        assert!(only.starts_with("Line 3, iNotes_WA_SametimeProtocol: take the line out"), "{only}");
    }

    #[test]
    fn a_proxy_gets_its_paths_and_a_server_without_a_scheme_both() {
        let draft = draft(
            "inotes_wa_sametimeproxyserverssl=https://stweb.acme.example:9443/\n\
             iNotes_WA_SametimeProxyServer=http://stweb.acme.example\niNotes_WA_SametimeServer=st1.acme.example",
        );
        assert_eq!(draft.toml.matches("[[route]]").count(), PROXY_PATHS.len() + 1);
        let limited = draft.toml.split("[[route]]").filter(|route| route.contains("head_timeout = \"60s\""));
        let limited: Vec<_> = limited.filter_map(|route| route.split('"').nth(1)).collect();
        assert_eq!(limited, ["/stwebclient", "/stbaseapi", "/stwebav", "/"], "polls may hang");
        let first = "path      = \"/stwebapi\"\nupstreams = [\"https://stweb.acme.example:9443\"]\n\
                     aliases   = [\"http://stweb.acme.example\"]\n";
        assert!(draft.toml.contains(first), "{}", draft.toml);
        assert!(draft.toml.contains("aliases   = [\"https://st1.acme.example\"]"), "{}", draft.toml);
        assert_eq!(draft.unmapped.len(), 1);
    }

    #[test]
    fn what_is_not_understood_is_said_by_line() {
        let draft = draft(
            "iNotes_WA_SametimeProtocol=gopher\niNotes_WA_SametimeServer=CN=st1/O=Acme\n\
             iNotes_WA_SametimeProxyServerSSL=stweb/x\niNotes_WA_SametimeNameFormat=1\niNotes_WA_SametimeOther=\n\
             iNotes_WA_Chat=1\nKey=\"quoted\"\n",
        );
        assert_eq!(draft.toml, "");
        let lines: Vec<_> = draft.unmapped.iter().map(|text| text.split(',').next().unwrap()).collect();
        assert_eq!(lines, ["Line 1", "Line 3", "Line 2", "Line 4", "Line 5"]);
        assert_eq!(from_notes_ini(&IniFile::parse("[Notes]\nServerName=x")), Draft::default());
    }
}
