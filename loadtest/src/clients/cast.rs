//! Who is played: people, whom each browser watches, how it connects. The same for the same seed.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use protocol::secret::Secret;

use crate::measure::Transport;
use crate::plan::{Amount, Dice, Part, Plan, Transports, pick};
use crate::tokens::TokenKey;

/// Purposes of chance, so that one setting does not change the others.
const LIST: u64 = 1 << 32;
const TRANSPORT: u64 = 2 << 32;
const RANKS: u64 = 3 << 32;
const SCHEME: u64 = 6 << 32;
const VERSION: u64 = 7 << 32;

/// Everybody, shared by all crews.
pub struct Cast {
    ids: Vec<Box<str>>,
    /// How many of them, from the first, browsers are played for.
    players: usize,
    /// Browsers that change their user's status now and then: each the first of its user. Ascending.
    changers: Vec<u32>,
    index: HashMap<Box<str>, u32>,
    /// Most popular first.
    ranks: Vec<u32>,
    sums: Vec<f64>,
    watches: Amount,
    transports: Transports,
    sources: Vec<IpAddr>,
    tokens: Option<Tokens>,
    seed: u64,
    part: Part,
}

/// How browsers log in.
pub struct Tokens {
    /// The cookie's name.
    pub cookie: String,
    /// Where they come from.
    pub source: TokenSource,
}

/// See [`Tokens`].
pub enum TokenSource {
    /// They are made, fresh for each page and for the user whose browser it is.
    Fresh(Arc<TokenKey>),
    /// They were made before; browsers take them in turn. Never empty.
    Given(Vec<Secret>),
}

impl TokenSource {
    /// Tokens for the browsers of a plan, whose users are these. What takes time to make is made now.
    pub async fn of(key: Arc<TokenKey>, plan: &Plan, users: &[String]) -> Self {
        if key.is_quick() {
            return Self::Fresh(key);
        }
        let most = users.len().min(plan.most_browsers().max(1));
        Self::Given(key.tokens(users.get(..most).unwrap_or_default()).await)
    }
}

/// What one browser is.
pub(super) struct Person {
    pub(super) transport: Transport,
    /// It comes over `https`, where the target is there over both.
    pub(super) secure: bool,
    /// Indexes of the people on its list, ascending.
    pub(super) list: Vec<u32>,
}

/// Why there is no cast.
#[derive(Debug, thiserror::Error)]
pub enum CastError {
    /// Nobody to watch.
    #[error("there are no people to play and to watch")]
    Nobody,
}

impl Cast {
    /// People by their ids.
    pub fn new(plan: &Plan, ids: Vec<String>, tokens: Option<Tokens>) -> Result<Self, CastError> {
        if ids.is_empty() {
            return Err(CastError::Nobody);
        }
        let ids: Vec<Box<str>> = ids.into_iter().map(String::into_boxed_str).collect();
        let index = ids.iter().zip(0..).map(|(id, index)| (id.clone(), index)).collect();
        let mut ranks: Vec<u32> = (0..).take(ids.len()).collect();
        let mut dice = Dice::new(plan.seed, RANKS);
        for place in (1..ranks.len()).rev() {
            ranks.swap(place, dice.below(place + 1));
        }
        Ok(Self {
            sums: plan.population.popularity.sums(ids.len()),
            players: ids.len(),
            changers: Vec::new(),
            ids,
            index,
            ranks,
            watches: plan.population.watches,
            transports: plan.transports,
            sources: plan.sources.clone(),
            tokens,
            seed: plan.seed,
            part: plan.part,
        })
    }

    /// Only the first of all people have browsers; the others are watched.
    pub fn played_by(mut self, players: usize) -> Self {
        self.players = players.clamp(1, self.ids.len());
        self
    }

    /// Where users change their status on their pages: chooses those whose browsers are not idle. `is_taken`: somebody
    /// else changes this person's.
    pub fn changing_themselves(mut self, plan: &Plan, is_taken: impl Fn(&str) -> bool) -> Self {
        if plan.has_own_changes() {
            let chosen = |number: &u32| {
                let browser = *number as usize;
                !plan.population.is_idle(browser, plan.seed) && !is_taken(self.id(*number))
            };
            let browsers = self.players.min(plan.most_browsers());
            self.changers = (0..).take(browsers).filter(chosen).collect();
        }
        self
    }

    /// Browsers whose users change their status, who are the people of the same numbers.
    pub(crate) fn changers(&self) -> &[u32] {
        &self.changers
    }

    /// Whether this person changes status on a page, and nowhere else.
    pub(super) fn changes_itself(&self, person: u32) -> bool {
        self.changers.binary_search(&person).is_ok()
    }

    /// What browser `number` is.
    pub(super) fn browser(&self, number: usize) -> Person {
        let own = number as u64;
        let mut dice = Dice::new(self.seed, LIST + own);
        let amount = self.watches.draw(&mut dice);
        let ranked = pick(&self.sums, amount, &mut dice);
        let mut list: Vec<u32> =
            ranked.into_iter().filter_map(|rank| self.ranks.get(rank as usize).copied()).collect();
        list.sort_unstable();
        let Transports { websocket, sse, poll, https_percent, http2_percent } = self.transports;
        let of_hundred =
            |purpose, percent: u8| Dice::new(self.seed, purpose + own).below(100) < usize::from(percent);
        let secure = of_hundred(SCHEME, https_percent);
        let http2 = secure && of_hundred(VERSION, http2_percent);
        let drawn = Dice::new(self.seed, TRANSPORT + own).below((websocket + sse + poll) as usize);
        let transport = match (drawn.checked_sub(websocket as usize), http2) {
            (None, _) => Transport::WebSocket,
            (Some(drawn), false) if drawn < sse as usize => Transport::Sse,
            (Some(drawn), true) if drawn < sse as usize => Transport::SseHttp2,
            (Some(_), false) => Transport::Poll,
            (Some(_), true) => Transport::PollHttp2,
        };
        Person { transport, secure, list }
    }

    /// Where browser `number` connects from.
    pub(super) fn source(&self, number: usize) -> Option<IpAddr> {
        // Each generator has all of its addresses, whatever share of the browsers it plays.
        let place = self.part.place(number).unwrap_or(number);
        self.sources.get(place % self.sources.len().max(1)).copied()
    }

    /// The value of the `Cookie` header of browser `number`: a token of its user.
    pub(super) fn cookie(&self, number: usize) -> Option<String> {
        let Tokens { cookie, source } = self.tokens.as_ref()?;
        let token = match source {
            TokenSource::Fresh(key) => &key.token(self.ids.get(number % self.players)?)?,
            TokenSource::Given(tokens) => tokens.get(number % tokens.len().max(1))?,
        };
        Some(format!("{cookie}={}", String::from_utf8_lossy(token.expose())))
    }

    /// The person with this id.
    pub(crate) fn index_of(&self, id: &str) -> Option<u32> {
        self.index.get(id).copied()
    }

    /// The person whom a server calls so: with the community in front, or with commas.
    pub(crate) fn index_of_any(&self, name: &str) -> Option<u32> {
        let bare = name.rsplit("::").next().unwrap_or(name);
        self.index_of(name).or_else(|| self.index_of(bare)).or_else(|| self.index_of(&bare.replace(',', "/")))
    }

    /// The id of a person.
    pub(crate) fn id(&self, person: u32) -> &str {
        self.ids.get(person as usize).map_or("", AsRef::as_ref)
    }

    /// How many people there are.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_browsers() {
        let plan = |seed: u32| {
            let text = format!(
                "seed = {seed}\n[transports]\nwebsocket = 3\nsse = 1\n[population]\nwatches = \"5-9\"\n\
                 [[phase]]\nkind = \"ramp\"\nduration = \"1s\"\nbrowsers = 9\n"
            );
            Plan::parse(Path::new("x"), &text).unwrap()
        };
        let ids: Vec<_> = (0..100).map(|number| format!("CN=P{number}/O=R")).collect();
        let cast = |seed| Cast::new(&plan(seed), ids.clone(), None).unwrap();
        let lists = |cast: &Cast| (0..50).map(|number| cast.browser(number).list).collect::<Vec<_>>();
        let (one, other) = (cast(1), cast(2));
        assert_eq!(lists(&one), lists(&cast(1)));
        assert_ne!(lists(&one), lists(&other));
        assert!(lists(&one).iter().all(|list| (5..=9).contains(&list.len()) && list.is_sorted()));
        let sse = (0..1000).filter(|number| one.browser(*number).transport == Transport::Sse).count();
        assert!((200..300).contains(&sse), "{sse}");
        assert_eq!(one.index_of("CN=P7/O=R"), Some(7));
    }

    #[test]
    fn browsers_come_over_schemes_and_versions_as_the_plan_says() {
        let text = "[estate]\n[transports]\nwebsocket = 1\nsse = 1\npoll = 1\nhttps = 75\nhttp2 = 40\n\
                    [[phase]]\nkind = \"ramp\"\nduration = \"1s\"\nbrowsers = 9\n";
        let plan = Plan::parse(Path::new("x"), text).unwrap();
        let cast = Cast::new(&plan, vec!["CN=P/O=R".into()], None).unwrap();
        let people: Vec<_> = (0..1000).map(|number| cast.browser(number)).collect();
        let count = |is: &dyn Fn(&Person) -> bool| people.iter().filter(|person| is(person)).count();
        assert!((720..780).contains(&count(&|person| person.secure)));
        assert!(people.iter().all(|person| person.secure || !person.transport.is_http2()));
        let (all, http2) = (
            count(&|person| person.secure && person.transport != Transport::WebSocket),
            count(&|person| person.transport.is_http2()),
        );
        assert!((33..47).contains(&(http2 * 100 / all)), "{http2} of {all}");
    }
}
