//! The least that makes Pingora do what `cargo xtask bench proxy` asks of nginx and haproxy: two listeners, three
//! upstreams, the headers that every proxy adds; one thread.

use std::env::args;

use async_trait::async_trait;
use pingora::prelude::*;
use pingora::proxy::http_proxy_service;
use pingora::server::configuration::ServerConf;

/// Addresses of the upstreams.
struct Proxy {
    plain: String,
    secure: String,
    echo: String,
}

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, session: &mut Session, _: &mut ()) -> Result<Box<HttpPeer>> {
        let path = session.req_header().uri.path();
        let (address, tls) = match path {
            _ if path.starts_with("/tls") => (&self.secure, true),
            _ if path.starts_with("/ws") => (&self.echo, false),
            _ => (&self.plain, false),
        };
        Ok(Box::new(HttpPeer::new(address.as_str(), tls, "localhost".to_owned())))
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        _: &mut (),
    ) -> Result<()> {
        if let Some(client) = session.client_addr().and_then(|address| address.as_inet()) {
            request.insert_header("x-forwarded-for", client.ip().to_string())?;
        }
        let tls = session.digest().is_some_and(|digest| digest.ssl_digest.is_some());
        request.insert_header("x-forwarded-proto", if tls { "https" } else { "http" })
    }
}

/// Arguments: plain listener, TLS listener, plain upstream, TLS upstream, WebSocket upstream, certificate, key.
fn main() {
    let arguments: Vec<String> = args().skip(1).collect();
    let [listen, listen_tls, plain, secure, echo, certificate, key] = arguments.as_slice() else {
        panic!("seven arguments");
    };
    // The certificate is its own authority.
    let settings = ServerConf { threads: 1, ca_file: Some(certificate.clone()), ..ServerConf::default() };
    let mut server = Server::new_with_opt_and_conf(None, settings);
    server.bootstrap();
    let upstreams = Proxy { plain: plain.clone(), secure: secure.clone(), echo: echo.clone() };
    let mut proxy = http_proxy_service(&server.configuration, upstreams);
    proxy.add_tcp(listen);
    proxy.add_tls(listen_tls, certificate, key).expect("certificate and key");
    server.add_service(proxy);
    server.run_forever();
}
