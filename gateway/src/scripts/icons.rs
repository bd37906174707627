//! The status icons: one path each, drawn by the scripts and served as SVG files.
//!
//! Every status has a shape of its own, so that nothing depends on seeing colour. What is inside a shape is
//! cut out of it (`fill-rule="evenodd"`), so that the page's own ground shows through.

use serde_json::{Map, Value};

/// Name, colour on a light ground, shape and what is in it, in a box of 16 × 16.
pub(super) const ICONS: [(&str, &str, &str, &str); 7] = [
    ("active", "#17803d", DISC, "M4.2 8.3 5.4 7 7.1 8.8 10.8 4.7 12.1 5.9 7.2 11.3Z"),
    ("idle", "#8a6100", RING, "M7.3 4.6H8.7V7.7L10.9 9.1 10.1 10.3 7.3 8.5Z"),
    ("away", "#b25e09", DISC, "M7.2 3.6H8.8V7.6L11.7 9.4 10.9 10.8 7.2 8.5Z"),
    ("dnd", "#c0271d", DISC, "M4 7H12V9H4Z"),
    ("meeting", "#6941c6", SHEET, "M4 5.4H12V7.1H4ZM4 8.9H9V10.6H4Z"),
    ("offline", "#667080", RING, ""),
    ("unknown", "#667080", "M8 .8 15.2 8 8 15.2 .8 8ZM8 3.1 3.1 8 8 12.9 12.9 8Z", "M7 7H9V9H7Z"),
];

const DISC: &str = "M8 1A7 7 0 1 1 8 15 7 7 0 1 1 8 1Z";
const RING: &str = "M8 1A7 7 0 1 1 8 15 7 7 0 1 1 8 1ZM8 2.7A5.3 5.3 0 1 0 8 13.3 5.3 5.3 0 1 0 8 2.7Z";
const SHEET: &str = "M4 2H12A3 3 0 0 1 15 5V11A3 3 0 0 1 12 14H4A3 3 0 0 1 1 11V5A3 3 0 0 1 4 2Z";
/// Stands to the right of the others, in a box of 22 × 16.
const PHONE: &str =
    "M17 3H21A1 1 0 0 1 22 4V12A1 1 0 0 1 21 13H17A1 1 0 0 1 16 12V4A1 1 0 0 1 17 3ZM17.4 4.6V10.2H20.6V4.6Z";

/// As a file.
pub(super) fn svg((name, colour, shape, inside): (&str, &str, &str, &str)) -> String {
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" width="16" height="16"><title>{name}</title><path fill="{colour}" fill-rule="evenodd" d="{shape}{inside}"/></svg>"#
    )
}

/// As the scripts' table of paths.
pub(super) fn shapes() -> String {
    let paths =
        ICONS.iter().map(|(name, _, shape, inside)| ((*name).to_owned(), format!("{shape}{inside}").into()));
    let all: Map<String, Value> = paths.chain([("mobile".to_owned(), PHONE.into())]).collect();
    format!("const SHAPES = {};\n", Value::Object(all))
}
