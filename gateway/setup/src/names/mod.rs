//! Names as the directory has them: of servers and people ([`NotesName`]), of hosts ([`HostName`]), of the
//! domain that hosts share ([`DnsDomain`]). Normalised before they are compared (domino-directory.md 1).

mod host;
mod notes;

pub use host::{BadDomain, BadHost, DnsDomain, HostName};
pub use notes::{BadName, NotesName};
