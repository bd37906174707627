//! As much of HTTP and of WebSocket frames (RFC 6455 5.2) as a bench between programs of its own choice needs.

/// The answer to a handshake whose key nobody checks.
pub(super) const UPGRADED: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";

pub(super) struct Request<'a> {
    pub(super) path: &'a str,
    pub(super) body: &'a [u8],
}

/// The first whole request, and what comes after it.
pub(super) fn request(bytes: &[u8]) -> Option<(Request<'_>, &[u8])> {
    let end = head_end(bytes)?;
    let (head, rest) = bytes.split_at_checked(end)?;
    let head = std::str::from_utf8(head).ok()?;
    let path = head.split(' ').nth(1)?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let (body, rest) = rest.split_at_checked(length.unwrap_or(0))?;
    Some((Request { path, body }, rest))
}

/// Where the head of a message ends.
pub(super) fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// A text message of a server.
pub(super) fn text_frame(text: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    length(&mut frame, text.len(), 0);
    frame.extend_from_slice(text);
    frame
}

/// A text message of a browser, with a mask of zeros.
pub(super) fn masked_text_frame(text: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    length(&mut frame, text.len(), 0x80);
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text);
    frame
}

fn length(frame: &mut Vec<u8>, length: usize, masked: u8) {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..126), _) => frame.push(masked | short),
        (_, Ok(middle)) => {
            frame.push(masked | 126);
            frame.extend_from_slice(&middle.to_be_bytes());
        }
        _ => {
            frame.push(masked | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// The payload of a server's first frame, if it is whole, and what comes after it.
pub(super) fn frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (head, rest) = bytes.split_at_checked(2)?;
    let (length, rest) = match head.get(1)? {
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::try_from(u64::from_be_bytes(*length)).ok()?, rest)
        }
        short => (usize::from(*short), rest),
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_cut_apart() {
        let bytes = b"POST /pub/7 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /sub/1,2 HTTP/1.1\r\n\r\nPOST";
        let (first, rest) = request(bytes).unwrap();
        assert_eq!((first.path, first.body), ("/pub/7", &b"abc"[..]));
        let (second, rest) = request(rest).unwrap();
        assert_eq!((second.path, second.body, rest), ("/sub/1,2", &b""[..], &b"POST"[..]));
        assert!(request(&bytes[..44]).is_none(), "the body is not all there");
    }

    #[test]
    fn frames_are_read_as_they_are_written() {
        for length in [0, 125, 126, 70_000] {
            let mut bytes = text_frame(&vec![b'x'; length]);
            assert!(frame(&bytes[..bytes.len() - 1]).is_none() || length == 0);
            bytes.push(9);
            let (payload, rest) = frame(&bytes).unwrap();
            assert_eq!((payload.len(), rest), (length, &[9][..]));
        }
    }
}
