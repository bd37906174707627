//! A plan for people and for programs.

mod rollback;
mod table;

pub use rollback::rollback;
pub use table::table;

use super::Plan;

/// The plan as JSON; every item with its marks.
pub fn to_json(plan: &Plan) -> String {
    // A plan holds only texts and numbers, which always can be written.
    serde_json::to_string_pretty(plan).unwrap_or_default()
}
