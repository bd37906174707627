//! Result codes: browser-side.md 3.2. The HTTP status says how a request went, the code why.

/// An application code of the Sametime Proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The community cannot be reached.
    CommunityOffline = 1,
    /// User name or password is missing or wrong.
    BadPassword = 2,
    /// The service is not available.
    ServiceUnavailable = 3,
    /// It did not work.
    Failed = 4,
    /// No such group.
    NoGroup = 5,
    /// No such person, or more than one.
    NoPerson = 7,
    /// Nothing can be searched.
    NoSearch = 8,
    /// There is no chat here.
    NoChat = 9,
    /// There is such a group already.
    GroupExists = 10,
    /// Nobody is logged in.
    NotLoggedIn = 11,
    /// Not who it should be.
    WrongCredentials = 12,
    /// A parameter is missing or wrong.
    BadParameters = 14,
    /// Guests are not let in.
    NoGuests = 15,
    /// The user has logged in elsewhere, and this login has ended.
    LoggedInElsewhere = 16,
    /// The session is another user's, or over.
    BadSession = 17,
}

impl Code {
    /// The number.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// In a few words.
    pub fn text(self) -> &'static str {
        match self {
            Self::CommunityOffline => "the community is off-line",
            Self::BadPassword => "user name or password is missing or wrong",
            Self::ServiceUnavailable => "the service is not available",
            Self::Failed => "the operation failed",
            Self::NoGroup => "group not found",
            Self::NoPerson => "person not found",
            Self::NoSearch => "search is not available",
            Self::NoChat => "chat is not available",
            Self::GroupExists => "the group exists already",
            Self::NotLoggedIn => "not logged in",
            Self::WrongCredentials => "wrong credentials",
            Self::BadParameters => "bad parameters",
            Self::NoGuests => "guests are not allowed",
            Self::LoggedInElsewhere => "logged in elsewhere",
            Self::BadSession => "the session is another user's, or over",
        }
    }
}
