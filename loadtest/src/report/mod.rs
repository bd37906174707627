//! What comes out of a test: results as JSON with everything in them, a summary for the terminal, one
//! page of HTML, and the comparison of two results.

mod chart;
mod compare;
mod html;
mod live;
mod results;
mod screen;
mod style;
mod summary;
mod verdict;

pub use compare::compare;
pub use html::page;
pub use live::Line;
pub use results::{Checked, FORMAT, Memory, PhaseResult, Results, Tick, Used, Versions};
pub use screen::{Screen, View, give_back};
pub use summary::summary;
pub use verdict::INTERRUPTED;
