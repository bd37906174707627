//! `logins` of `[[route]]`.

use crate::config::section::Section;
use crate::config::value::LoginWord;
use crate::config::{AuthPolicy, Logins, Serve};

pub(super) fn read(section: &Section<'_>, serve: Option<&Serve>, auth: AuthPolicy) -> Logins {
    let given = section.list::<LoginWord>("logins");
    if !section.has("logins") {
        return Logins::default();
    }
    let has = |word: LoginWord| given.iter().any(|given| given.value == word);
    let logins = Logins {
        token: has(LoginWord::Token),
        password: has(LoginWord::Password),
        anonymous: has(LoginWord::Anonymous),
    };
    if serve.is_some_and(|serve| !matches!(serve, Serve::Awareness(_))) {
        section.wrong("logins", "has a meaning only with serve = \"awareness\"");
    }
    if section.is_empty_list("logins") {
        section.wrong("logins", "the list is empty; leave the key out to mean [\"token\"]");
    }
    if (logins.password || logins.anonymous) && auth == AuthPolicy::Required {
        let text = "whoever logs in without a token has none to show; write auth = \"optional\"";
        section.wrong("logins", text);
    }
    logins
}
