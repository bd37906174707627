//! From a request to a command: the table of browser-side.md 3.4, with the session calls of 3.3.

use crate::secret::Secret;

use super::parameters::{Parameters, Verb};
use super::{ScriptStatus, percent};

/// What a page wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Log in.
    Connect(Connect),
    /// Log out.
    Disconnect,
    /// Join the event channel.
    Join {
        /// The session of the path.
        sid: String,
    },
    /// Leave the event channel; the session stays for the grace time.
    Leave,
    /// Let the hanging poll be answered.
    EndUpdate,
    /// Wait for news.
    Poll {
        /// Number of the last answer that was read, if the client counts.
        ack: Option<u64>,
    },
    /// Set the own status.
    SetStatus {
        /// What.
        status: ScriptStatus,
        /// The text; `None` keeps none.
        message: String,
    },
    /// Tell the own status.
    OwnStatus,
    /// Watch people, by any names.
    Watch(Vec<String>),
    /// Stop watching them, or everybody.
    Unwatch(Option<Vec<String>>),
    /// Watch the members of a group.
    WatchGroup(String),
    /// Stop watching them.
    UnwatchGroup(String),
    /// Tell the status of people once.
    ReadStatus(Vec<String>),
    /// No updates for now.
    Suspend,
    /// Updates again, everything first.
    Resume,
    /// Watch attributes, or stop it.
    Attributes {
        /// Which.
        names: Vec<String>,
        /// Watch.
        add: bool,
    },
    /// The contact list.
    Contacts {
        /// Persons.
        people: bool,
        /// Groups.
        groups: bool,
        /// Only private or only public ones.
        private: Option<bool>,
        /// Watch everybody in it, too.
        watch: bool,
    },
    /// Change the contact list.
    Edit(Edit),
    /// A text for several people.
    Announce {
        /// Whom.
        receivers: Vec<String>,
        /// What.
        message: String,
        /// Whether they may answer.
        may_reply: bool,
    },
    /// Find people and groups by the beginning of their names.
    Find {
        /// The beginning.
        text: String,
        /// Only persons, or only groups.
        people: Option<bool>,
    },
    /// The business card.
    UserInfo(String),
    /// Who may see the user.
    Privacy,
    /// Set who may see the user.
    SetPrivacy {
        /// The list.
        list: Vec<String>,
        /// Those in the list may not see the user; otherwise only they may.
        excluding: bool,
    },
    /// The preferences, or one.
    Preferences(Option<String>),
    /// Set a preference.
    SetPreference {
        /// Which.
        name: String,
        /// Its value.
        value: String,
    },
    /// Whether somebody is logged in.
    LoggedIn,
    /// Begin a chat with somebody, or say something in it.
    Chat {
        /// With whom.
        user: String,
        /// What; nothing only begins the chat.
        text: Option<String>,
    },
    /// Say that the user is typing, or has stopped.
    Typing {
        /// To whom.
        user: String,
        /// Whether they type.
        typing: bool,
    },
    /// Chats of more than two, meetings, calls: not of this program.
    Elsewhere,
}

/// How somebody logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    /// By what.
    pub method: LoginMethod,
    /// The user's name as typed; empty if not given.
    pub user: String,
    /// Empty if not given.
    pub password: Secret,
    /// A token that is no cookie, such as one of Sametime's "secrets and tokens"; empty if not given. Its parameter
    /// has no published name.
    pub token: Secret,
}

/// `loginMethod`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginMethod {
    /// By the cookie of the request.
    Token,
    /// By name and password.
    Password,
    /// By nothing.
    Anonymous,
}

/// A change of the contact list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// A person into a group.
    AddUser {
        /// Who.
        user: String,
        /// Display name, if another.
        name: Option<String>,
        /// The group; the first one if not given.
        group: Option<String>,
    },
    /// Out of a group, or of all.
    RemoveUser {
        /// Who.
        user: String,
        /// The group.
        group: Option<String>,
    },
    /// Another display name for a person.
    RenameUser {
        /// Who.
        user: String,
        /// The new name.
        name: String,
    },
    /// A new group.
    AddGroup {
        /// Its name.
        group: String,
        /// Private, or one of the directory.
        private: bool,
    },
    /// Away with a group.
    RemoveGroup(String),
    /// Another name for a group.
    RenameGroup {
        /// Old.
        old: String,
        /// New.
        new: String,
    },
}

/// Why a request is no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// No such resource (404).
    Unknown,
    /// Not with this verb (405).
    Verb,
    /// A required parameter is missing (400).
    Missing(&'static str),
    /// A parameter cannot be that (400).
    Bad(&'static str),
}

impl Command {
    /// Whether there are commands below that path; `path` is what stands behind `/stwebapi/`, as sent. Without
    /// `chat` those of chats are none, and what is [`Command::Elsewhere`] never is one.
    pub fn is_known(path: &str, chat: bool) -> bool {
        let mut segments = path.trim_end_matches('/').split('/');
        match segments.next().unwrap_or_default() {
            "user" => matches!(segments.next(), Some("connect" | "status" | "privacy")),
            "RTCServlet" | "presence" | "buddylist" | "quickfind" | "userinfo" | "preferences" => true,
            "connectweb" => segments.next() == Some("loggedin"),
            "chat" => chat && segments.next().is_none(),
            _ => false,
        }
    }

    /// Reads a request. `path` is what stands behind `/stwebapi/`, as sent.
    ///
    /// # Errors
    /// [`Wrong`] says with which status to answer.
    pub fn read(verb: Verb, path: &str, all: &Parameters) -> Result<Self, Wrong> {
        let segments: Vec<String> =
            path.trim_end_matches('/').split('/').map(|segment| percent::decode(segment, false)).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["user", rest @ ..] => user(verb, rest, all),
            ["RTCServlet", rest @ ..] => servlet(verb, rest, all),
            ["presence", rest @ ..] => presence(verb, rest, all),
            ["buddylist", rest @ ..] => contacts(verb, rest, all),
            ["quickfind"] => only(verb, Verb::Get, || {
                Ok(Self::Find { text: must(all, "searchString")?, people: all.flag("isUser") })
            }),
            ["userinfo"] => only(verb, Verb::Get, || Ok(Self::UserInfo(must(all, "userId")?))),
            ["userinfo", user] => only(verb, Verb::Get, || Ok(Self::UserInfo((*user).to_owned()))),
            ["preferences"] => preferences(verb, None, all),
            ["preferences", name] => preferences(verb, Some(name), all),
            ["connectweb", "loggedin"] => only(verb, Verb::Get, || Ok(Self::LoggedIn)),
            ["chat"] => chat(verb, all),
            ["chat" | "call" | "conference" | "nway" | "convomap", ..] => Ok(Self::Elsewhere),
            _ => Err(Wrong::Unknown),
        }
    }
}

fn user(verb: Verb, path: &[&str], all: &Parameters) -> Result<Command, Wrong> {
    match (path, verb) {
        (["connect"], Verb::Post) => connect(all).map(Command::Connect),
        (["connect"], Verb::Delete) => Ok(Command::Disconnect),
        (["status"], Verb::Get) => Ok(Command::OwnStatus),
        (["status"], Verb::Post | Verb::Put) => {
            let status = must(all, "status")?.parse().map_err(|_| Wrong::Bad("status"))?;
            let status = ScriptStatus(status);
            status.to_own().ok_or(Wrong::Bad("status"))?;
            let message = all.given("statusMessage").unwrap_or_default().to_owned();
            Ok(Command::SetStatus { status, message })
        }
        (["privacy"], Verb::Get) => Ok(Command::Privacy),
        (["privacy"], Verb::Post | Verb::Put) => {
            let excluding = all.flag("isExcluding").ok_or(Wrong::Missing("isExcluding"))?;
            Ok(Command::SetPrivacy { list: all.list("list").unwrap_or_default(), excluding })
        }
        (["connect" | "status" | "privacy"], _) => Err(Wrong::Verb),
        _ => Err(Wrong::Unknown),
    }
}

fn connect(all: &Parameters) -> Result<Connect, Wrong> {
    let (user, password) = (all.text("username"), all.text("password"));
    let method = match all.text("loginMethod") {
        Some("byToken") => LoginMethod::Token,
        Some("byPassword") => LoginMethod::Password,
        Some("anonymous") => LoginMethod::Anonymous,
        Some(_) => return Err(Wrong::Bad("loginMethod")),
        None if password.is_some() => LoginMethod::Password,
        None => LoginMethod::Token,
    };
    if method == LoginMethod::Password {
        user.ok_or(Wrong::Missing("username"))?;
        password.ok_or(Wrong::Missing("password"))?;
    }
    let secret = |text: Option<&str>| Secret::from(text.unwrap_or_default());
    let user = user.unwrap_or_default().to_owned();
    Ok(Connect { method, user, password: secret(password), token: secret(all.text("token")) })
}

fn servlet(verb: Verb, path: &[&str], all: &Parameters) -> Result<Command, Wrong> {
    match (path, verb) {
        ([] | [""], Verb::Get) => {
            Ok(Command::Poll { ack: all.text("ack").and_then(|number| number.parse().ok()) })
        }
        ([sid, "user"], Verb::Put | Verb::Post) => Ok(Command::Join { sid: (*sid).to_owned() }),
        ([_, "user"], Verb::Delete) => Ok(Command::Leave),
        ([_, "endUpdate"], Verb::Put | Verb::Post) => Ok(Command::EndUpdate),
        ([] | [""] | [_, "user" | "endUpdate"], _) => Err(Wrong::Verb),
        _ => Err(Wrong::Unknown),
    }
}

fn presence(verb: Verb, path: &[&str], all: &Parameters) -> Result<Command, Wrong> {
    let users = || all.list("users");
    match (path, verb) {
        ([], Verb::Post) => match (users(), all.text("groupId")) {
            (Some(users), _) => Ok(Command::Watch(users)),
            (None, Some(group)) => Ok(Command::WatchGroup(group.to_owned())),
            (None, None) => Err(Wrong::Missing("users")),
        },
        ([], Verb::Delete) => match (users(), all.text("groupId")) {
            (None, Some(group)) => Ok(Command::UnwatchGroup(group.to_owned())),
            (users, _) => Ok(Command::Unwatch(users)),
        },
        (["status"], Verb::Get) => users().map(Command::ReadStatus).ok_or(Wrong::Missing("users")),
        (["status"], Verb::Delete) => Ok(Command::Suspend),
        (["status"], Verb::Post) => Ok(Command::Resume),
        (["attributes"], Verb::Post | Verb::Delete) => {
            let names = all.list("attributes").ok_or(Wrong::Missing("attributes"))?;
            Ok(Command::Attributes { names, add: verb == Verb::Post })
        }
        ([] | ["status" | "attributes"], _) => Err(Wrong::Verb),
        _ => Err(Wrong::Unknown),
    }
}

fn contacts(verb: Verb, path: &[&str], all: &Parameters) -> Result<Command, Wrong> {
    let group = || all.text("groupId").map(str::to_owned);
    let list = |people, groups| Command::Contacts {
        people,
        groups,
        private: all.flag("isPrivate").filter(|_| people != groups),
        watch: all.flag("isWatchList") == Some(true),
    };
    Ok(match (path, verb) {
        ([], Verb::Get) => list(true, true),
        (["users"], Verb::Get) => list(true, false),
        (["groups"], Verb::Get) => list(false, true),
        (["user"], Verb::Post) => {
            let name = all.text("newUserDisplayName").map(str::to_owned);
            Command::Edit(Edit::AddUser { user: must(all, "userId")?, name, group: group() })
        }
        (["user"], Verb::Delete) => {
            Command::Edit(Edit::RemoveUser { user: must(all, "userId")?, group: group() })
        }
        (["user"], Verb::Put) => {
            let name = must(all, "newUserDisplayName")?;
            Command::Edit(Edit::RenameUser { user: must(all, "userId")?, name })
        }
        (["group"], Verb::Post) => {
            let private = all.flag("isPrivate").unwrap_or(true);
            Command::Edit(Edit::AddGroup { group: must(all, "groupId")?, private })
        }
        (["group"], Verb::Delete) => Command::Edit(Edit::RemoveGroup(must(all, "groupId")?)),
        (["group"], Verb::Put) => {
            let new = must(all, "newGroupId")?;
            Command::Edit(Edit::RenameGroup { old: must(all, "oldGroupId")?, new })
        }
        (["alerts"], Verb::Post) => Command::Announce {
            receivers: all.list("receivers").ok_or(Wrong::Missing("receivers"))?,
            message: must(all, "message")?,
            may_reply: all.flag("isAllowed").unwrap_or(false),
        },
        ([] | ["users" | "groups" | "user" | "group" | "alerts"], _) => return Err(Wrong::Verb),
        _ => return Err(Wrong::Unknown),
    })
}

fn chat(verb: Verb, all: &Parameters) -> Result<Command, Wrong> {
    let user = || must(all, "userId");
    match verb {
        Verb::Post => Ok(Command::Chat { user: user()?, text: all.text("msg").map(str::to_owned) }),
        Verb::Put => {
            let typing = all.flag("typing").ok_or(Wrong::Missing("typing"))?;
            Ok(Command::Typing { user: user()?, typing })
        }
        Verb::Get | Verb::Delete => Err(Wrong::Verb),
    }
}

fn preferences(verb: Verb, name: Option<&str>, all: &Parameters) -> Result<Command, Wrong> {
    match verb {
        Verb::Get => Ok(Command::Preferences(name.map(str::to_owned))),
        Verb::Post | Verb::Put => {
            let name = name.map_or_else(|| must(all, "name"), |name| Ok(name.to_owned()))?;
            let value = all.given("value").ok_or(Wrong::Missing("value"))?.to_owned();
            Ok(Command::SetPreference { name, value })
        }
        Verb::Delete => Err(Wrong::Verb),
    }
}

fn must(all: &Parameters, name: &'static str) -> Result<String, Wrong> {
    all.text(name).map(str::to_owned).ok_or(Wrong::Missing(name))
}

fn only(
    verb: Verb,
    wanted: Verb,
    command: impl FnOnce() -> Result<Command, Wrong>,
) -> Result<Command, Wrong> {
    if verb == wanted { command() } else { Err(Wrong::Verb) }
}

#[cfg(test)]
mod tests;
