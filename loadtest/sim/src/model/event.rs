//! What logins do and what they are told: the words of [`super::Community::apply`].
//!
//! One variant per message of `vp-wire.md` 3, 8 and 9 that has a meaning for the community. Channel
//! numbers, versions and encryption stay with the connection.

use std::sync::Arc;

use bytes::Bytes;
use protocol::presence::{PersonId, Presence, Status};
use protocol::secret::Secret;
use protocol::vp::message::{EncryptionChoice, EncryptionOffer};
use protocol::vp::reason::Reason;
use protocol::vp::service::Service;

use super::settings::PrivacyList;

/// One login, numbered by whoever drives the community; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginId(pub u64);

/// One relayed channel between two logins, numbered by whoever drives the community.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChatId(pub u64);

/// What a login did.
#[derive(Clone, Debug)]
pub enum Event {
    /// Asks to be let in.
    LogIn(LogIn),
    /// Redirected, and wants to stay on this connection (5.1).
    Continue,
    /// Logged out, or its connection is gone.
    Gone,
    /// Sets the status of its user.
    SetStatus(UserStatus),
    /// Sets who may see its user.
    SetPrivacy(PrivacyList),
    /// Asks to be told when a service is up.
    Sense(u32),
    /// Awareness ADD.
    Watch(Vec<WatchId>),
    /// Awareness REMOVE.
    Unwatch(Vec<WatchId>),
    /// The awareness channel is gone, and all that was watched with it.
    StopWatching,
    /// Awareness WATCH attributes; replaces the earlier set.
    WatchAttributes(Vec<u32>),
    /// Sets an attribute of its user.
    SetAttribute {
        /// The key of 8.4.
        key: u32,
        /// The content, as it came.
        value: Bytes,
    },
    /// Takes an attribute back.
    UnsetAttribute(u32),
    /// Looks names up (9.1).
    Resolve {
        /// Chosen by the asker.
        request: u32,
        /// What to look for.
        names: Vec<String>,
        /// The flags of 9.1.
        flags: u32,
    },
    /// Reads a stored value (9.2).
    Load {
        /// Chosen by the asker.
        request: u32,
        /// The key.
        key: u32,
    },
    /// Stores a value (9.2).
    Save {
        /// Chosen by the asker.
        request: u32,
        /// The key.
        key: u32,
        /// The value.
        value: Bytes,
    },
    /// Announces a text to others.
    Announce {
        /// Whether they may answer.
        may_reply: bool,
        /// The text.
        text: String,
        /// `@U user id` and `@G group`.
        recipients: Vec<String>,
    },
    /// Opens a channel to another user.
    OpenChat(Chat),
    /// Takes the channel that was offered.
    AcceptChat {
        /// Which.
        chat: ChatId,
        /// Additional data, relayed as it is.
        data: Bytes,
        /// The cipher, relayed as it is.
        choice: EncryptionChoice,
    },
    /// Says something.
    SendChat {
        /// Which.
        chat: ChatId,
        /// Meaning by service.
        send_type: u16,
        /// Whether the data is ciphertext.
        encrypted: bool,
        /// The data, relayed as it is.
        data: Bytes,
    },
    /// Ends or refuses the channel.
    CloseChat {
        /// Which.
        chat: ChatId,
        /// Why.
        reason: Reason,
        /// The data, relayed as it is.
        data: Bytes,
    },
}

/// A wish to be let in.
#[derive(Clone, Debug)]
pub struct LogIn {
    /// As typed: directory id, short name, display name or mail address; may be empty with a token.
    pub name: String,
    /// What makes it believable.
    pub proof: Proof,
    /// The kind of client (4).
    pub login_type: u16,
    /// The id of the server it came to.
    pub server: String,
    /// Its IPv4 address as the server sees it.
    pub address: u32,
}

/// What comes with a login.
#[derive(Clone, Debug)]
pub enum Proof {
    /// To be compared with the directory.
    Password(Secret),
    /// A token that the server has checked; it names this user. Also used for people who are online
    /// without a connection.
    Vouched(String),
    /// Nothing.
    Anonymous,
}

/// A status as a login sets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserStatus {
    /// What the person is doing.
    pub status: Status,
    /// On a mobile client.
    pub mobile: bool,
    /// The status text.
    pub text: Arc<str>,
}

impl UserStatus {
    /// A status with a text.
    pub fn new(status: Status, text: &str) -> Self {
        Self { status, mobile: false, text: text.into() }
    }
}

/// What a watch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WatchKind {
    /// A person.
    User,
    /// A public group.
    Group,
    /// Anything else (servers); always offline here.
    Other(u16),
}

/// An awareness id, exactly as a client wrote it. Answers carry it unchanged (8.2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId {
    /// What it names.
    pub kind: WatchKind,
    /// The id.
    pub user: Arc<str>,
    /// Empty for the own community.
    pub community: Arc<str>,
}

impl WatchId {
    /// A person of the own community.
    pub fn user(id: &str) -> Self {
        Self { kind: WatchKind::User, user: id.into(), community: "".into() }
    }

    /// A public group of the own community.
    pub fn group(name: &str) -> Self {
        Self { kind: WatchKind::Group, user: name.into(), community: "".into() }
    }
}

/// What one login sees of one watched id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// As asked.
    pub id: WatchId,
    /// The group that brought this person in, or empty.
    pub group: Arc<str>,
    /// Never `Status::Unknown`: to a server everybody it does not know is offline.
    pub presence: Presence,
}

/// A login as others are told about it: the fields of LoginInfo (2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginCard {
    /// Unique per login; at least 5 characters, since they are a cipher key (6.4).
    pub login_id: String,
    /// The kind of client.
    pub login_type: u16,
    /// The directory id.
    pub user: PersonId,
    /// The display name.
    pub name: String,
    /// The community.
    pub community: String,
    /// The IPv4 address.
    pub address: u32,
    /// The server that holds the login.
    pub server: String,
}

/// A channel to another user, as its creator opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    /// Chosen by the driver.
    pub chat: ChatId,
    /// The id of the user it is for.
    pub target: String,
    /// The service; only instant messages are relayed.
    pub service: Service,
    /// Additional data, relayed as it is.
    pub data: Bytes,
    /// Ciphers, relayed as they are: the server does not read along (6.4).
    pub offer: EncryptionOffer,
}

/// A text for everybody named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Who says it; none: the server.
    pub from: Option<LoginCard>,
    /// Whether an answer is wanted.
    pub may_reply: bool,
    /// The text.
    pub text: String,
}

/// One looked up name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveAnswer {
    /// A code of 9.1.
    pub code: u32,
    /// The name as asked.
    pub name: String,
    /// The people and groups found: (id, display name, description, is a group).
    pub matches: Vec<(String, String, String, bool)>,
}

/// What a login is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Let in: LoginAck.
    Admitted {
        /// Its own card.
        card: LoginCard,
        /// The privacy list of its user.
        privacy: PrivacyList,
        /// The status that its user has, from other logins if there are any.
        status: UserStatus,
    },
    /// Not let in; the connection ends.
    Refused(Reason),
    /// To be served by another server.
    Redirected {
        /// What to dial.
        host: String,
        /// Its id.
        server: String,
    },
    /// Logged out by the server; the connection ends. The login is gone already.
    Kicked(Reason),
    /// The user's status is now this (told to all logins of the user).
    StatusEcho(UserStatus),
    /// The user's privacy list is now this (told to all logins of the user).
    PrivacyEcho(PrivacyList),
    /// The service is up.
    ServiceUp(u32),
    /// The service went down: its channels are destroyed.
    ServiceLost(u32),
    /// Answers to a watch.
    Snapshot(Vec<Sighting>),
    /// Something changed.
    Update(Sighting),
    /// A watched group is known; its members follow.
    GroupKnown(WatchId),
    /// An attribute of a watched person.
    AttributeSet {
        /// As asked.
        id: WatchId,
        /// The key.
        key: u32,
        /// The content.
        value: Bytes,
    },
    /// An attribute was taken back.
    AttributeUnset {
        /// As asked.
        id: WatchId,
        /// The key.
        key: u32,
    },
    /// Answer to [`Event::Resolve`].
    Resolved {
        /// As asked.
        request: u32,
        /// 0, or partial.
        code: u32,
        /// In the order of the question.
        answers: Vec<ResolveAnswer>,
    },
    /// Answer to [`Event::Load`]; no value was ever saved if none.
    Loaded {
        /// As asked.
        request: u32,
        /// As asked.
        key: u32,
        /// The value.
        value: Option<Bytes>,
    },
    /// Answer to [`Event::Save`].
    Saved {
        /// As asked.
        request: u32,
        /// 0, or why not.
        reason: Reason,
    },
    /// Somebody announces something.
    Announced(Announcement),
    /// Another login opens a channel.
    ChatOffered {
        /// The channel.
        chat: Chat,
        /// The creator.
        from: LoginCard,
    },
    /// The other side took the channel.
    ChatAccepted {
        /// Which.
        chat: ChatId,
        /// Who took it.
        by: LoginCard,
        /// Additional data, as it came.
        data: Bytes,
        /// The cipher, as it came.
        choice: EncryptionChoice,
    },
    /// The other side says something.
    ChatSent {
        /// Which.
        chat: ChatId,
        /// Meaning by service.
        send_type: u16,
        /// Whether the data is ciphertext.
        encrypted: bool,
        /// The data, as it came.
        data: Bytes,
    },
    /// The channel was refused or ended.
    ChatClosed {
        /// Which.
        chat: ChatId,
        /// Why.
        reason: Reason,
        /// The data, as it came.
        data: Bytes,
    },
}
