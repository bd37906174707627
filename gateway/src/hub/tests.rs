//! The task around the hub: bounded inboxes, and logins that do not keep up.

use std::sync::Arc;
use std::time::Duration;

use gateway_core::hub::{Event, Settings};
use gateway_core::messages::{Interest, ToShard};
use gateway_core::shard::{Limits, Shard};
use gateway_core::watchset::{Command, Pace};
use gateway_core::{Epoch, ScopeId, ShardId, StateRecord, Ticket};
use protocol::presence::{PersonId, Presence, Status};
use tokio::sync::mpsc;

use super::{Clock, Inbox, hub};
use crate::telemetry::Metrics;

fn people(count: usize) -> Vec<PersonId> {
    (0..count).map(|number| PersonId::from(format!("CN=P{number}"))).collect()
}

/// What a shard tells the hub when a page watches these people.
fn interests(scope: ScopeId, people: &[PersonId]) -> Vec<Interest> {
    let mut shard = Shard::new(Epoch(1), Limits::default(), 7);
    let page = shard.open(scope);
    shard.watch(page, people, None).unwrap();
    shard.interests().collect()
}

fn tickets(count: usize) -> Vec<Ticket> {
    let ticket = |interest| match interest {
        Interest::Watch { ticket, .. } | Interest::Unwatch { ticket, .. } => ticket,
    };
    interests(ScopeId(1), &people(count)).into_iter().map(ticket).collect()
}

fn state(ticket: Ticket, seq: u64) -> ToShard {
    let record = StateRecord::new("CN=A".into(), Presence::of(Status::Away), seq, Duration::ZERO);
    ToShard::State { ticket, record: Arc::new(record) }
}

#[test]
fn an_inbox_keeps_the_newest_of_each_in_order() {
    let inbox = Inbox::default();
    let tickets = tickets(10);
    let mut seq = 0;
    for round in 0..5_000 {
        for ticket in &tickets {
            seq += 1;
            inbox.push(state(*ticket, seq));
        }
        if round % 1_000 == 999 {
            inbox.push(ToShard::ScopeClosed(ScopeId(round)));
        }
    }
    let messages = inbox.take();
    assert!(messages.len() < 5_000, "{} of 50,005 wait", messages.len());
    let mut last = vec![0; tickets.len()];
    let (mut closed, mut newest) = (Vec::new(), 0);
    for message in messages {
        match message {
            ToShard::ScopeClosed(scope) => closed.push(scope.0),
            ToShard::State { ticket, record } => {
                assert!(record.revision() > newest, "in the order in which they were made");
                newest = record.revision();
                last[tickets.iter().position(|known| *known == ticket).unwrap()] = newest;
            }
        }
    }
    assert_eq!(closed, [999, 1_999, 2_999, 3_999, 4_999], "what is no state stays");
    assert_eq!(last, (seq - 9..=seq).collect::<Vec<_>>(), "everybody's newest is there");
    assert!(inbox.take().is_empty());
}

#[test]
fn an_inbox_of_many_people_is_not_compacted_in_vain() {
    let inbox = Inbox::default();
    let tickets = tickets(5_000);
    for seq in 1..=3 {
        for ticket in &tickets {
            inbox.push(state(*ticket, seq));
        }
    }
    let waiting = inbox.take().len();
    assert!((5_000..=10_000).contains(&waiting), "{waiting}");
}

#[tokio::test]
async fn a_login_that_takes_no_commands_is_cut_and_served_when_it_comes_back() {
    let metrics = Arc::new(Metrics::new());
    let (handle, task) = hub(vec![Arc::default()], 7, Clock::start(), metrics);
    tokio::spawn(task.run());
    let pace = Pace { batch: 2, batches_in_flight: 4, answer_timeout: Duration::from_secs(60) };
    let settings = Settings { pace, ..Settings::default() };
    let scope = handle.open_scope(Arc::new(settings)).await;
    let (commands, mut queue) = mpsc::channel(1);
    handle.login_up(scope, commands).await;
    let changes = interests(scope, &people(8));
    handle.tell(Event::Interest { shard: ShardId(0), changes }).await;
    // Four commands were made, one fits.
    assert!(matches!(queue.recv().await, Some(Command::Add(ids)) if ids.len() == 2));
    assert_eq!(queue.recv().await, None, "the hub has let go");

    let (commands, mut queue) = mpsc::channel(16);
    handle.login_up(scope, commands).await;
    let mut asked = Vec::new();
    while asked.len() < 8 {
        let Some(Command::Add(ids)) = queue.recv().await else { panic!("all are asked for again") };
        asked.extend(ids);
    }
    asked.sort();
    assert_eq!(asked, people(8));
}
