//! What a compiler would refuse before anything else: names that are keywords of the language, and names that nobody
//! has declared (`Option Declare`).

use std::collections::BTreeSet;

/// Keywords of LotusScript, which cannot be names of anything (Language Reference, "Keywords"). Type suffixes are
/// left out.
const KEYWORDS: &str = "
    abs access acos activateapp alias and any appactivate append arraygetindex arrayappend arrayreplace arrayunique as asc asin atn atn2
    base beep bin binary bind boolean byte byval call case cbool cbyte ccur cdat cdbl chdir chdrive chr cint class clng close codelock
    codelockcheck codeunlock command compare const cos createlock csng cstr ctype curdir curdrive currency cvar cvdate datatype date
    datenumber datevalue day declare defbool defbyte defcur defdbl defint deflng defsng defstr defvar delete destroylock dim dir do double
    else elseif end endif environ eof eqv erase erl err error evaluate event execute exit exp explicit false fileattr filecopy filedatetime
    filelen fix for forall format fraction freefile from fulltrim function get getattr getfileattr getthreadinfo gosub goto hex hour if imp
    implode in input inputb inputbox inputbp instr instrb instrbp instrc int integer is isarray isa isdate isdefined iselement isempty
    islist isnull isnumeric isobject isscalar isunknown join kill lbound lcase left leftb leftbp leftc len lenb lenbp lenc let lib like line
    list listtag lmbcs loc lock lof log long loop lset ltrim lsi_info me messagebox mid midb midbp midc minute mkdir mod module month msgbox
    name new next noboundscheck nocase noncase nopitch not nothing now null oct on open option or output pi pitch preserve print private
    property public put random randomize read redim rem remove replace reset resume return right rightb rightbp rightc rmdir rnd round rset
    rtrim second seek select sendkeys set setattr setfileattr sgn shared shell sin single sleep space spc split sqr static step stop str
    strcomp strcompare strconv string strleft strleftback strright strrightback strtoken sub tab tan text then time timenumber timer
    timevalue to today trim true type typename ubound ucase uchr ucs uni unicode unlock until use uselsx uni ustring val variant vartype
    weekday wend while width with write xor year yield";

/// Reads a script line by line, declarations first.
pub(crate) fn names_are_declared(file: &str, script: &str) {
    let keywords: BTreeSet<&str> = KEYWORDS.split_whitespace().collect();
    let lines: Vec<Vec<String>> = script.lines().map(words).collect();
    let mut everywhere: BTreeSet<String> = BTreeSet::new();
    let mut inside = false;
    for line in &lines {
        inside = (inside || begins(line)) && !ends(line);
        let head: Vec<&str> = line.iter().map(String::as_str).collect();
        match head.as_slice() {
            ["sub" | "function" | "const", name, ..] => drop(everywhere.insert((*name).to_owned())),
            ["dim", name, ..] if !inside => drop(everywhere.insert((*name).to_owned())),
            _ => {}
        }
    }
    let mut here: BTreeSet<String> = BTreeSet::new();
    for (number, line) in (1..).zip(&lines) {
        let at = |name: &str| format!("{file}:{number}: {name}");
        let head: Vec<&str> = line.iter().map(String::as_str).collect();
        let declared: Vec<&str> = match head.as_slice() {
            ["sub" | "function", name, ..] => {
                here.clear();
                // Not what a function returns: that stands behind another type, or behind its own name.
                let parameter = |three: &&[&str]| three[2] == "as" && three[0] != "as" && three[1] != *name;
                head.windows(3).filter(parameter).map(|three| three[1]).chain([*name]).collect()
            }
            ["dim" | "const" | "forall", name, ..] => vec![*name],
            [label] if script.lines().nth(number - 1).is_some_and(|line| line.ends_with(':')) => vec![*label],
            _ => Vec::new(),
        };
        for name in declared {
            assert!(!keywords.contains(name), "a keyword: {}", at(name));
            here.insert(name.to_owned());
        }
        for name in line.iter().map(String::as_str) {
            let known = keywords.contains(name) || here.contains(name) || everywhere.contains(name);
            let is_label = script.contains(&format!("\n{name}:"));
            assert!(known || name.starts_with("notes") || is_label, "not declared: {}", at(name));
        }
    }
}

fn begins(line: &[String]) -> bool {
    matches!(line.first().map(String::as_str), Some("sub" | "function"))
}

fn ends(line: &[String]) -> bool {
    matches!(line, [end, what, ..] if end == "end" && (what == "sub" || what == "function"))
}

/// The names in a line in small letters: neither literals nor remarks, nor what stands behind a dot.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut member) = (String::new(), false, false);
    for c in line.chars().chain([' ']) {
        if c == '"' {
            quoted = !quoted;
        }
        if quoted {
            continue;
        }
        if c.is_ascii_alphanumeric() || (c == '_' && !word.is_empty()) {
            word.push(c.to_ascii_lowercase());
            continue;
        }
        if word.starts_with(|c: char| c.is_ascii_alphabetic()) && !member {
            words.push(word.clone());
        }
        if !word.is_empty() || c != ' ' {
            member = c == '.';
        }
        word.clear();
        if c == '\'' {
            break;
        }
    }
    words
}

#[test]
#[should_panic(expected = "a keyword")]
fn a_keyword_as_a_name_is_seen() {
    names_are_declared(
        "x",
        "Function Normal(value As Variant) As String\n\tDim text As String\nEnd Function\n",
    );
}

#[test]
#[should_panic(expected = "not declared: x:2: plain")]
fn a_name_that_nobody_declared_is_seen() {
    names_are_declared("x", "Sub Initialize\n\tplain = d.Text & \"text's\"\nEnd Sub\n");
}
