//! LTPA single sign-on tokens and the cookies that carry them. Implements `ltpa.md`.
