//! Finding a token in a `Cookie` header. Implements the first half of ltpa.md 6.

/// The values of every cookie of exactly this name, in the order sent, still as the client wrote them.
/// Names are case-sensitive; `LtpaToken` does not find `LtpaToken2`.
///
/// A header is bytes: what another application writes into its own cookie says nothing about the token
/// beside it.
pub fn values<'a, H: AsRef<[u8]> + ?Sized>(
    header: &'a H,
    name: &'a str,
) -> impl Iterator<Item = &'a [u8]> + use<'a, H> {
    let mut rest = Some(header.as_ref());
    std::iter::from_fn(move || {
        let pairs = rest?;
        let (pair, next) = cut(pairs, b';').map_or((pairs, None), |(pair, next)| (pair, Some(next)));
        rest = next;
        Some(pair)
    })
    .filter_map(move |pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let (found, value) = pair.split_at_checked(at)?;
        (found.trim_ascii() == name.as_bytes()).then(|| value.get(1..).unwrap_or_default().trim_ascii())
    })
}

/// Before and after the first such byte. Tokens are long: many bytes are looked at in one step, which the compiler
/// does only where no step can be the last.
fn cut(bytes: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let holds = |part: &[u8]| part.iter().fold(false, |found, byte| found | (*byte == wanted));
    let before = bytes.chunks(64).take_while(|part| !holds(part)).map(<[u8]>::len).sum();
    let (_, rest) = bytes.split_at_checked(before)?;
    let at = before + rest.iter().position(|byte| *byte == wanted)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_without_a_value_and_blanks_do_no_harm() {
        let header = " ;;a ; LtpaToken = x== ;LtpaToken;=y; LtpaToken=";
        assert_eq!(values(header, "LtpaToken").collect::<Vec<_>>(), [&b"x=="[..], b""]);
    }

    #[test]
    fn long_values_are_cut_where_they_end() {
        for length in [1, 62, 63, 64, 65, 127, 128, 129, 1000] {
            let value = "v".repeat(length);
            let header = format!("a={value};LtpaToken={value};b={value}; LtpaToken={value}x");
            let found: Vec<_> = values(&header, "LtpaToken").collect();
            assert_eq!(found, [value.as_bytes(), format!("{value}x").as_bytes()]);
        }
    }

    #[test]
    fn bytes_of_other_cookies_do_not_hide_the_token() {
        for other in [&b"app=caf\xC3\xA9"[..], b"app=caf\xE9", b"\xFF", b"\x00=\x80"] {
            let header = [other, b";LtpaToken=x==;", other].concat();
            assert_eq!(values(&header, "LtpaToken").collect::<Vec<_>>(), [b"x=="]);
        }
    }
}
