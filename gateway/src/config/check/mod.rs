//! From the file's shape to types that cannot be wrong: one file per section. Each reads on after a
//! mistake, so that all of them are named in one go.

mod access_log;
mod community;
mod listen;
mod logins;
mod names;
mod pages;
mod pilot;
mod redirect;
mod rest;
mod rewrite;
mod route;
mod sso;
mod upstream;

pub(super) use listen::DEFAULT_ADMIN;

use super::Config;
use super::section::Section;

/// Reads every section. What is wrong is noted, and the result is then worth nothing.
pub(super) fn document(root: &Section<'_>) -> Config {
    let (listen, tls) = listen::read(root);
    let sso = sso::read(&root.table("sso"));
    let communities = community::read(root, &sso);
    if let Some(delegated) = &sso.delegated
        && !communities.iter().any(|named| named.name == delegated.community)
    {
        let section = root.table("sso").table("delegated");
        section.wrong("community", format!("there is no community {:?}", delegated.community));
    }
    let routes = route::read(root, &communities, &sso);
    let pilot = pilot::read(root, &routes);
    let limits = rest::limits(&root.table("limits"));
    let redirects = redirect::read(root, &listen, &limits);
    let log = rest::log(&root.table("log"));
    let access_log = access_log::read(&root.table("access_log"));
    let communities = communities.into_iter().filter_map(|named| named.community).collect();
    Config { listen, tls, sso, communities, routes, pilot, redirects, limits, log, access_log }
}
