//! The pages and faults, through real sockets, read byte by byte.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;

const LIMIT: Duration = Duration::from_secs(10);

async fn server() -> WebServer {
    WebServer::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), None).await.unwrap()
}

/// The whole answer to a request on a connection of its own.
async fn fetch(server: &WebServer, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(server.addr()).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: st.example:81\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    timeout(LIMIT, stream.read_to_end(&mut answer)).await.expect("an answer in time")?;
    Ok(String::from_utf8(answer).unwrap())
}

#[tokio::test]
async fn pages_name_the_server_as_the_client_knows_it() {
    let server = server().await;
    let page = fetch(&server, "/sametime/").await.unwrap();
    assert!(page.contains("served over http<"), "{page}");
    assert!(page.contains("\"http://st.example:81/sametime/style.css\""), "{page}");
    assert!(page.contains("http:\\/\\/st.example:81\\/sametime"), "{page}");
    let redirect = fetch(&server, "/redirect?to=/echo").await.unwrap();
    assert!(redirect.contains("location: http://st.example:81/echo\r\n"), "{redirect}");
    let cookie = fetch(&server, "/cookie?domain=.example").await.unwrap();
    assert!(cookie.contains("Path=/sametime; HttpOnly; Domain=.example\r\n"), "{cookie}");
    let echo = fetch(&server, "/echo?a=b").await.unwrap();
    assert!(echo.contains("\"uri\":\"/echo?a=b\""), "{echo}");
    let split = fetch(&server, "/split").await.unwrap();
    assert!(split.contains("5\r\n<a hr\r\n5\r\nef=\"h\r\n"), "{split}");
    assert_eq!(server.seen().len(), 5);
}

#[tokio::test]
async fn over_tls_the_pages_say_https() {
    let made = rcgen::generate_simple_self_signed(vec!["st.example".to_owned()]).unwrap();
    let key = made.signing_key.serialize_pem();
    let config = crate::tls::from_pem(made.cert.pem().as_bytes(), key.as_bytes()).unwrap();
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = WebServer::start(listen, Some(config)).await.unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let client =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    let stream = TcpStream::connect(server.addr()).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("st.example").unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap();
    stream
        .write_all(b"GET /sametime/ HTTP/1.1\r\nHost: st.example\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut page = String::new();
    timeout(LIMIT, stream.read_to_string(&mut page)).await.expect("an answer in time").unwrap();
    assert!(page.contains("https://st.example/sametime/style.css"), "{page}");
}

#[tokio::test]
async fn a_server_may_know_itself_by_another_name() {
    let server = server().await;
    server.call_itself("https://st1.example");
    let page = fetch(&server, "/sametime/mixed/page.html").await.unwrap();
    assert!(page.contains("Path=/sametime; HttpOnly; Secure; SameSite=None\r\n"), "{page}");
    assert!(page.contains("script-src https://st1.example "), "{page}");
    assert!(page.contains("\"https://st1.example/sametime/mixed/script.js\""), "{page}");
    let script = fetch(&server, "/sametime/mixed/script.js").await.unwrap();
    assert!(script.contains("\"https:\\/\\/st1.example\\/sametime\\/mixed\""), "{script}");
    assert!(script.contains("\"https%3A%2F%2Fst1.example%2Fsametime"), "{script}");
    assert!(fetch(&server, "/sametime/mixed/nothing").await.unwrap().starts_with("HTTP/1.1 404 "));
}

#[tokio::test]
async fn a_tunnel_sends_back_every_byte() {
    let server = server().await;
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let request = "GET /tunnel HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: anything\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(LIMIT, stream.read_u8()).await.unwrap().unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "));
    stream.write_all(b"\x00\xffping").await.unwrap();
    let mut back = [0; 6];
    timeout(LIMIT, stream.read_exact(&mut back)).await.unwrap().unwrap();
    assert_eq!(&back, b"\x00\xffping");
}

#[tokio::test]
async fn a_poll_ends_with_the_news_or_with_its_time() {
    let server = server().await;
    assert!(fetch(&server, "/poll?ms=1").await.unwrap().contains("\"number\":0"));
    let asked = fetch(&server, "/poll?ms=9000");
    let told = async {
        while server.shared.news.receiver_count() == 0 {
            tokio::task::yield_now().await;
        }
        server.publish("cake");
    };
    let (answer, ()) = tokio::join!(asked, told);
    assert!(answer.unwrap().contains("\"text\":\"cake\""));
}

#[tokio::test]
async fn faults_are_what_they_are_called() {
    let server = server().await;
    server.set_fault(Fault::HalfBody);
    let half = fetch(&server, "/sametime/").await.unwrap();
    assert!(half.contains("content-length: 1000\r\n") && half.ends_with("xxx") && half.len() < 1000);
    server.set_fault(Fault::Reset);
    let error = fetch(&server, "/sametime/").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    server.set_fault(Fault::StallBeforeHead);
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(timeout(Duration::from_millis(200), stream.read_u8()).await.is_err());
    timeout(LIMIT, server.stop()).await.expect("a stall does not hold up the end");
}
