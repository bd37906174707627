//! Streams of items in random chunks.

use bytes::BytesMut;
use proptest::prelude::*;
use protocol::vp::frame::{FrameError, Item, Splitter, frame};

const MAX: usize = 64;

#[derive(Clone, Debug)]
enum Part {
    Item(Item),
    EmptyFrame,
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 1..=MAX).prop_map(|frame| Part::Item(Item::Frame(frame.into()))),
        1 => Just(Part::Item(Item::Keepalive)),
        1 => (0x81..=0xff_u8).prop_map(|counter| Part::Item(Item::Counter(counter))),
        1 => Just(Part::EmptyFrame),
    ]
}

fn write(parts: &[Part]) -> BytesMut {
    let mut stream = BytesMut::new();
    for part in parts {
        match part {
            Part::Item(Item::Frame(content)) => frame(content, &mut stream),
            Part::Item(Item::Keepalive) => stream.extend_from_slice(&[0x80]),
            Part::Item(Item::Counter(counter)) => stream.extend_from_slice(&[*counter]),
            Part::EmptyFrame => frame(&[], &mut stream),
        }
    }
    stream
}

/// All items of a stream that arrives in chunks of these sizes, over and over.
fn split(stream: &[u8], sizes: &[usize]) -> (Vec<Item>, Option<FrameError>, usize) {
    let mut splitter = Splitter::new(MAX);
    let (mut items, mut rest) = (Vec::new(), stream);
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at((*size).min(rest.len()));
        splitter.push(chunk);
        rest = after;
        loop {
            match splitter.next() {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(error) => return (items, Some(error), 0),
            }
        }
        assert!(splitter.buffered() < 4 + MAX, "more than an incomplete frame is held");
    }
    (items, None, splitter.buffered())
}

proptest! {
    #[test]
    fn any_chunking_gives_the_items(
        parts in prop::collection::vec(part(), 0..12),
        tail in prop::collection::vec(any::<u8>(), 0..MAX),
        sizes in prop::collection::vec(1..100_usize, 1..8),
    ) {
        let mut stream = write(&parts);
        // An incomplete frame at the end waits for more.
        stream.extend_from_slice(&[0, 0, 0, MAX as u8]);
        stream.extend_from_slice(&tail);
        let expected: Vec<Item> = parts
            .into_iter()
            .filter_map(|part| match part {
                Part::Item(item) => Some(item),
                Part::EmptyFrame => None,
            })
            .collect();
        prop_assert_eq!(split(&stream, &sizes), (expected, None, 4 + tail.len()));
    }

    #[test]
    fn any_bytes_give_the_same_in_any_chunking(
        stream in prop::collection::vec(prop_oneof![Just(0_u8), Just(5), any::<u8>()], 0..200),
        sizes in prop::collection::vec(1..50_usize, 1..8),
    ) {
        let whole = split(&stream, &[stream.len().max(1)]);
        prop_assert_eq!(split(&stream, &sizes), whole);
    }

    #[test]
    fn a_frame_that_is_too_large_ends_the_stream(parts in prop::collection::vec(part(), 0..5), over in 1..1000_u32) {
        let mut stream = write(&parts);
        let len = MAX as u32 + over;
        stream.extend_from_slice(&len.to_be_bytes());
        let (items, error, _) = split(&stream, &[7]);
        let expected = parts.iter().filter(|part| matches!(part, Part::Item(_))).count();
        prop_assert_eq!(items.len(), expected);
        prop_assert_eq!(error, Some(FrameError::TooLarge { len: len as usize, max: MAX }));
    }
}
