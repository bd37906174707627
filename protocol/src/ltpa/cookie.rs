//! Finding a token in a `Cookie` header. Implements the first half of ltpa.md 6.

/// The values of every cookie of exactly this name, in the order sent, still as the client wrote them.
/// Names are case-sensitive; `LtpaToken` does not find `LtpaToken2`.
pub fn values<'a>(header: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    header.split(';').filter_map(move |pair| {
        let (found, value) = pair.split_once('=')?;
        (found.trim_ascii() == name).then(|| value.trim_ascii())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_without_a_value_and_blanks_do_no_harm() {
        let header = " ;;a ; LtpaToken = x== ;LtpaToken;=y; LtpaToken=";
        assert_eq!(values(header, "LtpaToken").collect::<Vec<_>>(), ["x==", ""]);
    }
}
