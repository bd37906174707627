//! What a community's settings mean for its users, in a sentence.

use super::{Community, OwnPresence, Privacy};

impl Community {
    /// The choice of presence and privacy, as `check-config` prints it.
    pub fn explanation(&self) -> String {
        let presence = match self.own_presence {
            OwnPresence::Login => {
                "users of pages are logged in upstream, so that others see them (own_presence = \"login\")"
            }
            OwnPresence::Off => "the gateway only shows others and logs no user in (own_presence = \"off\")",
        };
        let privacy = match self.privacy {
            Privacy::Own => {
                "each user sees exactly whom the servers show to that user (privacy = \"own\")".to_owned()
            }
            Privacy::Trust => format!(
                "all users see whom {} can see, so somebody who hides from a user is shown to that user all the same (privacy = \"trust\")",
                match self.observers.len() {
                    1 => "the observer".to_owned(),
                    count => format!("the {count} observers"),
                }
            ),
        };
        format!("community \"{}\": {presence}; {privacy}.", self.name)
    }
}
