//! The page that is rewritten: a table as a mail file shows it, with the upstream's addresses in the spellings that
//! pages and scripts have, and with much that only looks like one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::step::Outcome;

/// About 1 MiB. A block of 4 KiB names the upstream seven times.
pub(super) fn text(backend: SocketAddr) -> String {
    let row = "<tr class=\"s-row\"><td><a href=\"/mail/ada.nsf/($Inbox)/5C1A7?OpenDocument\" \
               onclick=\"return e(this, 3)\">Quarterly figures, second draft</a></td><td>28.11.2026</td></tr>\n";
    let escaped = format!("http:\\/\\/{backend}\\/stwebapi\\/rtc");
    let encoded = format!("http%3A%2F%2F{}%2Fsametime%2Fdone", backend.to_string().replace(':', "%3A"));
    let names = [
        format!("<script src=\"http://{backend}/sametime/stlinks/stlinks.js\"></script>\n"),
        format!("<img src=\"//{backend}/images/online.gif\" alt=\"\">\n"),
        format!("<a href=\"http://{backend}/stcenter.nsf\">Sametime</a>\n"),
        format!(
            "var home = \"{escaped}\", login = \"/names.nsf?Login&RedirectTo={encoded}\"; // as the page has it\n"
        ),
        format!("@import url(http://{backend}/stmeetings/style.css);\n"),
        format!("{{\"server\":\"{escaped}\",\"docs\":\"https:\\/\\/help.example.com\\/\"}}\n"),
        "<svg xmlns=\"http://www.w3.org/2000/svg\"/><a href=\"https://www.example.com/\">elsewhere</a>\n"
            .to_owned(),
    ];
    let block: String = names.iter().map(|name| row.repeat(3) + name).collect();
    block.repeat((1 << 20) / block.len())
}

/// The gateway does rewrite it: otherwise the figures would be of something else.
pub(super) fn check(gateway: SocketAddr, backend: SocketAddr) -> Outcome {
    let ask = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(gateway)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        write!(stream, "GET /page HTTP/1.1\r\nHost: {gateway}\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    };
    let answer = ask().map_err(|error| format!("page through the gateway: {error}"))?;
    let answer = String::from_utf8_lossy(&answer);
    let count = |address: SocketAddr| answer.matches(&address.to_string()).count();
    if count(gateway) > 1000 && count(backend) == 0 {
        Ok(())
    } else {
        Err(format!("the gateway does not rewrite the page: {} of {}", count(gateway), answer.len()))
    }
}
