//! The bypass over the admin listener.

use std::sync::Arc;

use http::{Response, StatusCode};

use super::Admin;
use super::answer::text;
use crate::http::Body;

impl Admin {
    /// On or off, and since when.
    pub(super) fn bypass_status(&self) -> Response<Body> {
        text(StatusCode::OK, &self.bypass_in_words())
    }

    /// Moves the switch; says so when a restart would not know.
    pub(super) async fn bypass(&self, on: bool) -> Response<Body> {
        let live = self.lifecycle.live();
        if on && !live.router.routes().iter().any(|route| route.pass_to.is_some()) {
            return text(
                StatusCode::CONFLICT,
                "no route has pass_to: there is nowhere to pass anybody on to",
            );
        }
        drop(live);
        let bypass = Arc::clone(&self.bypass);
        match tokio::task::spawn_blocking(move || bypass.switch(on)).await {
            Ok(Ok(())) => self.bypass_status(),
            Ok(Err(not_kept)) => text(StatusCode::INTERNAL_SERVER_ERROR, &not_kept.to_string()),
            Err(failed) => text(StatusCode::INTERNAL_SERVER_ERROR, &failed.to_string()),
        }
    }

    pub(super) fn bypass_in_words(&self) -> String {
        let status = self.bypass.status();
        match (status.bypass, status.since) {
            (on, 0) => format!("bypass is {}", word(on)),
            (on, since) => format!("bypass is {}, since {since} (Unix time)", word(on)),
        }
    }
}

fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
