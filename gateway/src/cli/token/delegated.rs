//! What can be said of tokens that no key here proves: what they claim, and who judges them.

use protocol::ltpa::{Format, base64};

use super::input::{Shown, values};
use super::inspect::{Page, format_name};
use crate::auth::claimed;
use crate::config::Delegation;

impl Shown {
    /// The values that a community would have to judge, if there are any.
    pub(super) fn of_community<'a>(
        &'a self,
        delegation: Option<&'a Delegation>,
    ) -> Option<(&'a Delegation, Vec<&'a str>)> {
        let delegation = delegation?;
        let values = match self {
            Self::Header(header) => values(header, &delegation.cookie),
            Self::Bare(token) => vec![token.as_str()],
        };
        (!values.is_empty()).then_some((delegation, values))
    }
}

impl Page<'_> {
    pub(super) fn delegated(&mut self, delegation: &Delegation, values: &[&str]) {
        for value in values.iter().take(protocol::ltpa::ring::MAX_VALUES) {
            self.line(format_args!("Cookie: {}, {} characters.", delegation.cookie, value.len()));
            self.line(format_args!("Format: {}.", format_name(Format::Domino)));
            let token = match base64::normalise(*value) {
                Ok(token) => token,
                Err(reason) => {
                    self.problem(reason, Format::Domino);
                    continue;
                }
            };
            self.claims(Format::Domino, &token);
            match claimed(&token, self.now, &self.config.sso) {
                Ok(_) => self.line(format_args!(
                    "No key here proves it: the community {} judges it, by a login with the token.",
                    delegation.community
                )),
                Err(reason) => self.problem(reason, Format::Domino),
            }
        }
    }
}
