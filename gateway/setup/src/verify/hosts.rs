//! C7: the names lead to hosts that answer. What counts is the host name in the Server document: that is where
//! whoever looks a server up is sent.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::{Check, Outcome, check};
use crate::config::{COMMUNITY_PORT, Role, Setup, Url};
use crate::directory::Client;
use crate::estate::Estate;
use crate::items::{DocumentKind, ItemTable, Setting};
use crate::names::NotesName;

const PATIENCE: Duration = Duration::from_secs(5);

/// Addresses that stand for names that DNS does not have yet: for checks before the switch.
#[derive(Clone, Debug, Default)]
pub struct Resolve(pub BTreeMap<(String, u16), SocketAddr>);

impl Resolve {
    /// The addresses of a host, the given one first.
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Some(address) = self.0.get(&(host.to_owned(), port)) {
            return Ok(vec![*address]);
        }
        timeout(PATIENCE, lookup_host((host, port))).await?.map(Iterator::collect)
    }

    /// A client of a service, connected to where the name is given to be.
    pub fn client(&self, url: &Url, tls: Option<Arc<ClientConfig>>) -> Client {
        let at = self.0.get(&(url.host.clone(), url.port)).copied();
        Client::new(url.clone(), tls).at(at)
    }
}

/// What was read of the directories, if they were read.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    pub estate: &'a Estate,
    pub table: &'a ItemTable,
}

impl<'a> Seen<'a> {
    /// What the Server documents of a name say is its host, replica by replica; empty where they say nothing.
    pub(super) fn hosts_of(self, name: &NotesName) -> Vec<(&'a str, String)> {
        let replicas = self.estate.replicas.iter().filter(|replica| replica.sees(DocumentKind::Server));
        let of_replica = replicas.flat_map(|replica| {
            let documents = replica
                .of(DocumentKind::Server)
                .filter(|document| document.has_name(self.table, Setting::ServerName, name));
            documents
                .map(|document| (replica.access.as_str(), document.text(self.table, Setting::ServerHost)))
        });
        of_replica.collect()
    }
}

/// C7. Every problem is named, not only the first one.
pub(super) async fn hosts(setup: &Setup, seen: Option<Seen<'_>>, resolve: &Resolve) -> Check {
    let mut wrong = Vec::new();
    let mut open = Vec::new();
    let mut read = false;
    for server in &setup.servers {
        let (Some(seen), Some(name)) = (seen, &server.name) else { continue };
        for (access, found) in seen.hosts_of(name) {
            read = true;
            if found.is_empty() {
                open.push(format!("the Server document of {name} in {access} has no Internet host name"));
            } else if !found.trim_end_matches('.').eq_ignore_ascii_case(server.host.as_str()) {
                let port = if server.role == Role::Sametime { COMMUNITY_PORT } else { 80 };
                let leads = match reach(&found, port, resolve).await {
                    Reach::Unresolved => ", which does not resolve".to_owned(),
                    Reach::Silent => format!(", which does not answer on port {port}"),
                    Reach::Open => String::new(),
                };
                wrong.push(format!(
                    "the Server document of {name} in {access} has the Internet host name \"{found}\"{leads}, and setup.toml has {}",
                    server.host
                ));
            }
        }
    }
    let wanted = wanted(setup);
    for (host, port) in &wanted {
        match reach(host, *port, resolve).await {
            Reach::Open => {}
            Reach::Unresolved => wrong.push(format!("{host} does not resolve")),
            Reach::Silent => wrong.push(format!("{host} does not answer on port {port}")),
        }
    }
    wrong.dedup();
    if !wrong.is_empty() {
        check("C7", Outcome::Fail, wrong.join("; "))
    } else if !open.is_empty() {
        check("C7", Outcome::Unknown, open.join("; "))
    } else {
        let names: Vec<_> = wanted.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        let whence = if read { "" } else { "; as setup.toml has them, no Server document was read" };
        check("C7", Outcome::Pass, format!("{}{whence}", names.join(", ")))
    }
}

/// Who has to answer where: the community, the gateway, and web servers whose place is known.
fn wanted(setup: &Setup) -> Vec<(String, u16)> {
    let mut wanted: Vec<(String, u16)> =
        setup.sametime().map(|server| (server.host.to_string(), COMMUNITY_PORT)).collect();
    let webs = setup.servers.iter().filter_map(|server| server.web.as_ref());
    wanted.extend(webs.map(|web| (web.host.to_lowercase(), web.port)));
    if let Some(gateway) = &setup.gateway {
        let ports = [(gateway.http, 80), (gateway.https, 443)];
        wanted.extend(
            ports.into_iter().filter(|(on, _)| *on).map(|(_, port)| (gateway.host.to_string(), port)),
        );
    }
    wanted
}

enum Reach {
    Unresolved,
    Silent,
    Open,
}

async fn reach(host: &str, port: u16, resolve: &Resolve) -> Reach {
    let addresses = match resolve.addresses(host, port).await {
        Ok(addresses) if !addresses.is_empty() => addresses,
        _ => return Reach::Unresolved,
    };
    for address in addresses {
        if timeout(PATIENCE, TcpStream::connect(address)).await.is_ok_and(|connected| connected.is_ok()) {
            return Reach::Open;
        }
    }
    Reach::Silent
}
