//! One page from its start to its end: it opens (`opening`), then it waits.

use std::cell::{Cell, RefCell};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::cast::Cast;
use super::crew::Stage;
use super::http2::Stream;
use super::opening::open;
use super::page::{Browser, Notice};
use super::websocket::{self, Asked};
use super::wire::Wire;
use super::{poll, sse};
use crate::measure::{FailureKind, Recorder, micros};

/// From the start until the list is sent; a person would have given up.
pub(super) const OPEN_LIMIT: Duration = Duration::from_secs(60);
/// Ids in one command, as the documentation of the channel advises.
pub(super) const IDS: usize = 500;

/// What a browser is told while it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Close the page.
    Leave,
    /// The connection is lost without a word.
    Drop,
    /// Close the page and open another one, which should have been open at this time.
    Reload(Instant),
}

/// Where a waiting browser listens for orders. One thread only.
#[derive(Default)]
pub(super) struct Seat {
    order: Cell<Option<Order>>,
    /// What the page is to say on its connection.
    words: Cell<Vec<String>>,
    waker: Cell<Option<Waker>>,
}

impl Seat {
    /// Gives an order. How many page changes are lost by it: one that was ordered and not begun, or this one.
    pub(super) fn tell(&self, order: Order) -> u64 {
        let (before, lost) = (self.order.get(), u64::from(matches!(order, Order::Reload(_))));
        let replaced = match (before, order) {
            // Who leaves or has no connection any more does not change pages; who leaves, has left.
            (Some(Order::Leave), _) | (Some(Order::Drop), Order::Reload(_)) => return lost,
            (Some(Order::Reload(_)), _) => 1,
            (None | Some(Order::Drop), _) => 0,
        };
        self.order.set(Some(order));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        replaced
    }

    /// Lets the page that is open say something.
    pub(super) fn say(&self, command: String) {
        let mut words = self.words.take();
        words.push(command);
        self.words.set(words);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Whether the page that is open, or opening, is about to end, and no other follows it.
    pub(super) fn is_ending(&self) -> bool {
        matches!(self.order.get(), Some(Order::Leave | Order::Drop))
    }

    /// An order that came too late for the page it was given to.
    pub(super) fn take(&self) -> Option<Order> {
        self.order.take()
    }

    /// The next order.
    pub(super) async fn order(&self) -> Order {
        std::future::poll_fn(|context| self.poll(context).map_or(Poll::Pending, Poll::Ready)).await
    }

    fn poll(&self, context: &Context<'_>) -> Option<Order> {
        let order = self.order.take();
        if order.is_none() {
            self.waker.set(Some(context.waker().clone()));
        }
        order
    }

    fn words(&self) -> Option<Vec<String>> {
        Some(self.words.take()).filter(|words| !words.is_empty())
    }
}

/// An event channel (docs/events.md).
pub(super) struct Channel {
    pub(super) pipe: Pipe,
    pub(super) decoder: Decoder,
}

/// Where its bytes come from.
pub(super) enum Pipe {
    /// A connection of its own.
    Wire(Wire),
    /// One of several answers on a connection.
    Stream(Stream),
}

pub(super) enum Decoder {
    WebSocket(websocket::Decoder),
    Sse(sse::Decoder),
}

pub(super) enum Event {
    Order(Order),
    Say(Vec<String>),
    Took(Taken),
    Gone,
}

/// What came of one read.
#[derive(Default)]
pub(super) struct Taken {
    answer: Vec<u8>,
    closed: bool,
    pub(super) hello: Option<String>,
    end: Option<bool>,
    failed: Option<FailureKind>,
}

impl Pipe {
    fn poll_take<T>(&mut self, context: &mut Context<'_>, take: impl FnOnce(&[u8]) -> T) -> Poll<Option<T>> {
        match self {
            Self::Wire(wire) => wire.poll_take(context, take),
            Self::Stream(stream) => stream.poll_take(context, take),
        }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), FailureKind> {
        match self {
            Self::Wire(wire) => wire.write(bytes).await,
            // Answers have one direction.
            Self::Stream(_) => Err(FailureKind::Lost),
        }
    }
}

/// Plays one page until an order ends it, or says why it ended by itself.
pub(super) async fn visit(
    stage: &Stage,
    browser: &RefCell<Browser>,
    seat: &Seat,
    intended: Instant,
) -> Result<Order, FailureKind> {
    // What the page before was to say, nobody says any more.
    seat.words();
    let late = intended.elapsed();
    let now = micros();
    browser.borrow_mut().begin(now.saturating_sub(late.as_micros() as u64), now);
    if browser.borrow().transport.is_poll() {
        return Box::pin(poll::visit(stage, browser, seat)).await;
    }
    // The future of the opening is large and gone when the page waits.
    let opening = Box::pin(open(stage, browser));
    let mut channel = tokio::select! {
        biased;
        order = seat.order() => return Ok(order),
        opened = timeout(OPEN_LIMIT, opening) => opened.unwrap_or(Err(FailureKind::NoAnswer))?,
    };
    loop {
        match next(&mut channel, stage, browser, Some(seat)).await {
            Event::Order(order) => {
                if order != Order::Drop {
                    say_goodbye(&mut channel).await;
                }
                return Ok(order);
            }
            Event::Say(words) => {
                for command in words {
                    channel.pipe.write(&websocket::text(&command)).await?;
                }
            }
            Event::Gone => return Err(FailureKind::Lost),
            Event::Took(taken) => obey(&mut channel, taken).await?,
        }
    }
}

/// What the page has to do now.
pub(super) async fn obey(channel: &mut Channel, taken: Taken) -> Result<(), FailureKind> {
    if !taken.answer.is_empty() {
        channel.pipe.write(&taken.answer).await?;
    }
    match taken {
        Taken { failed: Some(kind), .. } => Err(kind),
        Taken { end: Some(true), .. } => Err(FailureKind::Sent),
        Taken { end: Some(false), .. } => Err(FailureKind::LoginEnded),
        Taken { closed: true, .. } => Err(FailureKind::Lost),
        _ => Ok(()),
    }
}

/// Waits for something to read, or for an order.
pub(super) async fn next(
    channel: &mut Channel,
    stage: &Stage,
    browser: &RefCell<Browser>,
    seat: Option<&Seat>,
) -> Event {
    std::future::poll_fn(|context| {
        if let Some(order) = seat.and_then(|seat| seat.poll(context)) {
            return Poll::Ready(Event::Order(order));
        }
        if let Some(words) = seat.and_then(Seat::words) {
            return Poll::Ready(Event::Say(words));
        }
        let Channel { pipe, decoder } = channel;
        // An event is only of interest to the task if there is something to do about it.
        loop {
            match pipe.poll_take(context, |bytes| take(decoder, bytes, stage, browser)) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Event::Gone),
                Poll::Ready(Some(taken)) if taken.is_idle() => {}
                Poll::Ready(Some(taken)) => return Poll::Ready(Event::Took(taken)),
            }
        }
    })
    .await
}

impl Taken {
    fn is_idle(&self) -> bool {
        self.answer.is_empty()
            && !self.closed
            && self.hello.is_none()
            && self.end.is_none()
            && self.failed.is_none()
    }
}

/// What a browser makes of something that it has read; whether its page is ready then, others can see.
pub(super) fn reading<T>(
    stage: &Stage,
    browser: &RefCell<Browser>,
    make: impl FnOnce(&mut Browser, &mut Recorder) -> T,
) -> T {
    let (mut browser, mut recorder) = (browser.borrow_mut(), stage.recorder());
    let was_ready = browser.visit.ready;
    let made = make(&mut browser, &mut recorder);
    if browser.visit.ready && !was_ready {
        stage.is_open();
    }
    made
}

pub(super) fn take(decoder: &mut Decoder, bytes: &[u8], stage: &Stage, browser: &RefCell<Browser>) -> Taken {
    reading(stage, browser, |browser, recorder| decode(decoder, bytes, browser, &stage.cast, recorder))
}

fn decode(
    decoder: &mut Decoder,
    bytes: &[u8],
    browser: &mut Browser,
    cast: &Cast,
    recorder: &mut Recorder,
) -> Taken {
    let now = micros();
    recorder.count(|counts| counts.bytes += bytes.len() as u64);
    let mut taken = Taken::default();
    let mut each = |message: &[u8]| match browser.take(message, now, cast, recorder) {
        Notice::Nothing => {}
        Notice::Hello(name) => taken.hello = Some(name),
        Notice::End { again } => taken.end = Some(again),
        Notice::Failed(kind) => taken.failed = Some(kind),
    };
    let read = match decoder {
        Decoder::WebSocket(decoder) => {
            let mut asked = Asked::default();
            let read = decoder.take(bytes, &mut asked, &mut each);
            taken.answer = asked.answer;
            taken.closed = asked.closed;
            read
        }
        Decoder::Sse(decoder) => decoder.take(bytes, &mut each).map(|ended| taken.closed = ended),
    };
    if let Err(kind) = read {
        taken.failed = Some(kind);
    }
    taken
}

async fn say_goodbye(channel: &mut Channel) {
    if matches!(channel.decoder, Decoder::WebSocket(_)) {
        let _ = timeout(Duration::from_secs(1), channel.pipe.write(&websocket::close())).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_leaves_has_left_and_lost_page_changes_are_counted() {
        let (seat, at) = (Seat::default(), Instant::now());
        assert_eq!((seat.tell(Order::Reload(at)), seat.is_ending()), (0, false));
        assert_eq!(seat.tell(Order::Reload(at)), 1, "the first never began");
        assert_eq!((seat.tell(Order::Leave), seat.is_ending()), (1, true));
        assert_eq!(seat.tell(Order::Reload(at)), 1, "nobody is there to change pages");
        assert_eq!(seat.tell(Order::Drop), 0);
        assert_eq!(seat.order().await, Order::Leave);
        assert_eq!(
            (seat.tell(Order::Drop), seat.tell(Order::Leave), seat.take()),
            (0, 0, Some(Order::Leave))
        );
    }
}
