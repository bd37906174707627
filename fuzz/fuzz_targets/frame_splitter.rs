//! The splitter gives the items that a plain reading of the whole stream gives, in any chunking, and accounts
//! for every byte. The first input byte seeds the chunk sizes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::vp::frame::{FrameError, Item, Splitter};

const MAX: usize = 1 << 16;

fuzz_target!(|input: &[u8]| {
    let Some((&seed, stream)) = input.split_first() else { return };
    let expected = read(stream);
    assert_eq!(split(stream, |_| stream.len()), expected);
    assert_eq!(split(stream, |_| 1), expected);
    let seed = usize::from(seed);
    assert_eq!(split(stream, |step| 1 + (seed * 31 + step * 17) % 61), expected);
});

/// Items with the bytes they take, what ended the stream, and the bytes that wait for more.
type Reading = (Vec<Item>, Option<FrameError>, usize);

fn split(stream: &[u8], chunk: impl Fn(usize) -> usize) -> Reading {
    let mut splitter = Splitter::new(MAX);
    let (mut items, mut rest) = (Vec::new(), stream);
    for step in 0.. {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(chunk(step).clamp(1, rest.len()));
        splitter.push(piece);
        rest = after;
        loop {
            match splitter.next() {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(error) => return (items, Some(error), 0),
            }
        }
    }
    (items, None, splitter.buffered())
}

/// The grammar of the stream, read the simplest way.
fn read(stream: &[u8]) -> Reading {
    let (mut items, mut at) = (Vec::new(), 0);
    while let Some(&first) = stream.get(at) {
        if first >= 0x80 {
            items.push(if first == 0x80 { Item::Keepalive } else { Item::Counter(first) });
            at += 1;
            continue;
        }
        let Some(length) = stream.get(at..at + 4) else { break };
        let len = length.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
        if len > MAX {
            return (items, Some(FrameError::TooLarge { len, max: MAX }), 0);
        }
        let Some(frame) = stream.get(at + 4..at + 4 + len) else { break };
        if len > 0 {
            items.push(Item::Frame(bytes::Bytes::copy_from_slice(frame)));
        }
        at += 4 + len;
    }
    (items, None, stream.len() - at)
}
