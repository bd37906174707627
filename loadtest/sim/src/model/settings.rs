//! What an administrator can set on a community (vp-wire.md 4, 5.1, 8.5 and 8.8).

use std::collections::BTreeSet;

use protocol::presence::PersonId;

/// The rules of a community. The default allows everything.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The community's name as it stands in LoginInfo, usually a domain.
    pub name: String,
    /// Its servers; the first is the home of everybody who has none named. Never empty.
    pub servers: Vec<Server>,
    /// `VPS_ALLOWED_LOGIN_TYPES`; empty: every type may log in.
    pub allowed_types: BTreeSet<u16>,
    /// `VP_ONLY_SINGLE_LOGIN_ALLOWED`: a new login of a person ends the earlier ones.
    pub single_login: bool,
    /// `VPS_EXCLUDED_LOGIN_TYPES`: neither end others nor are ended.
    pub excluded_types: BTreeSet<u16>,
    /// `VPS_PREFERRED_LOGIN_TYPES`: which login gets a chat, best first.
    pub preferred_types: Vec<u16>,
    /// Whether anonymous logins are let in.
    pub anonymous: bool,
    /// `VP_REJECT_FORWARDED_LOGINS`: a redirected client must dial the home server itself.
    pub reject_forwarded: bool,
    /// `VP_SECURITY_LEVEL` 25: a server creates a channel to each client after login, and a client that
    /// ignores it is logged out. Acted on by the servers, not by the model.
    pub probe_clients: bool,
    /// Logins (of all kinds, together) above this are refused with *server full*.
    pub max_logins: usize,
    /// Ids above this number in one login's watch list are ignored without a word.
    pub subscription_cap: Option<usize>,
    /// Whether a login is told by an announcement that its ids were ignored.
    pub announce_cap: bool,
    /// `ST_GROUPS_MAX_MEMBERS`: a larger public group looks empty.
    pub group_members: usize,
    /// Blocks in one snapshot; more ids are answered by several.
    pub snapshot_blocks: usize,
    /// Bytes that one person may keep in the storage service.
    pub storage_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "renovation.example".into(),
            servers: vec![Server::default()],
            allowed_types: BTreeSet::new(),
            single_login: false,
            excluded_types: BTreeSet::new(),
            preferred_types: Vec::new(),
            anonymous: true,
            reject_forwarded: false,
            probe_clients: false,
            max_logins: usize::MAX,
            subscription_cap: None,
            announce_cap: false,
            group_members: 1000,
            snapshot_blocks: 250,
            storage_bytes: 4 << 20,
        }
    }
}

/// One server of a community.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its directory name, as LoginInfo and the people's home server name it.
    pub id: String,
    /// What a redirected client is told to dial.
    pub host: String,
}

impl Default for Server {
    fn default() -> Self {
        Self { id: "CN=st1/O=Renovation".into(), host: "st1.renovation.example".into() }
    }
}

/// Who may see a person. Kept per person, not per login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivacyList {
    /// True: the people listed may not see me. False: only they may.
    pub deny: bool,
    /// The people listed.
    pub people: Vec<PersonId>,
}

impl PrivacyList {
    /// Whether this list lets the viewer see its owner. Nobody hides from themselves.
    pub fn shows(&self, owner: &PersonId, viewer: &PersonId) -> bool {
        owner == viewer || self.deny != self.people.contains(viewer)
    }
}

impl Default for PrivacyList {
    /// Everybody may see me.
    fn default() -> Self {
        Self { deny: true, people: Vec::new() }
    }
}
