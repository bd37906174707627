//! `[listen]` and `[[tls.certificate]]`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::ServerConfig;

use crate::config::section::{Given, Section};
use crate::config::{Listen, tls};

/// More threads than any machine has cores help nobody.
const MOST_WORKERS: usize = 1024;
/// On this machine only: the admin listener asks for no password.
pub(in crate::config) const DEFAULT_ADMIN: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9180);

/// The addresses, and the TLS settings if there is an https listener.
pub(super) fn read(root: &Section<'_>) -> (Listen, Option<Arc<ServerConfig>>) {
    let section = root.table("listen");
    let http = section.list("http");
    let https: Vec<Given<SocketAddr>> = section.list("https");
    // A `listen` that is no table has been named already.
    let readable = section.raw().is_some() || !root.has("listen");
    if readable && !section.has("http") && !section.has("https") {
        section
            .wrong("http", "there is no address for browsers; give http = [\"0.0.0.0:80\"], https, or both");
    }
    let admin = section.or("admin", DEFAULT_ADMIN);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = section.within("workers", cores, 1..=MOST_WORKERS);
    same_address(&section, &http, &https, admin);

    let tls = certificates(root, &section, !https.is_empty());
    let proxy_protocol: Vec<Given<SocketAddr>> = section.list("proxy_protocol");
    for given in &proxy_protocol {
        if !http.iter().chain(&https).any(|address| address.value == given.value) {
            let text = format!("{} is neither in http nor in https", given.value);
            section.wrong_at(given.at, "proxy_protocol", text);
        }
    }
    let plain = |given: Vec<Given<SocketAddr>>| given.into_iter().map(|given| given.value).collect();
    let (http, https, proxy_protocol) = (plain(http), plain(https), plain(proxy_protocol));
    (Listen { http, https, admin, proxy_protocol, workers }, tls)
}

fn same_address(
    section: &Section<'_>,
    http: &[Given<SocketAddr>],
    https: &[Given<SocketAddr>],
    admin: SocketAddr,
) {
    let mut seen = vec![admin];
    let keyed = http.iter().map(|given| ("http", given)).chain(https.iter().map(|given| ("https", given)));
    for (key, given) in keyed {
        if given.value.port() != 0 && seen.contains(&given.value) {
            section.wrong_at(given.at, key, format!("{} is listed twice", given.value));
        }
        seen.push(given.value);
    }
}

fn certificates(root: &Section<'_>, listen: &Section<'_>, https: bool) -> Option<Arc<ServerConfig>> {
    let sections = root.table("tls").tables("certificate");
    if https && sections.is_empty() {
        listen.wrong("https", "needs a certificate; add [[tls.certificate]] with chain and key");
    }
    let mut certificates = Vec::new();
    for section in &sections {
        let why = "give the PEM file";
        let (chain, key) = (section.must_path("chain", why), section.must_path("key", why));
        let (Some(chain), Some(key)) = (chain, key) else { continue };
        match tls::certificate(&chain.value, &key.value) {
            Ok(certificate) => certificates.push(certificate),
            Err(errors) => {
                errors.iter().for_each(|error| section.wrong(error.blames(&key.value), error.to_string()))
            }
        }
    }
    if !https || certificates.is_empty() || certificates.len() < sections.len() {
        return None;
    }
    match tls::server(certificates) {
        Ok(config) => Some(config),
        Err(error) => {
            listen.wrong("https", error.to_string());
            None
        }
    }
}
