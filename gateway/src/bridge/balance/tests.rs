use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::config::{Health, tls};

/// Upstreams of these weights that one failure takes out for good.
fn group(weights: &[u32]) -> Group {
    let client = tls::client_with(rustls::RootCertStore::empty()).unwrap();
    let rest = std::time::Duration::from_secs(600);
    let upstream = |(index, weight): (usize, &u32)| Upstream {
        weight: *weight,
        health: Health { failures: 1, rest, ..Health::default() },
        ..Upstream::at(false, &format!("st{index}"), 80, Arc::clone(&client))
    };
    let route = UpstreamRoute::to(weights.iter().enumerate().map(upstream).collect());
    let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
    let pool = Pool::new(tasks.clone(), end.clone());
    Group::new(&route, &Upstreams::new(Arc::default(), tasks, end), &pool)
}

fn chosen(group: &Group, count: usize) -> String {
    let one = |_| {
        group
            .choose(&mut Tried::default(), None)
            .map_or('-', |member| member.upstream.host.chars().last().unwrap())
    };
    (0..count).map(one).collect()
}

#[tokio::test]
async fn shares_follow_the_weights_and_do_not_come_in_bursts() {
    assert_eq!(chosen(&group(&[1, 1, 1]), 6), "012012");
    assert_eq!(chosen(&group(&[5, 1, 1]), 14), "00102000010200");
}

#[tokio::test]
async fn who_is_out_gets_nothing_and_nobody_is_asked_twice() {
    let group = group(&[1, 1, 1]);
    group.members[1].standing.failed(&"test");
    assert_eq!(chosen(&group, 4), "0202");
    let mut tried = Tried::default();
    assert!(group.choose(&mut tried, None).is_some() && group.has_more(tried));
    assert!(group.choose(&mut tried, None).is_some() && !group.has_more(tried));
    assert!(group.choose(&mut tried, None).is_none());
    for member in &group.members {
        member.standing.failed(&"test");
    }
    assert_eq!(chosen(&group, 2), "--");
}

#[tokio::test]
async fn a_browser_comes_back_to_its_upstream_while_that_is_well() {
    let group = group(&[1, 1]);
    let second = group.members[1].alias.clone();
    for _ in 0..3 {
        assert_eq!(group.choose(&mut Tried::default(), Some(&second)).unwrap().alias, second);
    }
    assert_eq!(chosen(&group, 2), "01", "others do not notice");
    group.members[1].standing.failed(&"test");
    assert_ne!(group.choose(&mut Tried::default(), Some(&second)).unwrap().alias, second);
    assert!(group.choose(&mut Tried::default(), Some("nobody")).is_some());
}
