//! Random operations on a hub, several shards, a model of the upstream side and clients that keep what
//! they were told. Whatever happens, after everything has calmed down every client's view is the truth,
//! and after everything was closed nothing is left.

use proptest::prelude::*;

mod clients;
mod upstream;
mod world;

use world::World;

/// Something that happens. Numbers choose among what is there, modulo.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Open {
        shard: usize,
        scope: usize,
    },
    Close {
        client: usize,
    },
    /// The channel breaks and the client comes back with its cursor, perhaps to another shard.
    Reconnect {
        client: usize,
        shard: usize,
    },
    Watch {
        client: usize,
        persons: Vec<usize>,
    },
    Unwatch {
        client: usize,
        persons: Vec<usize>,
    },
    Notice {
        client: usize,
    },
    Take {
        client: usize,
        budget: usize,
    },
    /// Messages of a shard reach the hub.
    ToHub {
        shard: usize,
    },
    /// So many messages of the hub reach a shard.
    ToShard {
        shard: usize,
        count: usize,
    },
    Change {
        person: usize,
        status: usize,
    },
    /// So many messages of the community reach the hub.
    FromUpstream {
        login: usize,
        count: usize,
    },
    LoginUp {
        scope: usize,
        limit: Option<usize>,
    },
    LoginDown {
        login: usize,
    },
    Rescope {
        scope: usize,
    },
    Wait {
        milliseconds: u64,
    },
    /// A client has a cursor, misses one change, and comes back.
    Miss {
        client: usize,
        shard: usize,
        person: usize,
        status: usize,
    },
    /// Whatever is under way arrives, and everybody takes everything.
    Quiet,
}

fn op() -> impl Strategy<Value = Op> {
    let n = 0..100usize;
    let persons = prop::collection::vec(0..100usize, 1..12);
    prop_oneof![
        3 => (n.clone(), n.clone()).prop_map(|(shard, scope)| Op::Open { shard, scope }),
        1 => n.clone().prop_map(|client| Op::Close { client }),
        3 => (n.clone(), n.clone()).prop_map(|(client, shard)| Op::Reconnect { client, shard }),
        8 => (n.clone(), persons.clone()).prop_map(|(client, persons)| Op::Watch { client, persons }),
        3 => (n.clone(), persons).prop_map(|(client, persons)| Op::Unwatch { client, persons }),
        1 => n.clone().prop_map(|client| Op::Notice { client }),
        8 => (n.clone(), 0..6usize).prop_map(|(client, budget)| Op::Take { client, budget }),
        6 => n.clone().prop_map(|shard| Op::ToHub { shard }),
        8 => (n.clone(), 1..20usize).prop_map(|(shard, count)| Op::ToShard { shard, count }),
        8 => (n.clone(), n.clone()).prop_map(|(person, status)| Op::Change { person, status }),
        8 => (n.clone(), 1..20usize).prop_map(|(login, count)| Op::FromUpstream { login, count }),
        3 => (n.clone(), prop::option::of(0..8usize)).prop_map(|(scope, limit)| Op::LoginUp { scope, limit }),
        2 => n.clone().prop_map(|login| Op::LoginDown { login }),
        1 => n.clone().prop_map(|scope| Op::Rescope { scope }),
        3 => Just(Op::Quiet),
        3 => [n.clone(), n.clone(), n.clone(), n.clone()].prop_map(|[client, shard, person, status]| {
            Op::Miss { client, shard, person, status }
        }),
        4 => (0..20_000u64).prop_map(|milliseconds| Op::Wait { milliseconds }),
        1 => (0..400_000u64).prop_map(|milliseconds| Op::Wait { milliseconds }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everybody_converges_and_nothing_leaks(ops in prop::collection::vec(op(), 1..250)) {
        let mut world = World::new();
        for op in ops {
            world.run(op);
        }
        world.calm_down();
        world.check_views();
        world.close_everything();
    }
}
