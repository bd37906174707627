//! Plans that come with the program. What they model is described in `docs/load-testing.md`.

/// A plan by name.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// What to call it.
    pub name: &'static str,
    /// The plan.
    pub text: &'static str,
}

impl Preset {
    /// The first line of the plan says what it is for.
    pub fn summary(&self) -> &'static str {
        self.text.lines().next().unwrap_or_default().trim_start_matches(['#', ' '])
    }
}

macro_rules! presets {
    ($($name:literal),+ $(,)?) => {
        &[$(Preset { name: $name, text: include_str!(concat!("presets/", $name, ".toml")) }),+]
    };
}

/// All of them.
pub const PRESETS: &[Preset] = presets![
    "smoke",
    "inbox",
    "login-storm",
    "status-storm",
    "reconnect-storm",
    "soak",
    "day",
    "full-off",
    "full-login",
    "server-load-init",
    "server-load-im-70",
    "server-load-im-75",
];
