//! What a running program cannot change: its addresses, its threads, its log, its communities.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{
    AccessLogging, Community, CommunityTls, Config, Listen, Log, Observer, ObserverCredential,
};

/// The configuration's fixed part, to compare a new one with.
#[derive(Debug)]
pub(super) struct Fixed {
    listen: Listen,
    log: Log,
    access_log: AccessLogging,
    /// Of the bypass, which outlives a configuration.
    state_file: Option<PathBuf>,
    communities: Vec<Arc<Community>>,
}

impl Fixed {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            listen: config.listen.clone(),
            log: config.log.clone(),
            access_log: config.access_log.clone(),
            state_file: state_file(config),
            communities: config.communities.clone(),
        }
    }

    /// The keys that differ.
    pub(super) fn changes(&self, new: &Config) -> Vec<String> {
        let Listen { http, https, admin, proxy_protocol, workers } = &new.listen;
        let fixed = [
            ("listen.http", self.listen.http != *http),
            ("listen.https", self.listen.https != *https),
            ("listen.admin", self.listen.admin != *admin),
            ("listen.proxy_protocol", self.listen.proxy_protocol != *proxy_protocol),
            ("listen.workers", self.listen.workers != *workers),
            ("log", self.log != new.log),
            ("access_log", self.access_log != new.access_log),
            ("pilot.state_file", self.state_file != state_file(new)),
        ];
        let mut changes: Vec<String> =
            fixed.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| key.to_owned()).collect();
        for community in &self.communities {
            match new.communities.iter().find(|other| other.name == community.name) {
                Some(other) if same(community, other) => {}
                _ => changes.push(format!("community {:?}", community.name)),
            }
        }
        let known = |name: &str| self.communities.iter().any(|community| community.name == name);
        let added = new.communities.iter().filter(|community| !known(&community.name));
        changes.extend(added.map(|community| format!("community {:?}", community.name)));
        changes
    }
}

fn state_file(config: &Config) -> Option<PathBuf> {
    config.pilot.as_ref().map(|pilot| pilot.state_file.clone())
}

/// Everything but the contents of certificate files, which are not kept in a comparable form.
fn same(old: &Community, new: &Community) -> bool {
    // Taken apart, so that a new field cannot be forgotten here.
    let Community {
        name,
        servers,
        host_map,
        own_presence,
        privacy,
        login_type,
        token_form,
        redirect,
        tls,
        source_addresses,
        observers,
        tuning,
        names,
    } = old;
    *name == new.name
        && *servers == new.servers
        && *host_map == new.host_map
        && *own_presence == new.own_presence
        && *privacy == new.privacy
        && *login_type == new.login_type
        && *token_form == new.token_form
        && *redirect == new.redirect
        && same_tls(tls.as_ref(), new.tls.as_ref())
        && *source_addresses == new.source_addresses
        && observers.len() == new.observers.len()
        && observers.iter().zip(&new.observers).all(|(old, new)| same_observer(old, new))
        // Plain numbers and times: their text is their value.
        && format!("{tuning:?}") == format!("{:?}", new.tuning)
        && format!("{names:?}") == format!("{:?}", new.names)
}

fn same_tls(old: Option<&CommunityTls>, new: Option<&CommunityTls>) -> bool {
    match (old, new) {
        (None, None) => true,
        (Some(old), Some(new)) => old.server_name == new.server_name,
        _ => false,
    }
}

fn same_observer(old: &Observer, new: &Observer) -> bool {
    use ObserverCredential::{Mint, Password, TokenFile};
    old.name == new.name
        && match (&old.credential, &new.credential) {
            (Password(old), Password(new)) | (Mint(old), Mint(new)) => old == new,
            (TokenFile(old), TokenFile(new)) => old == new,
            _ => false,
        }
}
