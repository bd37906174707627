//! A server that keeps to the protocol and then says something on a channel that cannot be read: the connection is
//! closed with a word and a count, and the next one asks anew.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use gateway::config::OwnPresence;
use protocol::vp::message::ChannelId;
use protocol::vp::prim::{LoginInfo, PrivacyInfo, UserStatus};
use protocol::vp::reason::Reason;
use protocol::vp::server::{Closed, Config, Event, Server};
use protocol::vp::service::Service;
use protocol::vp::session::Acceptance;
use protocol::vp::{awareness, resolve};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::estate::{Plan, id};
use crate::page::{Page, Transport};
use crate::support::{tokens, until};

/// How the server's sessions ended.
type Ends = Arc<Mutex<Vec<Closed>>>;

/// Lets everybody in, and answers whatever comes on a channel of that service with a broken payload of that type.
async fn babbler(service: Service, send_type: u16) -> (String, Ends) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let ends = Ends::default();
    let seen = Arc::clone(&ends);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(babble(stream, service, send_type, Arc::clone(&seen)));
        }
    });
    (address, ends)
}

async fn babble(mut stream: TcpStream, service: Service, send_type: u16, ends: Ends) {
    let mut server = Server::new(Config::default(), Box::new(|bytes| bytes.fill(7)), Duration::ZERO);
    let mut babbles: Option<ChannelId> = None;
    let mut buffer = vec![0; 64 << 10];
    loop {
        while let Some(event) = server.next_event() {
            match event {
                Event::Login(request) => {
                    let info = LoginInfo { user_id: request.name, ..LoginInfo::default() };
                    server.admit(info, PrivacyInfo::default(), UserStatus::default()).unwrap();
                }
                Event::Create { channel, create } => {
                    server.accept(channel, Acceptance::default()).unwrap();
                    babbles = babbles.or((create.service.id == service.id).then_some(channel));
                }
                Event::Received { channel, .. } if Some(channel) == babbles => {
                    server.send(channel, send_type, Bytes::from_static(b"\xff")).unwrap();
                }
                Event::Closed(closed) => ends.lock().unwrap().push(closed),
                _ => {}
            }
        }
        let output = server.output();
        if stream.write_all(&output).await.is_err() || server.is_closed() {
            return;
        }
        match stream.read(&mut buffer).await {
            Ok(count) if count > 0 => server.receive(&buffer[..count], Duration::ZERO),
            _ => server.closed(Duration::ZERO),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_on_a_channel_ends_its_connection_and_no_page() {
    for (service, send_type, kind, watched) in [
        (Service::AWARENESS, awareness::send_type::SNAPSHOT, "awareness", json!({"ids": [id(1)]})),
        (Service::RESOLVE, resolve::SEND_TYPE, "resolve", json!({"names": ["Person 1"]})),
    ] {
        let (address, ends) = babbler(service, send_type).await;
        let plan = Plan::trust().community(|community| {
            community.servers = vec![address];
            community.own_presence = OwnPresence::Off;
        });
        let estate = plan.start().await;
        let mut page = Page::open(estate.address(), Transport::Socket, Some(&tokens::cookie(&id(0)))).await;
        let mut watch = watched;
        watch["op"] = "watch".into();
        assert_eq!(page.ask(watch).await["type"], "ok");
        let up = "livename_upstream_logins_total{community=\"acme\",result=\"ok\"}";
        let counted = format!("livename_upstream_protocol_errors_total{{kind=\"{kind}\"}}");
        until("it is counted", || estate.gateway.metric(&counted) >= 1.0).await;
        until("the observer is back", || estate.gateway.metric(up) >= 2.0).await;
        until("the server is told", || !ends.lock().unwrap().is_empty()).await;
        assert_eq!(ends.lock().unwrap()[0], Closed::ByClient(Reason::PROTOCOL_ERROR), "{kind}");
        assert_eq!(page.ask(json!({"op": "ping"})).await["type"], "pong", "the page is not disturbed");
    }
}
