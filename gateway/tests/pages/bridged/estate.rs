//! A simulated Sametime web server that speaks one scheme, and a gateway in front of it that speaks both.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use gateway::app::{App, Options, Running};
use loadtest_sim::web::WebServer;
use rustls::ServerConfig;

/// See the module. Its hosts are `im.` (pages of other hosts are answered for by the gateway) and `plain.` (by
/// the server behind it), both below `renovation.test`.
pub(super) struct Bridged {
    pub(super) sametime: WebServer,
    running: Running,
    folder: PathBuf,
}

impl Bridged {
    pub(super) async fn start(scheme: &str) -> Self {
        let (tls, chain, key) = certificate();
        let sametime = WebServer::start(any(), Some(tls).filter(|_| scheme == "https")).await.unwrap();
        let port = sametime.addr().port();
        let origin = format!("{scheme}://st1.renovation.test:{port}");
        sametime.call_itself(&origin);

        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("livename-bridged-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("im.pem"), chain).unwrap();
        std::fs::write(folder.join("im.key"), key).unwrap();
        let route = |host: &str, more: &str| {
            format!(
                "[[route]]\nhosts = [\"{host}.renovation.test\"]\npath = \"/\"\nauth = \"off\"\n\
                 upstreams = [\"{scheme}://127.0.0.1:{port}\"]\naliases = [\"{origin}\"]\n{more}\n\
                 tls = {{ ca = \"im.pem\", server_name = \"st1.renovation.test\" }}\n"
            )
        };
        let configuration = format!(
            "[listen]\nhttp = [\"127.0.0.1:0\"]\nhttps = [\"127.0.0.1:0\"]\nadmin = \"127.0.0.1:0\"\nworkers = 1\n\
             [[tls.certificate]]\nchain = \"im.pem\"\nkey = \"im.key\"\n\
             [sso]\ndomain = \".renovation.test\"\n{}{}",
            route("im", "cors = \"gateway\""),
            route("plain", "")
        );
        let file = folder.join("livename.toml");
        std::fs::write(&file, configuration).unwrap();
        let config = gateway::config::load(&file).unwrap_or_else(|errors| panic!("{errors}"));
        let running = App::start(config, Options::default()).await.unwrap();
        Self { sametime, running, folder }
    }

    /// The gateway's origin under one of its names.
    pub(super) fn gateway(&self, scheme: &str, host: &str) -> String {
        let addresses = self.running.addresses();
        let address = if scheme == "https" { addresses.https[0] } else { addresses.http[0] };
        format!("{scheme}://{host}.renovation.test:{}", address.port())
    }

    pub(super) async fn stop(self) {
        self.running.stop().await;
        self.sametime.stop().await;
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// The same server without a gateway.
pub(super) async fn raw(scheme: &str) -> WebServer {
    let (tls, ..) = certificate();
    WebServer::start(any(), Some(tls).filter(|_| scheme == "https")).await.unwrap()
}

fn certificate() -> (Arc<ServerConfig>, String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["*.renovation.test".to_owned()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    (loadtest_sim::tls::from_pem(chain.as_bytes(), key.as_bytes()).unwrap(), chain, key)
}

fn any() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}
