//! What a route says about rewriting.

use super::upstream::address;
use crate::config::section::Section;
use crate::config::value::{AffinityId, quoted};
use crate::config::{Address, Rewrite, Upstream};

pub(super) fn read(section: &Section<'_>, upstreams: &[Upstream]) -> Rewrite {
    let mut rewrite = Rewrite::of(upstreams);
    rewrite.bodies = section.or("rewrite", rewrite.bodies);
    if let Some(AffinityId(id)) = section.value("affinity_id").map(|given| given.value) {
        rewrite.affinity = format!("/{id}");
    }
    let aliases = section.list::<String>("aliases").into_iter().filter_map(|given| {
        let read = address(&given.value);
        if read.is_none() {
            let text = format!(
                "{} is not an address; write \"http://host\", \"https://host\" or with a port, without a path",
                quoted(&given.value)
            );
            section.wrong_at(given.at, "aliases", text);
        }
        read.map(|(tls, host, port)| Address::new(tls, &host, port))
    });
    rewrite.known = rewrite.known.iter().cloned().chain(aliases).collect();
    rewrite
}
