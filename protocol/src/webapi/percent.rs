//! Percent-encoding of queries, form bodies and path segments.

/// Text of an encoded piece; `+` is a blank in queries and forms. What is not UTF-8 is replaced.
pub fn decode(text: &str, plus_is_blank: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        out.push(match (first, tail) {
            (b'+', _) if plus_is_blank => b' ',
            (b'%', [high, low, ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    rest = tail.get(2..).unwrap_or_default();
                    high << 4 | low
                }
                _ => first,
            },
            _ => first,
        });
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_and_the_rest_stays() {
        assert_eq!(decode("CN%3DAnn%20Ex%2FO=%C3%84", false), "CN=Ann Ex/O=\u{c4}");
        assert_eq!(decode("a+b", true), "a b");
        assert_eq!(decode("a+b%", false), "a+b%");
        assert_eq!(decode("%zz%4", true), "%zz%4");
        assert_eq!(decode("%ff", true), "\u{fffd}");
    }
}
