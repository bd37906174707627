//! Who is served by the gateway's own awareness, and who by the Sametime Proxy that was there before: the pilot
//! list, and the bypass that sends everybody back at once.
//!
//! The list comes with the configuration and changes with a reload. The bypass is the operator's, holds until it
//! is lifted, and survives restarts in a file. What is done with a request is `http`'s business.

mod bypass;
mod list;

use std::sync::Arc;

pub use bypass::{Bypass, BypassStatus, NotKept};
pub use list::PilotList;

use crate::auth::Identity;
use crate::telemetry::Metrics;

/// Why a request goes where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The user is in the pilot: served here.
    Chosen,
    /// The user is not: passed on.
    NotChosen,
    /// Nobody is known, so that the Sametime Proxy has to find out: passed on.
    Anonymous,
    /// Everybody is passed on.
    Bypass,
}

impl Decision {
    /// Value of a metric label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Chosen => "chosen",
            Self::NotChosen => "not_chosen",
            Self::Anonymous => "anonymous",
            Self::Bypass => "bypass",
        }
    }
}

/// Decides for one request and counts it. While the bypass is on, nobody has to be known.
pub fn decide(
    bypass: &Bypass,
    list: &PilotList,
    identity: Option<&Arc<Identity>>,
    metrics: &Metrics,
) -> Decision {
    let decision = match identity {
        _ if bypass.is_on() => Decision::Bypass,
        _ if list.is_everybody() => Decision::Chosen,
        None => Decision::Anonymous,
        Some(identity) if list.contains(&identity.user) => Decision::Chosen,
        Some(_) => Decision::NotChosen,
    };
    metrics.pilot_decision(decision.label());
    decision
}
