//! What a directory answers when it does not do what it was asked. Never holds a password or a token.

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// The connection was lost after the request was sent: it may have been done.
    #[error("the connection was lost before the answer came: {0}")]
    Lost(String),
    #[error("the account is refused: {0}")]
    Unauthorized(String),
    #[error("the account may not do this: {0}")]
    Forbidden(String),
    #[error("is not enabled for this: {0}")]
    NotEnabled(String),
    #[error("there is no such document")]
    NotFound,
    /// Somebody has changed the document in the meantime.
    #[error("somebody has changed the document in the meantime")]
    Conflict,
    #[error("this path cannot do that: {0}")]
    CannotDo(&'static str),
    #[error("refused ({status}): {message}")]
    Refused { status: u16, message: String },
    #[error("answered what cannot be understood: {0}")]
    BadAnswer(String),
}

impl DirectoryError {
    /// Whether the account or the service just does not give this, while it may give everything else.
    pub(crate) fn is_about_rights(&self) -> bool {
        matches!(self, Self::Forbidden(_) | Self::NotEnabled(_) | Self::NotFound | Self::Refused { .. })
    }

    /// Whether nothing else can succeed either: the run stops, and is resumed by running it again.
    pub fn stops_the_run(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Unauthorized(_) | Self::NotEnabled(_))
    }
}
