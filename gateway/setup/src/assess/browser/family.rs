//! Which family of URLs a request belongs to, and the words for what was seen of it.

use super::super::Gateway;
use super::super::finding::{Finding, Severity};
use super::super::har::Exchange;
use super::Check;
use crate::items::Mark;

/// What a URL is for, by its path: browser-side.md 2.1, 3.1, 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Sametime Links: scripts and pages.
    Links,
    /// The tunnel of applets.
    Tunnel,
    /// Scripts of the Sametime Proxy.
    Proxy,
    /// REST and long poll of the Sametime Proxy.
    Api,
    /// A Sametime client on the user's own machine.
    Desktop,
    /// A mail file opened as iNotes, with the number of its design file where the URL shows it.
    Mail { forms: Option<u32> },
}

impl Family {
    /// Paths are compared without case, behind an affinity id too.
    pub(super) fn of(exchange: &Exchange) -> Option<Self> {
        let origin = &exchange.url.origin;
        if matches!(origin.host.as_str(), "localhost" | "127.0.0.1") && matches!(origin.port, 59449 | 59669) {
            return Some(Self::Desktop);
        }
        let path = exchange.url.path.to_ascii_lowercase();
        let mut parts = path.split('/').skip(1);
        let (first, second) = (parts.next()?, parts.next().unwrap_or(""));
        let third = parts.next().unwrap_or("");
        let known = |part: &str, next: &str| match (part, next) {
            ("sametime", "stlinks") => Some(Self::Links),
            ("communitycbr", _) => Some(Self::Tunnel),
            ("stwebclient" | "stbaseapi" | "stwebav", _) => Some(Self::Proxy),
            ("stwebapi" | "sametime-auth", _) => Some(Self::Api),
            _ => None,
        };
        known(first, second).or_else(|| known(second, third)).or_else(|| mail(&path))
    }

    pub(super) fn is_sametime(self) -> bool {
        matches!(self, Self::Links | Self::Tunnel | Self::Proxy | Self::Api)
    }

    pub(super) fn is_script(self) -> bool {
        matches!(self, Self::Links | Self::Proxy)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Links => "Sametime Links (/sametime/stlinks)",
            Self::Tunnel => "the applet's tunnel (/CommunityCBR)",
            Self::Proxy => "scripts of the Sametime Proxy (/stwebclient, /stbaseapi)",
            Self::Api => "the Sametime Proxy's REST (/stwebapi)",
            Self::Desktop | Self::Mail { .. } => "",
        }
    }
}

fn mail(path: &str) -> Option<Family> {
    let (_, rest) = path.split_once("/forms").filter(|(before, _)| before.ends_with("inotes")).unzip();
    if let Some(rest) = rest {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).take(4).collect();
        return Some(Family::Mail { forms: digits.parse().ok() });
    }
    (path.contains(".nsf") && (path.contains("/inotes/") || path.contains("/mail/")))
        .then_some(Family::Mail { forms: None })
}

/// The sentence for what was seen.
pub(super) fn finding(check: Check, subject: &str, gateway: &Gateway) -> Finding {
    use Mark::{Inferred, Verified};
    use Severity::{Blocker, Note, Warning};

    const ON_HTTPS: &str =
        "gateway: `[listen] https`, `sametime_protocol = \"page\"`; iNotes_WA_SametimeProtocol unset";
    let host = gateway.host.as_deref().unwrap_or("HOST-OF-THE-GATEWAY");
    match check {
        Check::MixedContent => {
            Finding::new("mixed-content", Blocker, format!("A page on https asks {subject} over http"))
                .because(Verified, "browser-side.md 1.4", "browsers block it, and names stay dark")
                .add("after the gateway took over this host name", ON_HTTPS)
        }
        Check::HttpPage => {
            Finding::new("http-page", Warning, format!("A page on http asks {subject} over https")).because(
                Inferred,
                "browser-side.md 1.4",
                "cookies marked Secure are not sent from such a page, so nobody is known there",
            )
        }
        Check::LocalScripts => {
            let what = format!("Sametime's scripts are loaded from the mail server {subject} itself");
            Finding::new("local-scripts", Blocker, what)
                .because(
                    Inferred,
                    "browser-side.md 1.2",
                    "the page then runs the mail server's own copy, and a gateway at the Sametime host is never asked",
                )
                .add(
                    "Configuration Settings document, iNotes tab, Instant Messaging",
                    "\"Loading \\Sametime from the application server\": off",
                )
        }
        Check::OldTemplate => {
            Finding::new("old-template", Blocker, "The mail file has the iNotes design of Domino 6 or older")
                .because(
                    Verified,
                    "browser-side.md 1.1",
                    "that design reads iNotes_WA_SametimeServer in notes.ini and ignores the Configuration Settings \
                     document",
                )
                .add("the mail file", "replace its design by a current iNotes mail template")
                .add("notes.ini, until then", format!("iNotes_WA_SametimeServer={host}"))
        }
        Check::Template => Finding::new("template", Note, format!("The mail file uses {subject}")).because(
            Inferred,
            "browser-side.md 1.1",
            "designs from release 7 on read the Configuration Settings document",
        ),
        Check::Redirect => {
            Finding::new("redirected-calls", Blocker, format!("Calls of the awareness API are redirected to {subject}"))
                .because(
                    Inferred,
                    "browser-side.md 3.2",
                    "a script follows to a page it cannot read, and across origins the browser refuses; the API must \
                     answer by itself, an expired login with a bare 401",
                )
        }
        Check::Cors => Finding::new("cors", Blocker, format!("Answers to pages of {subject} lack CORS headers"))
            .because(
                Verified,
                "browser-side.md 3.8",
                "Access-Control-Allow-Origin must name that origin, with Access-Control-Allow-Credentials: true, on \
                 401 and 403 as well",
            )
            .add("gateway, sites that may use it", subject.to_owned()),
        Check::Policy => {
            let what = format!("The mail page's content security policy ({subject}) does not let it reach {host}");
            Finding::new("content-policy", Blocker, what)
                .because(Inferred, "browser-side.md 3.8", "the browser blocks the scripts or the calls")
                .add(format!("Content-Security-Policy of the mail server, {subject}"), format!("https://{host}"))
        }
        Check::HostOnlyCookie => {
            Finding::new("cookie-host-only", Blocker, format!("{subject} is set without a Domain"))
                .because(
                    Verified,
                    "domino-directory.md 1.3 and 5 (C14), ltpa.md 6",
                    "it goes back to the mail server only; the gateway never sees it",
                )
                .add("Web SSO Configuration document, DNS Domain", "the domain that both hosts share, with leading dot")
        }
        Check::CookieDomain => {
            Finding::new("cookie-domain", Blocker, format!("{subject}, which does not cover {host}"))
                .because(
                    Verified,
                    "domino-directory.md 1.3 and 5 (C10)",
                    "browsers send the cookie to hosts below its domain only",
                )
                .add("DNS", "a name for the gateway below the cookie's domain")
        }
        Check::SecureCookie => Finding::new("cookie-secure", Note, format!("{subject} is marked Secure")).because(
            Inferred,
            "browser-side.md 1.4",
            "right for https; pages on http have no login then",
        ),
        Check::HttpOnlyCookie => Finding::new("cookie-http-only", Warning, format!("{subject} is marked HttpOnly"))
            .because(
                Verified,
                "browser-side.md 2.3 and 5",
                "pages with Sametime Links look for the cookie by script before they draw a live name, and see none; \
                 the gateway itself does not need it to be readable",
            ),
        Check::SameSite => Finding::new("cookie-same-site", Warning, subject).because(
            Inferred,
            "ltpa.md 6",
            "the cookie stays away where page and gateway are different sites; SameSite=None needs Secure",
        ),
        Check::NoAnswer => Finding::new("no-answer", Blocker, format!("The browser got no answer from {subject}"))
            .because(
                Inferred,
                "browser-side.md 1.4 and 5",
                "blocked, unknown name, or a certificate that the browser does not trust",
            ),
        Check::Refused => Finding::new("refused", Warning, format!("Sametime refused: status {subject}")).because(
            Inferred,
            "browser-side.md 3.2, domino-directory.md 5 (C14, C15)",
            "single sign-on does not work today: keys, domain, clocks or the list of servers differ",
        ),
        Check::Failed => Finding::new("failed", Warning, format!("Sametime failed: status {subject}")).because(
            Inferred,
            "domino-directory.md 1.3",
            "500 with a text about SSO means that the server could not load the Web SSO Configuration document",
        ),
        Check::Applet => Finding::new("applet", Note, "A Java applet is asked for").because(
            Verified,
            "browser-side.md 2.4",
            "no current browser runs it; the gateway's scripts need none",
        ),
        Check::DesktopClient => Finding::new("desktop-client", Note, "The page looks for a Sametime client on the user's machine")
            .because(Verified, "browser-side.md 3.1", "normal: Sametime's scripts try it first"),
        Check::Family => Finding::new("family", Note, format!("The page uses {subject}")).because(
            Verified,
            "browser-side.md 2 and 3",
            "the gateway's routes have to cover these paths",
        ),
    }
}
