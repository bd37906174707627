//! The PROXY protocol, versions 1 and 2: how a proxy in front that does not speak HTTP says whose bytes it
//! passes on. Read where a listener asks for it, from trusted proxies only; written where an upstream wants it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

use crate::config::ProxyVersion;

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// The longest line of version 1, with its end.
const MAX_LINE: usize = 107;
/// Addresses and extensions of version 2. Real ones have some hundred bytes.
const MAX_BLOCK: usize = 4096;
const PP2_TYPE_SSL: u8 = 0x20;
const PP2_CLIENT_SSL: u8 = 0x01;

/// What a proxy says of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proxied {
    /// `None`: the proxy speaks for itself, for instance to see whether we are there.
    pub client: Option<SocketAddr>,
    /// The client spoke TLS to the proxy.
    pub tls: bool,
}

/// Why the begin of a connection is no such header. Always the proxy's doing.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    #[error("no PROXY header within the time limit")]
    TimedOut,
    #[error("not a PROXY header")]
    Malformed,
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
}

/// Reads the header, and not one byte more.
pub async fn read_proxy_header<S>(stream: &mut S, limit: Duration) -> Result<Proxied, ProxyError>
where
    S: AsyncRead + Unpin,
{
    timeout(limit, read(stream)).await.map_err(|_| ProxyError::TimedOut)?
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Proxied, ProxyError> {
    // No header of either version is shorter.
    let mut begin = [0; SIGNATURE.len()];
    stream.read_exact(&mut begin).await?;
    if begin == SIGNATURE {
        let mut rest = [0; 4];
        stream.read_exact(&mut rest).await?;
        let [command, family, high, low] = rest;
        let mut block = vec![0; usize::from(u16::from_be_bytes([high, low]))];
        if block.len() > MAX_BLOCK {
            return Err(ProxyError::Malformed);
        }
        stream.read_exact(&mut block).await?;
        return binary(command, family, &block).ok_or(ProxyError::Malformed);
    }
    let mut line = begin.to_vec();
    while line.starts_with(b"PROXY ") && !line.ends_with(b"\r\n") && line.len() < MAX_LINE {
        line.push(stream.read_u8().await?);
    }
    text(&line).ok_or(ProxyError::Malformed)
}

/// `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n`.
fn text(line: &[u8]) -> Option<Proxied> {
    let line = std::str::from_utf8(line.strip_suffix(b"\r\n")?).ok()?;
    let mut words = line.strip_prefix("PROXY ")?.split(' ');
    let family = words.next()?;
    if family == "UNKNOWN" {
        return Some(Proxied { client: None, tls: false });
    }
    let source: IpAddr = words.next()?.parse().ok()?;
    let _destination: IpAddr = words.next()?.parse().ok()?;
    let port = words.next()?.parse().ok()?;
    let _destination: u16 = words.next()?.parse().ok()?;
    let agrees = matches!((family, source), ("TCP4", IpAddr::V4(_)) | ("TCP6", IpAddr::V6(_)));
    let whole = agrees && words.next().is_none();
    whole.then(|| Proxied { client: Some(SocketAddr::new(source.to_canonical(), port)), tls: false })
}

fn binary(command: u8, family: u8, block: &[u8]) -> Option<Proxied> {
    match command {
        // LOCAL: whatever follows is skipped.
        0x20 => return Some(Proxied { client: None, tls: false }),
        0x21 => {}
        _ => return None,
    }
    let (source, port, rest) = match family {
        // TCP over IPv4: two addresses, two ports.
        0x11 => {
            let (addresses, rest) = block.split_first_chunk::<12>()?;
            let [a, b, c, d, _, _, _, _, high, low, _, _] = *addresses;
            (IpAddr::V4(Ipv4Addr::new(a, b, c, d)), u16::from_be_bytes([high, low]), rest)
        }
        0x21 => {
            let (addresses, rest) = block.split_first_chunk::<36>()?;
            let (source, others) = addresses.split_first_chunk::<16>()?;
            let [.., high, low, _, _] = *others else { return None };
            (IpAddr::V6(Ipv6Addr::from(*source)), u16::from_be_bytes([high, low]), rest)
        }
        // Of another family: the proxy cannot say it in a way that means something here.
        _ => return Some(Proxied { client: None, tls: false }),
    };
    let tls = speaks_tls(rest)?;
    Some(Proxied { client: Some(SocketAddr::new(source.to_canonical(), port)), tls })
}

/// Walks through the extensions; `None` if one does not fit.
fn speaks_tls(mut extensions: &[u8]) -> Option<bool> {
    let mut tls = false;
    while let Some((head, rest)) = extensions.split_first_chunk::<3>() {
        let [kind, high, low] = *head;
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
        tls |= kind == PP2_TYPE_SSL && value.first().is_some_and(|flags| flags & PP2_CLIENT_SSL != 0);
        extensions = rest;
    }
    extensions.is_empty().then_some(tls)
}

/// The header that says that `client` is connected to `server`.
pub fn proxy_header(version: ProxyVersion, client: SocketAddr, server: SocketAddr) -> Vec<u8> {
    let (client_ip, server_ip) = (client.ip().to_canonical(), server.ip().to_canonical());
    let ports = [client.port().to_be_bytes(), server.port().to_be_bytes()].concat();
    let (family, code, addresses) = match (client_ip, server_ip) {
        (IpAddr::V4(client), IpAddr::V4(server)) => {
            ("TCP4", 0x11, [client.octets(), server.octets()].concat())
        }
        // Two families: both as IPv6.
        _ => ("TCP6", 0x21, [mapped(client_ip).octets(), mapped(server_ip).octets()].concat()),
    };
    match version {
        ProxyVersion::V1 => {
            let (from, to) = match family {
                "TCP4" => (client_ip, server_ip),
                _ => (mapped(client_ip).into(), mapped(server_ip).into()),
            };
            format!("PROXY {family} {from} {to} {} {}\r\n", client.port(), server.port()).into_bytes()
        }
        ProxyVersion::V2 => {
            let length = u16::try_from(addresses.len() + ports.len()).unwrap_or_default().to_be_bytes();
            [&SIGNATURE[..], &[0x21, code], &length, &addresses, &ports].concat()
        }
    }
}

fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn reads(bytes: &[u8]) -> (Option<Proxied>, Vec<u8>) {
        let mut stream = bytes;
        let read = read_proxy_header(&mut stream, Duration::from_secs(1)).await.ok();
        (read, stream.to_vec())
    }

    fn from(client: &str) -> Proxied {
        Proxied { client: Some(client.parse().unwrap()), tls: false }
    }

    const NOBODY: Proxied = Proxied { client: None, tls: false };

    #[tokio::test]
    async fn lines_of_version_1_are_read_and_what_follows_is_left() {
        for (line, expected) in [
            ("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", Some(from("192.0.2.1:56324"))),
            ("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n", Some(from("[2001:db8::1]:1"))),
            ("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", Some(from("192.0.2.1:1"))),
            ("PROXY UNKNOWN\r\n", Some(NOBODY)),
            ("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", Some(NOBODY)),
            ("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", None),
            ("PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n", None),
            ("PROXY TCP4 192.0.2.1 198.51.100.1 66666 443\r\n", None),
            ("PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n", None),
            ("PROXY TCP4  192.0.2.1 198.51.100.1 1 2\r\n", None),
            ("PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n\n\n", None),
        ] {
            let (read, left) = reads(format!("{line}GET / HTTP/1.1\r\n").as_bytes()).await;
            assert_eq!(read, expected, "{line}");
            assert!(expected.is_none() || left == b"GET / HTTP/1.1\r\n", "{line}");
        }
        for begin in ["GET / HTTP/1.1\r\n\r\n", "PROXY TCP4 1.1.1.1", &format!("PROXY {}", "x".repeat(200))] {
            assert_eq!(reads(begin.as_bytes()).await.0, None, "{begin}");
        }
    }

    #[tokio::test]
    async fn what_is_written_is_read_again() {
        for version in [ProxyVersion::V1, ProxyVersion::V2] {
            for (client, server) in [
                ("192.0.2.1:0", "198.51.100.1:80"),
                ("[2001:db8::1]:7", "[2001:db8::2]:443"),
                ("192.0.2.1:9", "[2001:db8::2]:443"),
            ] {
                let mut bytes = proxy_header(version, client.parse().unwrap(), server.parse().unwrap());
                bytes.extend(b"rest");
                assert_eq!(
                    reads(&bytes).await,
                    (Some(from(client)), b"rest".to_vec()),
                    "{version:?} {client}"
                );
            }
        }
    }

    #[tokio::test]
    async fn version_2_may_say_that_the_client_spoke_tls_and_must_be_whole() {
        let block = |extensions: &[u8]| {
            let mut bytes = SIGNATURE.to_vec();
            bytes.extend([0x21, 0x11, 0, 12 + u8::try_from(extensions.len()).unwrap()]);
            bytes.extend([192, 0, 2, 1, 10, 0, 0, 1, 0, 5, 0, 6]);
            bytes.extend(extensions);
            bytes
        };
        let tls = Proxied { tls: true, ..from("192.0.2.1:5") };
        for (extensions, expected) in [
            (&[][..], Some(from("192.0.2.1:5"))),
            (&[0x04, 0, 2, 0, 0, 0x20, 0, 5, 1, 0, 0, 0, 0], Some(tls)),
            (&[0x20, 0, 5, 0, 0, 0, 0, 0], Some(from("192.0.2.1:5"))),
            (&[0x20, 0, 5, 1], None),
            (&[0x20, 0], None),
        ] {
            assert_eq!(reads(&block(extensions)).await.0, expected, "{extensions:?}");
        }
        let with = |command: u8, family: u8, length: [u8; 2]| {
            [&SIGNATURE[..], &[command, family], &length, &[0; 12]].concat()
        };
        for (bytes, expected) in [
            (with(0x20, 0, [0, 12]), Some(NOBODY)),
            (with(0x21, 0x31, [0, 12]), Some(NOBODY)),
            (with(0x22, 0x11, [0, 12]), None),
            (with(0x11, 0x11, [0, 12]), None),
            (with(0x21, 0x11, [0, 11]), None),
            (with(0x21, 0x21, [0, 12]), None),
            (with(0x21, 0x11, [0xff, 0xff]), None),
        ] {
            assert_eq!(reads(&bytes).await.0, expected, "{bytes:?}");
        }
    }
}
