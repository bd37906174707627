//! Which path names which file. Domino's paths have no case, and a route may stand below an affinity id: the
//! end of the path decides.

use std::sync::LazyLock;

use super::bundle::File;
use super::icons;

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

/// The parts that all families share: the connection, and what is drawn.
const CORE: [&str; 6] = [
    include_str!("core/transports.js"),
    include_str!("core/line.js"),
    include_str!("core/presence.js"),
    include_str!("core/sign_in.js"),
    include_str!("names/words.js"),
    include_str!("names/names.js"),
];
const CSS: &str = include_str!("names/names.css");

const NOTE: &str = "// Livename: live names for pages. Documentation: docs/pages.md; commented source: gateway/src/scripts.\n";

struct Files {
    module: File,
    rest: File,
    why: File,
    notice: File,
    links: File,
    proxy: File,
    style: File,
    /// Names bring their style along; the theme of the vendor's widgets is only asked for.
    theme: File,
    /// For files that pages load beside the script and that have nothing to say here.
    silence: File,
    icons: Vec<(&'static str, File)>,
}

static FILES: LazyLock<Files> = LazyLock::new(|| {
    let shared = || CORE.concat() + &icons::shapes() + &style();
    let classic = |family: &str| format!("(() => {{\n\"use strict\";\n{}{family}}})();\n", shared());
    Files {
        module: script(&(shared() + include_str!("families/module.js"))),
        rest: script(include_str!("core/rest.js")),
        why: script(include_str!("core/why.js")),
        notice: script(include_str!("core/notice.js")),
        links: script(&classic(include_str!("families/stlinks.js"))),
        proxy: script(&classic(include_str!("families/stproxy.js"))),
        style: File::new(STYLE, CSS),
        theme: File::new(STYLE, "/* Live names bring their style along. */\n"),
        silence: File::new(SCRIPT, "// Everything is in the main script.\n"),
        icons: icons::ICONS.iter().map(|icon| (icon.0, File::new(IMAGE, &icons::svg(*icon)))).collect(),
    }
});

/// A script as it is sent: readable, without the lines that are comments.
fn script(source: &str) -> File {
    let is_comment = |line: &&str| ["//", "/**", "*"].iter().any(|mark| line.trim_start().starts_with(mark));
    let code: String =
        source.lines().filter(|line| !is_comment(line)).flat_map(|line| [line, "\n"]).collect();
    File::new(SCRIPT, &(NOTE.to_owned() + &code))
}

/// The style sheet as the scripts wear it.
fn style() -> String {
    format!("const STYLE = {};\n", serde_json::Value::from(CSS))
}

/// The file of a path, as sent.
pub(super) fn find(path: &str) -> Option<&'static File> {
    let path = path.to_ascii_lowercase();
    let below = |folder: &str| path.rsplit_once(folder).map(|(_, rest)| rest);
    if let Some(rest) = below("/livename/v1/") {
        return match rest {
            "events.js" => Some(&FILES.module),
            "rest.js" => Some(&FILES.rest),
            "why.js" => Some(&FILES.why),
            "notice.js" => Some(&FILES.notice),
            "names.css" => Some(&FILES.style),
            _ => None,
        };
    }
    if let Some(rest) = below("/sametime/stlinks/") {
        return links(rest);
    }
    below("/stwebclient/").or_else(|| below("/stbaseapi/")).and_then(proxy)
}

/// browser-side.md 2.1.
fn links(rest: &str) -> Option<&'static File> {
    match rest {
        "stlinks.js" => Some(&FILES.links),
        // Pages link it in front of the script.
        "stlinks.css" => Some(&FILES.theme),
        "hostinfo.js" => Some(&FILES.silence),
        _ if rest.ends_with("/res.js") && rest.len() <= "zh-hant/res.js".len() => Some(&FILES.silence),
        _ => icon(rest),
    }
}

/// browser-side.md 3.1. `latest/` and version folders may stand before the name.
fn proxy(rest: &str) -> Option<&'static File> {
    let name = rest.rsplit('/').next().unwrap_or(rest);
    match name {
        "include.js" | "basecomps.js" | "livename.js" | "livenamelight.js" | "widgets.js"
        | "widgetslight.js" => Some(&FILES.proxy),
        "openajaxmanagedhub-all.js" => Some(&FILES.silence),
        _ if rest.contains("themes/") && name.ends_with(".css") => Some(&FILES.theme),
        _ => icon(rest),
    }
}

fn icon(rest: &str) -> Option<&'static File> {
    let name = rest.strip_prefix("images/")?.strip_suffix(".svg")?;
    FILES.icons.iter().find(|(known, _)| *known == name).map(|(_, file)| file)
}
