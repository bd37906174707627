//! What comes out of a test: results as JSON with everything in them, a summary for the terminal, one
//! page of HTML, the comparison of two results, and several generators' results together.

mod chart;
mod compare;
mod hours;
mod html;
mod live;
mod results;
mod screen;
mod style;
mod summary;
mod timeline;
mod together;
mod verdict;

pub use compare::{compare, comparison_page};
pub use html::page;
pub use live::Line;
pub use results::{Checked, FORMAT, Generator, Memory, PhaseResult, Results, Tick, Used, Versions};
pub use screen::{Screen, View, give_back};
pub use summary::summary;
pub use together::{Apart, Piece, together};
pub use verdict::INTERRUPTED;
