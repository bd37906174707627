//! What a plan is: findings, documents with their items, and the steps around them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::config::Topology;
use crate::estate::{ItemName, Unid, Value};
use crate::items::{DocumentKind, ItemKind, Mark, Setting};

/// What is to be done, in the order of doing it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    pub topology: Topology,
    /// Whether the mail servers were on SSO already.
    pub case: SsoCase,
    pub findings: Vec<Finding>,
    /// In the order of writing (domino-directory.md 2.4).
    pub documents: Vec<DocumentPlan>,
    /// What to do and look at around the switch to the new settings.
    pub cut_over: Vec<CutOver>,
}

impl Plan {
    /// Whether something stands against applying it at all.
    pub fn is_refused(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Refusal)
    }

    /// Whether the servers of each directory may be switched to its SSO document, by the access's name.
    pub fn sso_states(&self) -> BTreeMap<String, SsoState> {
        super::sso::states(&self.documents)
    }

    /// The documents that would be written.
    pub fn writes(&self) -> impl Iterator<Item = &DocumentPlan> {
        self.documents.iter().filter(|document| document.action.writes())
    }

    /// The items that somebody has to set or settle by hand, with their documents.
    pub fn manual(&self) -> impl Iterator<Item = (&DocumentPlan, &ItemPlan)> {
        let items = |document| ItemPlan::manual_of(document).map(move |item| (document, item));
        self.documents.iter().flat_map(items)
    }
}

/// What is known of a directory's Web SSO Configuration document. The order is that of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SsoState {
    /// Right as far as it matters: name, domain and servers.
    Right,
    /// Which servers it lists cannot be seen from here.
    Unseen,
    /// Missing, or plainly without a server or with another domain.
    Wrong,
}

/// Whether the mail servers take part in SSO (domino-directory.md 2.1, 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SsoCase {
    /// Not yet.
    A,
    /// Already.
    B,
    /// Secrets and tokens instead.
    None,
    /// The Server documents could not be read.
    Unseen,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing is written as long as it stands.
    Refusal,
    Warning,
    Note,
}

/// Something that was noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub level: Level,
    /// A fixed word for scripts: `duplicate`, `single-server-session`.
    pub id: &'static str,
    /// What it is and what to do.
    pub text: String,
}

/// What happens to a document or an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Create,
    Update,
    /// It is right already.
    Leave,
    /// Somebody has to do it, or to decide.
    Manual,
}

impl Action {
    /// Whether the tool writes it.
    pub fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update)
    }

    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Leave => "leave",
            Self::Manual => "manual",
        }
    }
}

/// The steps of the procedure, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Connection documents on both sides.
    Connections,
    /// A2 or B1: the Web SSO Configuration document.
    SsoDocument,
    /// A3: the mail servers' Server documents.
    InotesServer,
    /// B2: the Sametime servers' Server documents.
    SametimeServer,
    /// The Sametime server for all users.
    AllUsers,
    /// The Sametime server for single users.
    SingleUsers,
}

impl Step {
    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Connections => "Connection documents",
            Self::SsoDocument => "Web SSO Configuration document (A2, B1)",
            Self::InotesServer => "iNotes Server documents (A3)",
            Self::SametimeServer => "Sametime Server documents (B2)",
            Self::AllUsers => "Sametime server for all users",
            Self::SingleUsers => "Sametime server for single users",
        }
    }
}

/// One document of the plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DocumentPlan {
    pub step: Step,
    pub kind: DocumentKind,
    /// Name of the access whose replica it is in.
    pub directory: String,
    /// Its form, and the value of `Type` where there is one.
    pub form: String,
    pub form_type: Option<String>,
    /// For people: `CN=Mail1/O=Renovation`.
    pub title: String,
    /// `None` if it has to be created, or was not seen.
    pub unid: Option<Unid>,
    /// For optimistic locking.
    pub revision: Option<String>,
    pub action: Action,
    pub why: String,
    pub items: Vec<ItemPlan>,
}

impl DocumentPlan {
    /// Whether it would be created without the one setting that it is for: a Configuration Settings document
    /// that names no Sametime server would only be in the way.
    pub fn is_pointless(&self) -> bool {
        self.kind == DocumentKind::Configuration
            && self.action == Action::Create
            && ItemPlan::manual_of(self).next().is_some()
    }
}

/// What an item is now.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", tag = "state", content = "value")]
pub enum Current {
    /// It could not be read.
    Unseen,
    Absent,
    Is(Value),
}

/// One item of a document of the plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ItemPlan {
    pub setting: Setting,
    /// `None` if no source names it and the directory has not been asked.
    pub item: Option<ItemName>,
    /// What the form calls it.
    pub field: String,
    pub kind: ItemKind,
    /// How sure the name is.
    pub mark: Mark,
    /// How sure the value is.
    pub value_mark: Mark,
    pub source: String,
    pub current: Current,
    /// What it shall be. For a list that keeps what others have put there: the whole list.
    pub wanted: Value,
    pub action: Action,
    pub why: String,
}

impl ItemPlan {
    fn manual_of(document: &DocumentPlan) -> impl Iterator<Item = &Self> {
        document.items.iter().filter(|item| item.action == Action::Manual)
    }
}

/// One thing to do or look at around the switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CutOver {
    pub when: When,
    pub text: String,
}

/// Before, at or after the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    Before,
    At,
    After,
}

impl When {
    /// The word in lists.
    pub fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::At => "at the switch",
            Self::After => "after",
        }
    }
}
