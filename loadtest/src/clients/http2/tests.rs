use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use h2::SendStream;
use h2::server::{self, SendResponse};
use http::{Method, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::*;
use crate::clients::{Action, Cast, Crew, Deed, Dialer, Setup};
use crate::measure::Transport;
use crate::plan::Plan;

/// A server with a certificate of its own.
struct Server {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    dialer: Dialer,
}

impl Server {
    /// One that offers these protocols.
    async fn start(name: &str, protocols: &[&[u8]]) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let tls = loadtest_sim::tls::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        let mut tls = Arc::unwrap_or_clone(tls);
        tls.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let ca: PathBuf =
            std::env::temp_dir().join(format!("livename-load-http2-{}-{name}.pem", std::process::id()));
        std::fs::write(&ca, chain).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let dialer = Dialer::new(&url, Some(&ca)).await.unwrap();
        std::fs::remove_file(ca).unwrap();
        Self { listener, acceptor: Arc::new(tls).into(), dialer }
    }
}

#[tokio::test]
async fn a_server_that_does_not_agree_is_told_from_one_that_is_broken() {
    for (name, protocols) in [("silent", &[][..]), ("older", &[&b"http/1.1"[..]])] {
        let Server { listener, acceptor, dialer } = Server::start(name, protocols).await;
        let serve = async {
            let (guest, _) = listener.accept().await.unwrap();
            acceptor.accept(guest).await.err().map(drop)
        };
        let (opened, _) = tokio::join!(Line::open(dialer.way(true), None), serve);
        assert_eq!(opened.err(), Some(FailureKind::NoHttp2), "{name}");
    }
}

type Answer = SendResponse<Bytes>;

/// The head of an answer, and its body to come.
fn begin(mut answer: Answer) -> SendStream<Bytes> {
    answer.send_response(Response::new(()), false).unwrap()
}

fn event(channel: &mut SendStream<Bytes>, text: &str) {
    channel.send_data(format!("data: {text}\n\n").into(), false).unwrap();
}

/// An event channel and the commands to it, as the gateway does it.
async fn serve(stream: TlsStream<TcpStream>, requests: Arc<AtomicUsize>) {
    let mut connection = server::handshake(stream).await.unwrap();
    let mut channel = None;
    while let Some(Ok((request, answer))) = connection.accept().await {
        requests.fetch_add(1, Ordering::Relaxed);
        assert_eq!(request.headers()["cookie"], "LtpaToken=abc");
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/livename/v1/events") => {
                let mut begun = begin(answer);
                event(&mut begun, r#"{"type":"hello","channel":"c7"}"#);
                channel = Some(begun);
            }
            (&Method::POST, "/livename/v1/events/c7") => {
                begin(answer).send_data(r#"[{"type":"ok","id":1}]"#.into(), true).unwrap();
                let person = r#"{"id":"CN=Ann/O=R","status":"away","text":"","revision":1}"#;
                let text = format!(r#"{{"type":"presence","people":[{person}],"cursor":"1"}}"#);
                event(channel.as_mut().unwrap(), &text);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_page_and_its_commands_share_a_connection_that_is_cut_with_it() {
    let Server { listener, acceptor, dialer } = Server::start("page", &[b"h2"]).await;
    let text =
        "[transports]\nsse = 1\nhttps = 100\nhttp2 = 100\n[[phase]]\nkind = \"hold\"\nduration = \"1s\"\n";
    let plan = Plan::parse(Path::new("x"), text).unwrap();
    let source = crate::clients::TokenSource::Given(vec!["abc".into()]);
    let tokens = crate::clients::Tokens { cookie: "LtpaToken".to_owned(), source };
    let cast = Arc::new(Cast::new(&plan, vec!["CN=Ann/O=R".into()], Some(tokens)).unwrap());
    let crew = Crew::start(Setup { cast, dialer: Arc::new(dialer), seed: 1 }).unwrap();
    crew.recorder().begin_phase(1);
    crew.schedule(vec![Action { at: Instant::now(), browser: 0, deed: Deed::Arrive }]).await;
    let requests = Arc::new(AtomicUsize::new(0));
    let limit = Duration::from_secs(20);
    let (guest, _) = timeout(limit, listener.accept()).await.unwrap().unwrap();
    let stream = acceptor.accept(guest).await.unwrap();
    let serving = tokio::spawn(serve(stream, requests.clone()));
    let begun = Instant::now();
    while crew.open() == 0 {
        assert!(begun.elapsed() < limit, "{:?}", crew.recorder().phases()[0]);
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(requests.load(Ordering::Relaxed), 2, "the channel and its commands");
    {
        let recorder = crew.recorder();
        let phase = &recorder.phases()[0];
        assert_eq!((phase.counts.opened, phase.counts.secure), (1, 1));
        assert_eq!(phase.hellos[Transport::SseHttp2.index()].count(), 1);
    }
    crew.schedule(vec![Action { at: Instant::now(), browser: 0, deed: Deed::Drop }]).await;
    timeout(limit, serving).await.unwrap().unwrap();
}
