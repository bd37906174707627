//! What else a transport waits for beside news: the own login, a log-out, the end of the token, drain.

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::channel::Channel;
use super::message::End;
use crate::hub::{Me, News};

/// What else, beside news, a transport waits for.
pub(super) struct Life {
    me: Option<watch::Receiver<Me>>,
    /// What others want of the user, and how much of it the page has been told.
    news: Option<watch::Receiver<News>>,
    told: u64,
    logged_out: Option<CancellationToken>,
    expires: watch::Receiver<Option<Instant>>,
    draining: CancellationToken,
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
        let login = user.and_then(|user| user.login());
        let news = login.map(|login| login.news.clone());
        let told = news.as_ref().map_or(0, |news| news.borrow().seen());
        Self {
            me: login.map(|login| login.me.clone()),
            news,
            told,
            logged_out: user.map(|user| user.logged_out.clone()),
            expires: channel.expires(),
            draining,
        }
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
        let Self { me, news, told, logged_out, expires, draining } = self;
        let mine = async {
            while let Some(()) = changed(me).await {
                if let Some(end) = channel.login_end() {
                    return end;
                }
                channel.tell_me();
            }
            std::future::pending().await
        };
        let others = async {
            while let Some(()) = changed(news).await {
                if let Some(news) = news {
                    let news = news.borrow_and_update();
                    news.since(told).1.for_each(|item| channel.tell(item));
                }
            }
            std::future::pending().await
        };
        tokio::select! {
            end = mine => end,
            end = others => end,
            // A kick ends all pages of the user; each still says why.
            () = cancelled(logged_out.as_ref()) => channel.login_end().unwrap_or(End::LOGGED_OUT),
            () = passed(expires) => End::TOKEN_EXPIRED,
            () = draining.cancelled() => End::DRAINING,
        }
    }
}

/// `None` once there is nothing to hear from any more.
async fn changed<T>(receiver: &mut Option<watch::Receiver<T>>) -> Option<()> {
    match receiver {
        Some(receiver) => receiver.changed().await.ok(),
        None => None,
    }
}

async fn cancelled(token: Option<&CancellationToken>) {
    match token {
        Some(token) => token.cancelled().await,
        None => std::future::pending().await,
    }
}

/// Waits until the token's end, which may be put off meanwhile.
pub(super) async fn passed(expires: &mut watch::Receiver<Option<Instant>>) {
    loop {
        let end = *expires.borrow_and_update();
        let over = async {
            match end {
                Some(end) => sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = over => return,
            changed = expires.changed() => if changed.is_err() {
                std::future::pending::<()>().await;
            },
        }
    }
}
