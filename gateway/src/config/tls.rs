//! TLS settings from PEM files: certificates for browsers, trusted authorities for upstreams.
//!
//! One stack (rustls) with one provider (ring), named here and nowhere left to a process-wide default.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

/// Where Debian and its relatives keep the authorities that the system trusts.
pub const SYSTEM_CA: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{}: {}", .0.display(), .1)]
    Unreadable(PathBuf, String),
    #[error("{} holds no certificate", .0.display())]
    NoCertificate(PathBuf),
    #[error("{} holds no private key", .0.display())]
    NoKey(PathBuf),
    #[error("certificate and key do not belong together")]
    Mismatch,
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

impl TlsError {
    /// Which of `chain` and `key` has to be put right.
    pub(super) fn blames(&self, key: &Path) -> &'static str {
        match self {
            Self::NoKey(_) | Self::Mismatch => "key",
            Self::Unreadable(path, _) if path == key => "key",
            _ => "chain",
        }
    }
}

/// Reads a certificate chain and its key, which have to belong together. Names each file that cannot be used.
pub fn certificate(chain: &Path, key: &Path) -> Result<Arc<CertifiedKey>, Vec<TlsError>> {
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::NoKey(key.to_owned()),
        error => TlsError::Unreadable(key.to_owned(), plain(&error)),
    });
    match (certificates(chain), key) {
        (Ok(chain), Ok(key)) => certified(chain, key).map_err(|error| vec![error]),
        (chain, key) => Err(chain.err().into_iter().chain(key.err()).collect()),
    }
}

/// The same from memory.
pub fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, TlsError> {
    CertifiedKey::from_der(chain, key, &provider()).map(Arc::new).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch,
        error => TlsError::Rustls(error),
    })
}

/// Settings of an https listener: HTTP/2 and HTTP/1.1 by ALPN, TLS 1.2 and 1.3, certificate by server name.
/// The first certificate serves clients that ask for no name or for an unknown one.
pub fn server(certificates: Vec<Arc<CertifiedKey>>) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ByName(certificates)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Browsers that come back after an outage resume without a signature, and without memory kept for them.
    config.ticketer = ring::Ticketer::new()?;
    Ok(Arc::new(config))
}

/// Settings towards a server that presents a certificate of these authorities; `None` is the system's list.
pub fn client(ca: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    client_with(authorities(ca)?)
}

/// The same with the authorities at hand; with none, every server is refused.
pub fn client_with(roots: RootCertStore) -> Result<Arc<ClientConfig>, TlsError> {
    client_as(roots, false, None)
}

/// The same with TLS 1.3 only if `newest`, and a certificate that is shown to servers which ask for one.
pub fn client_as(
    roots: RootCertStore,
    newest: bool,
    own: Option<Arc<CertifiedKey>>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let versions = if newest { &[&TLS13][..] } else { rustls::DEFAULT_VERSIONS };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)?
        .with_root_certificates(roots);
    Ok(Arc::new(match own {
        Some(own) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own))),
        None => builder.with_no_client_auth(),
    }))
}

/// The authorities of a PEM file, or the system's.
pub fn authorities(ca: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(ca) => {
            for certificate in certificates(ca)? {
                roots.add(certificate)?;
            }
        }
        // One odd certificate in the system's list does not spoil the others.
        None => {
            roots.add_parsable_certificates(certificates(Path::new(SYSTEM_CA))?);
        }
    }
    Ok(roots)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |error: pem::Error| TlsError::Unreadable(path.to_owned(), plain(&error));
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    if certificates.is_empty() { Err(TlsError::NoCertificate(path.to_owned())) } else { Ok(certificates) }
}

/// The text of a PEM error; the library's own text of an I/O error repeats what the path says.
fn plain(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        _ => "is not a PEM file".to_owned(),
    }
}

/// Chooses the certificate that is valid for the name that the client asks for.
#[derive(Debug)]
struct ByName(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let first = self.0.first();
        if self.0.len() == 1 {
            return first.cloned();
        }
        let name = hello.server_name().and_then(|name| ServerName::try_from(name).ok());
        let named = name.and_then(|name| self.0.iter().find(|certified| is_for(certified, &name)));
        named.or(first).cloned()
    }
}

fn is_for(certified: &CertifiedKey, name: &ServerName<'_>) -> bool {
    let parsed = certified.end_entity_cert().and_then(ParsedCertificate::try_from);
    parsed.is_ok_and(|parsed| verify_server_name(&parsed, name).is_ok())
}

#[cfg(test)]
mod tests {
    use rustls::{ClientConnection, ServerConnection};

    use super::*;

    fn made_for(name: &str) -> (Arc<CertifiedKey>, CertificateDer<'static>) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let certificate = made.cert.der().clone();
        (certified(vec![certificate.clone()], key).unwrap(), certificate)
    }

    /// A handshake in memory; gives the certificate that the client saw and the protocol they agreed on.
    fn shake(
        server: &Arc<ServerConfig>,
        roots: &RootCertStore,
        name: &str,
    ) -> Result<(Vec<u8>, Vec<u8>), rustls::Error> {
        let mut config = ClientConfig::clone(&*client_with(roots.clone()).unwrap());
        config.alpn_protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name)?;
        let mut server = ServerConnection::new(server.clone())?;
        while client.is_handshaking() {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut wire.as_slice()).unwrap();
            server.process_new_packets()?;
            let mut wire = Vec::new();
            server.write_tls(&mut wire).unwrap();
            let mut wire = wire.as_slice();
            while !wire.is_empty() {
                client.read_tls(&mut wire).unwrap();
                client.process_new_packets()?;
            }
        }
        let seen = client.peer_certificates().unwrap()[0].to_vec();
        Ok((seen, client.alpn_protocol().unwrap().to_vec()))
    }

    #[test]
    fn the_name_chooses_the_certificate_and_the_first_serves_the_others() {
        let (first, first_der) = made_for("im.acme.example");
        let (second, second_der) = made_for("*.other.example");
        let mut roots = RootCertStore::empty();
        roots.add(first_der.clone()).unwrap();
        roots.add(second_der.clone()).unwrap();
        let server = server(vec![first, second]).unwrap();
        for (name, expected) in [
            ("im.acme.example", &first_der),
            ("mail.other.example", &second_der),
            ("IM.OTHER.example", &second_der),
        ] {
            let (seen, protocol) = shake(&server, &roots, name).unwrap();
            assert_eq!(
                (seen.as_slice(), protocol.as_slice()),
                (expected.as_ref(), b"h2".as_slice()),
                "{name}"
            );
        }
        // Neither certificate has these names: the first is shown, and the client refuses it.
        for name in ["im.third.example", "a.b.other.example", "127.0.0.1"] {
            assert!(
                matches!(shake(&server, &roots, name), Err(rustls::Error::InvalidCertificate(_))),
                "{name}"
            );
        }
    }

    #[test]
    fn without_authorities_every_server_is_refused() {
        let (only, _) = made_for("im.acme.example");
        let server = server(vec![only]).unwrap();
        assert!(shake(&server, &RootCertStore::empty(), "im.acme.example").is_err());
    }
}
