//! LotusScript and formula texts: literals that survive any character set, and lines short enough.

use std::fmt::Write;

use crate::estate::ItemName;

/// Characters of one quoted piece: long lines are refused by the editor.
const PIECE: usize = 120;

/// A text as a LotusScript expression. Everything beyond ASCII is written as `Uchr$`, so that the character
/// set in which the file is imported does not matter.
pub(super) fn literal(text: &str) -> String {
    let mut pieces: Vec<String> = Vec::new();
    let mut quoted = String::new();
    let flush = |quoted: &mut String, pieces: &mut Vec<String>| {
        if !quoted.is_empty() {
            pieces.push(format!("\"{}\"", std::mem::take(quoted).replace('"', "\"\"")));
        }
    };
    for c in text.chars() {
        if c == ' ' || c.is_ascii_graphic() {
            quoted.push(c);
            if quoted.len() >= PIECE {
                flush(&mut quoted, &mut pieces);
            }
        } else {
            flush(&mut quoted, &mut pieces);
            pieces.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("Uchr$({unit})")));
        }
    }
    flush(&mut quoted, &mut pieces);
    if pieces.is_empty() {
        return "\"\"".to_owned();
    }
    let mut out = String::new();
    let mut line = 0;
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 {
            out.push_str(" & ");
            line += 3;
        }
        if line + piece.len() > PIECE + 10 && index > 0 {
            out.push_str("_\n\t\t");
            line = 0;
        }
        out.push_str(piece);
        line += piece.len();
    }
    out
}

/// A text as a string of the formula language.
pub(super) fn formula_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A formula that is true where an item holds a name, in whatever spelling.
pub(super) fn holds_name(item: &ItemName, canonical: &str) -> String {
    let wanted = formula_text(&canonical.to_lowercase());
    if canonical == "*" {
        return format!("{item} = \"*\"");
    }
    format!("@IsMember({wanted}; @LowerCase(@Name([Canonicalize]; {item})))")
}

/// A remark: one line, whatever the text holds.
pub(super) fn remark(out: &mut String, indent: &str, text: &str) {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    // Remarks need no exact text, and the file is ASCII throughout.
    let plain: String = plain.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
    let _ = writeln!(out, "{indent}' {plain}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_ascii_and_say_the_same() {
        assert_eq!(literal(""), "\"\"");
        assert_eq!(literal("CN=Jo \"J\" O'Neil/O=A,B"), "\"CN=Jo \"\"J\"\" O'Neil/O=A,B\"");
        assert_eq!(literal("Söhne"), "\"S\" & Uchr$(246) & \"hne\"");
        assert_eq!(literal("\u{e001}😀"), "Uchr$(57345) & Uchr$(55357) & Uchr$(56832)");
    }

    #[test]
    fn long_literals_are_broken_between_pieces() {
        let text = literal(&"é\"x".repeat(400));
        assert!(text.is_ascii());
        assert!(text.lines().all(|line| line.len() < 200));
        let (last, lines) =
            text.lines().collect::<Vec<_>>().split_last().map(|(a, b)| (*a, b.to_vec())).unwrap();
        assert!(lines.iter().all(|line| line.ends_with(" & _")) && !last.ends_with('_'));
    }

    #[test]
    fn formulas_quote_quotes_and_backslashes() {
        let item: ItemName = "FullName".parse().unwrap();
        assert_eq!(
            holds_name(&item, "CN=A\"B\\C/O=X"),
            "@IsMember(\"cn=a\\\"b\\\\c/o=x\"; @LowerCase(@Name([Canonicalize]; FullName)))"
        );
        assert_eq!(holds_name(&item, "*"), "FullName = \"*\"");
    }
}
