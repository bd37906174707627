//! How the protocol machine of any login to a community is set up.

use protocol::vp::client::{Config, Follow};
use protocol::vp::crypto::Random;
use protocol::vp::service::Service;
use protocol::vp::session::Incoming;
use tracing::warn;

use crate::config::{self, Redirect};

/// Its settings, as the community has them.
pub(super) fn client_config(config: &config::Community) -> Config {
    Config {
        login_type: config.login_type,
        keepalive: config.tuning.keepalive,
        login_timeout: config.tuning.login_timeout,
        follow: match config.redirect {
            Redirect::Reconnect => Follow::Reconnect,
            Redirect::Continue => Follow::Continue,
        },
        // Refused as well where no page can chat, but with a reason that the other side shows (`chats`).
        incoming: Incoming::Only(vec![Service::IM.id]),
        ..Config::default()
    }
}

/// Keys come from the system. Without it there is no login, but no panic either: zeros make a key that the
/// other side refuses.
pub(super) fn random() -> Random {
    Box::new(|bytes| {
        if let Err(error) = getrandom::fill(bytes) {
            warn!(%error, "no random numbers from the system");
            bytes.fill(0);
        }
    })
}
