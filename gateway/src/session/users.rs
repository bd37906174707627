//! Who is logged in at this node: one entry per user, shared by all pages of that user, kept for the grace
//! time after the last page has gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use protocol::presence::{PersonId, Presence};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::SessionError;
use super::proofs::Proofs;
use crate::auth::Identity;
use crate::config::Limits;
use crate::hub::{LoginState, Me, OwnLogin, OwnLogins, Proof};
use crate::telemetry::Metrics;

/// How long the community may take to judge a password or a page's token.
const PROOF_PATIENCE: Duration = Duration::from_secs(30);
/// What guests are called, who all look through one login.
const GUEST: &str = "Guest";

/// The users of one community.
pub(super) struct Users {
    users: DashMap<PersonId, Arc<User>>,
    logins: Option<Arc<dyn OwnLogins>>,
    proofs: Proofs,
    /// Where grace times are waited for: the main runtime, which outlives the workers.
    runtime: Handle,
    tasks: TaskTracker,
    /// Nobody waits for a grace time when the node stops.
    stopped: CancellationToken,
    metrics: Arc<Metrics>,
}

/// A session: one logged-in user.
#[derive(Debug)]
pub(super) struct User {
    person: PersonId,
    login: OnceCell<OwnLogin>,
    pages: AtomicUsize,
    /// When the best token that a page has shown ends.
    shown_until: AtomicU64,
    /// Grows with every page, so that an old grace time does not end a new visit.
    visits: AtomicU64,
    /// Somebody has logged out: all pages end.
    pub(super) logged_out: CancellationToken,
    metrics: Arc<Metrics>,
}

/// One page's share of a session. Dropping it starts the grace time if it was the last.
pub(super) struct Page {
    pub(super) user: Arc<User>,
    users: Arc<Users>,
    grace: Duration,
}

impl Users {
    /// `logins` is `None` where the gateway logs no users in.
    pub(super) fn new(
        logins: Option<Arc<dyn OwnLogins>>,
        tasks: TaskTracker,
        stopped: CancellationToken,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            users: DashMap::new(),
            logins,
            proofs: Proofs::new(),
            runtime: Handle::current(),
            tasks,
            stopped,
            metrics,
        }
    }

    /// Adds a page to the user's session, which begins with its first page. Of the limits, the pages of one
    /// user and the grace time count.
    pub(super) async fn join(
        self: &Arc<Self>,
        identity: &Identity,
        limits: &Limits,
    ) -> Result<Page, SessionError> {
        let page = self.enter(PersonId::from(identity.user.as_str()), limits)?;
        if let Some(logins) = &self.logins {
            let open = || logins.open(&page.user.person, Proof::Token(identity.token.clone()));
            page.user.login.get_or_init(open).await;
            page.user.show(identity);
        }
        Ok(page)
    }

    fn enter(self: &Arc<Self>, person: PersonId, limits: &Limits) -> Result<Page, SessionError> {
        let user = {
            let user = self.users.entry(person.clone()).or_insert_with(|| self.user(person));
            // Counted under the map's lock: the end of a grace time takes the same lock.
            if user.pages.fetch_add(1, Ordering::AcqRel) >= limits.sessions_per_user {
                user.pages.fetch_sub(1, Ordering::AcqRel);
                return Err(SessionError::TooManyPages);
            }
            user.visits.fetch_add(1, Ordering::AcqRel);
            Arc::clone(&user)
        };
        Ok(Page { user, users: Arc::clone(self), grace: limits.session_grace })
    }

    /// As [`Self::join`], for somebody who has a name and a proof that only the community can judge. Whose session
    /// it is, is known when the community has accepted them and says so.
    pub(super) async fn join_by_proof(
        self: &Arc<Self>,
        name: &str,
        proof: Proof,
        limits: &Limits,
    ) -> Result<Page, SessionError> {
        let logins = self.logins.as_ref().ok_or(SessionError::NotAccepted)?;
        let key = self.proofs.key(name, &proof);
        if let Some(person) = self.proofs.recall(&key)
            && self.users.contains_key(&person)
        {
            return self.enter(person, limits);
        }
        let login = logins.open(&PersonId::from(name), proof).await;
        let mut me = login.me.clone();
        let settled = me.wait_for(|me| me.login != LoginState::Connecting);
        let settled = tokio::time::timeout(PROOF_PATIENCE, settled).await;
        let me = settled.ok().and_then(Result::ok).map(|me| me.clone()).ok_or(SessionError::NotReady)?;
        match me.login {
            LoginState::Up if me.person.as_str().is_empty() => return Err(SessionError::NotAccepted),
            LoginState::Up => {}
            LoginState::Refused | LoginState::Kicked => return Err(SessionError::NotAccepted),
            LoginState::Off | LoginState::Connecting | LoginState::Down => {
                return Err(SessionError::NotReady);
            }
        }
        let page = self.enter(me.person.clone(), limits)?;
        // Whoever is logged in already goes on with that login; this one was only the proof.
        let _ = page.user.login.set(login);
        self.proofs.keep(key, me.person);
        Ok(page)
    }

    /// A guest's look through the one anonymous login of all guests, which these users consist of. `None` where the
    /// gateway logs nobody in.
    pub(super) async fn join_as_guest(
        self: &Arc<Self>,
        limits: &Limits,
    ) -> Result<Option<Page>, SessionError> {
        let Some(logins) = &self.logins else { return Ok(None) };
        let page = self.enter(PersonId::from(GUEST), limits)?;
        let open = || logins.open(&page.user.person, Proof::Anonymous);
        page.user.login.get_or_init(open).await;
        Ok(Some(page))
    }

    /// Ends the session for all its pages and upstream; the next page begins a new one.
    pub(super) fn end(&self, user: &Arc<User>) {
        self.users.remove_if(&user.person, |_, known| Arc::ptr_eq(known, user));
        user.logged_out.cancel();
        // Not left to the last page: one that does not read would keep the user online.
        if let Some(login) = user.login() {
            login.over.cancel();
        }
    }

    /// Users that are logged in.
    pub(super) fn count(&self) -> usize {
        self.users.len()
    }

    fn user(&self, person: PersonId) -> Arc<User> {
        self.metrics.sessions(1);
        Arc::new(User {
            person,
            login: OnceCell::new(),
            pages: AtomicUsize::new(0),
            shown_until: AtomicU64::new(0),
            visits: AtomicU64::new(0),
            logged_out: CancellationToken::new(),
            metrics: Arc::clone(&self.metrics),
        })
    }
}

impl User {
    pub(super) fn login(&self) -> Option<&OwnLogin> {
        self.login.get()
    }

    /// A page has shown a token: the user's next connection uses it, unless another page has shown one that is good
    /// for longer.
    pub(super) fn show(&self, Identity { token, expires, .. }: &Identity) {
        let Some(login) = self.login() else { return };
        login.proof.send_if_modified(|known| match known {
            // A password outlives tokens.
            Proof::Password(_) | Proof::Anonymous => false,
            // What is known to be the user's is better than what the page has brought.
            Proof::PageToken(_) => {
                *known = Proof::Token(token.clone());
                true
            }
            // Under the lock of the proof, so that two pages at once leave the longer one.
            Proof::Token(_) if self.shown_until.fetch_max(*expires, Ordering::AcqRel) > *expires => false,
            Proof::Token(known) => {
                let fresh = known != token;
                known.clone_from(token);
                fresh
            }
        });
    }

    /// The own state as it is now.
    pub(super) fn me(&self) -> Me {
        match self.login() {
            Some(login) => login.me.borrow().clone(),
            None => Me {
                person: self.person.clone(),
                presence: Presence::default(),
                login: LoginState::Off,
                privacy: None,
            },
        }
    }

    pub(super) fn person(&self) -> &PersonId {
        &self.person
    }
}

impl Page {
    /// Logs the user out, on all pages.
    pub(super) fn log_out(&self) {
        self.users.end(&self.user);
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if self.user.pages.fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        let (users, user, grace) = (Arc::clone(&self.users), Arc::clone(&self.user), self.grace);
        let visits = user.visits.load(Ordering::Acquire);
        let over = async move {
            tokio::select! {
                () = tokio::time::sleep(grace) => {}
                () = user.logged_out.cancelled() => {}
                () = users.stopped.cancelled() => {}
            }
            users.users.remove_if(&user.person, |_, known| {
                Arc::ptr_eq(known, &user)
                    && user.pages.load(Ordering::Acquire) == 0
                    && user.visits.load(Ordering::Acquire) == visits
            });
        };
        self.users.tasks.spawn_on(over, &self.users.runtime);
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.metrics.sessions(-1);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::Mutex;

    use gateway_core::ScopeId;
    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::hub::News;

    /// Logins that go nowhere, and the ends of those that were opened.
    #[derive(Default)]
    struct Nowhere(Mutex<Vec<(mpsc::Receiver<crate::hub::OwnCommand>, CancellationToken)>>);

    impl OwnLogins for Nowhere {
        fn open(&self, user: &PersonId, proof: Proof) -> Pin<Box<dyn Future<Output = OwnLogin> + Send + '_>> {
            let (person, presence) = (user.clone(), Presence::default());
            Box::pin(async move {
                // As in life: others get a turn while a scope is opened.
                tokio::task::yield_now().await;
                let (_, me) = watch::channel(Me { person, presence, login: LoginState::Up, privacy: None });
                let (_, news) = watch::channel(News::default());
                let ((commands, queue), over) = (mpsc::channel(1), CancellationToken::new());
                self.0.lock().unwrap().push((queue, over.clone()));
                let (audience, proof) = (Arc::default(), watch::channel(proof).0);
                OwnLogin { scope: ScopeId(1), me, commands, news, audience, proof, over }
            })
        }
    }

    struct Fixture {
        users: Arc<Users>,
        logins: Arc<Nowhere>,
        tasks: TaskTracker,
        stopped: CancellationToken,
        limits: Limits,
    }

    impl Fixture {
        fn new(grace: Duration) -> Self {
            let (logins, tasks) = (Arc::new(Nowhere::default()), TaskTracker::new());
            let stopped = CancellationToken::new();
            let shared = Arc::clone(&logins) as Arc<dyn OwnLogins>;
            let users = Users::new(Some(shared), tasks.clone(), stopped.clone(), Arc::new(Metrics::new()));
            let limits = Limits { session_grace: grace, sessions_per_user: 2, ..Limits::default() };
            Self { users: Arc::new(users), logins, tasks, stopped, limits }
        }

        async fn join(&self) -> Result<Page, SessionError> {
            self.users.join(&ann("token", 100), &self.limits).await
        }

        /// Logins that nobody has ended.
        fn open_logins(&self) -> usize {
            let logins = self.logins.0.lock().unwrap();
            logins.iter().filter(|(queue, over)| !queue.is_closed() && !over.is_cancelled()).count()
        }
    }

    fn ann(token: &str, expires: u64) -> Identity {
        Identity {
            user: "CN=Ann".to_owned(),
            expires,
            key_id: "k".into(),
            cookie: "LtpaToken".into(),
            token: token.into(),
            others: Vec::new(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_connection_uses_the_token_that_is_good_for_longest() {
        let fixture = Fixture::new(Duration::from_secs(90));
        let page = fixture.join().await.unwrap();
        let used = || match &*page.user.login().unwrap().proof.borrow() {
            Proof::Token(token) => String::from_utf8(token.expose().to_vec()).unwrap(),
            _ => panic!("not a token"),
        };
        for (token, expires, expected) in [
            ("renewed", 200, "renewed"),
            ("older", 150, "renewed"),
            ("as long", 200, "as long"),
            ("new", 201, "new"),
        ] {
            page.user.show(&ann(token, expires));
            assert_eq!(used(), expected);
        }
        let other = fixture.users.join(&ann("of another page", 120), &fixture.limits).await.unwrap();
        assert_eq!(used(), "new");
        drop(other);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_page_at_the_very_end_of_the_grace_time_gets_a_session_that_lives() {
        let grace = Duration::from_millis(2);
        let fixture = Fixture::new(grace);
        for round in 0..200_u32 {
            drop(fixture.join().await.unwrap());
            // Around the end, on both sides of it.
            tokio::time::sleep(grace + Duration::from_micros(u64::from(round % 20) * 100)).await;
            let page = fixture.join().await.unwrap();
            let known = fixture.users.users.get(page.user.person()).map(|known| Arc::clone(&known));
            assert!(known.is_some_and(|known| Arc::ptr_eq(&known, &page.user)), "it is the one that counts");
            assert!(!page.user.logged_out.is_cancelled());
            drop(page);
        }
        fixture.tasks.close();
        fixture.tasks.wait().await;
        assert_eq!((fixture.users.count(), fixture.open_logins()), (0, 0), "nothing is left");
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_last_page_starts_the_grace_time_and_a_new_one_stops_it() {
        let fixture = Fixture::new(Duration::from_secs(90));
        let (first, second) = (fixture.join().await.unwrap(), fixture.join().await.unwrap());
        assert_eq!(fixture.join().await.err(), Some(SessionError::TooManyPages));
        drop(first);
        tokio::time::sleep(Duration::from_secs(200)).await;
        assert_eq!(fixture.open_logins(), 1);
        drop(second);
        tokio::time::sleep(Duration::from_secs(89)).await;
        let third = fixture.join().await.unwrap();
        tokio::time::sleep(Duration::from_secs(200)).await;
        assert_eq!((fixture.users.count(), fixture.open_logins()), (1, 1));
        drop(third);
        tokio::time::sleep(Duration::from_secs(91)).await;
        assert_eq!((fixture.users.count(), fixture.open_logins()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_logout_and_the_end_of_the_node_wait_for_nobody() {
        let fixture = Fixture::new(Duration::from_secs(90));
        let (first, second) = (fixture.join().await.unwrap(), fixture.join().await.unwrap());
        first.log_out();
        assert!(second.user.logged_out.is_cancelled());
        assert_eq!((fixture.users.count(), fixture.open_logins()), (0, 0), "although pages hold it");
        // A page that comes now is a new session, which the old one's pages do not touch.
        let third = fixture.join().await.unwrap();
        drop((first, second));
        assert_eq!((fixture.users.count(), fixture.open_logins()), (1, 1));
        drop(third);
        fixture.stopped.cancel();
        fixture.tasks.close();
        let waited = tokio::time::Instant::now();
        fixture.tasks.wait().await;
        assert!(waited.elapsed() < Duration::from_secs(1), "{:?}", waited.elapsed());
    }
}
