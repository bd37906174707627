//! The load tester of Livename: a black-box client of a gateway, and the simulated community to put
//! behind it.
//!
//! * [`cli`] is the command line; [`load`] and [`community`] are its commands.
//! * [`plan`] says what happens in a test, [`run`] makes it happen.
//! * [`estate`] is what is tested, [`clients`] are the browsers, [`actors`] whom they watch where nobody is
//!   simulated, [`measure`] what they see.
//! * [`tokens`] are what they log in with.
//! * [`report`] tells it; [`interrupt`] ends it early.

pub mod actors;
pub mod cli;
pub mod clients;
pub mod community;
pub mod estate;
mod files;
pub mod interrupt;
pub mod load;
pub mod measure;
pub mod plan;
pub mod report;
pub mod run;
pub mod tls;
pub mod tokens;
