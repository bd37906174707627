//! What else a transport waits for beside news: the own login, a log-out, the end of the token, drain.

use std::future::pending;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::channel::Channel;
use super::message::End;
use crate::hub::{Me, News};

/// What else, beside news, a transport waits for.
pub(super) struct Life {
    own: Option<Own>,
    logged_out: Option<CancellationToken>,
    draining: CancellationToken,
}

/// What comes from the user's own login.
struct Own {
    me: watch::Receiver<Me>,
    /// What others want of the user, and how much of it the page has been told.
    news: watch::Receiver<News>,
    told: u64,
}

/// What happened.
pub(super) enum Turn {
    /// There may be something to take.
    News,
    End(End),
}

impl Life {
    pub(super) fn new(channel: &Channel, draining: CancellationToken) -> Self {
        let user = channel.page.as_ref().map(|page| &page.user);
        let own = user.and_then(|user| user.login()).map(|login| Own {
            me: login.me.clone(),
            news: login.news.clone(),
            told: login.news.borrow().seen(),
        });
        Self { own, logged_out: user.map(|user| user.logged_out.clone()), draining }
    }

    /// Waits for whatever comes next. Cancel safe.
    pub(super) async fn turn(&mut self, channel: &Channel) -> Turn {
        tokio::select! {
            () = channel.news() => Turn::News,
            end = self.end(channel) => Turn::End(end),
        }
    }

    /// Waits until the channel must end; meanwhile changes of the own state, and what others want of the user,
    /// go into the ordered lane. Cancel safe.
    pub(super) async fn end(&mut self, channel: &Channel) -> End {
        let Self { own, logged_out, draining } = self;
        let own = async {
            match own {
                // In a box: most pages have no login of their own, and need no room for it.
                Some(own) => Box::pin(own.end(channel)).await,
                None => pending().await,
            }
        };
        tokio::select! {
            end = own => end,
            // A kick ends all pages of the user; each still says why.
            () = cancelled(logged_out.as_ref()) => channel.login_end().unwrap_or(End::LOGGED_OUT),
            () = channel.expires.passed() => End::TOKEN_EXPIRED,
            () = draining.cancelled() => End::DRAINING,
        }
    }
}

impl Own {
    async fn end(&mut self, channel: &Channel) -> End {
        let Self { me, news, told } = self;
        let mine = async {
            while me.changed().await.is_ok() {
                if let Some(end) = channel.login_end() {
                    return end;
                }
                channel.tell_me();
            }
            // There is nothing to hear from any more.
            pending().await
        };
        let others = async {
            while news.changed().await.is_ok() {
                news.borrow_and_update().since(told).1.for_each(|item| channel.tell(item));
            }
            pending().await
        };
        tokio::select! {
            end = mine => end,
            end = others => end,
        }
    }
}

/// Waits for the token; for ever if there is none.
pub(super) async fn cancelled(token: Option<&CancellationToken>) {
    match token {
        Some(token) => token.cancelled().await,
        None => pending().await,
    }
}
