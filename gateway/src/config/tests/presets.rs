//! The routes that are handed out for each release of Sametime.

use super::Folder;
use crate::config::{Route, Serve};

/// What a preset is put below.
const BASE: &str = r#"
[listen]
http = ["127.0.0.1:0"]
[sso]
domain = ".renovation.example"
[[sso.cookie]]
name   = "LtpaToken"
format = "domino"
[[sso.key]]
id     = "2026"
format = "domino"
secret_file = "domino.secret"
[[community]]
name     = "renovation"
servers  = ["st1.renovation.example:1533"]
own_presence = "login"
privacy      = "own"
"#;

macro_rules! preset {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/presets/sametime-", $name, ".toml")),
        )
    };
}

const PRESETS: [(&str, &str); 3] = [preset!("8.5-9"), preset!("10-11"), preset!("12")];

#[test]
fn every_preset_is_a_configuration_with_awareness_the_proxy_and_the_rest() {
    for (name, text) in PRESETS {
        let config = Folder::new().load(&format!("{BASE}{text}"));
        let config = config.unwrap_or_else(|errors| panic!("{name}: {errors}"));
        let serve = |path: &str| {
            let route: Option<&Route> =
                config.routes.iter().map(AsRef::as_ref).find(|route| route.path == path);
            route.map(|route| &route.serve)
        };
        assert!(matches!(serve("/livename"), Some(Serve::Awareness(..))), "{name}");
        assert!(matches!(serve("/stwebapi"), Some(Serve::Upstream(..))), "{name}");
        assert!(matches!(serve("/"), Some(Serve::Upstream(..))), "{name}");
    }
}

/// A web server that hangs must not hang the pages for ever; polls wait as long as they like.
#[test]
fn every_preset_gives_up_on_pages_that_do_not_come_but_never_on_polls() {
    for (name, text) in PRESETS {
        let config = Folder::new().load(&format!("{BASE}{text}")).unwrap();
        for route in &config.routes {
            let Serve::Upstream(upstream) = &route.serve else { continue };
            let waits = route.path == "/stwebapi" || route.path.contains("CBR");
            assert_eq!(upstream.head_timeout.is_none(), waits, "{name}: {}", route.path);
        }
    }
}
