//! Every reason for which a token is refused, as a sentence for an administrator, with what to do about it.
//! `docs/sso.md` has the same table.

use protocol::ltpa::{Format, Rejection};

/// What is wrong, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) what: &'static str,
    pub(super) advice: &'static str,
}

const fn problem(what: &'static str, advice: &'static str) -> Problem {
    Problem { what, advice }
}

/// The sentence for a refusal of a token of this format.
pub(super) fn explain(reason: Rejection, format: Format) -> Problem {
    match (reason, format) {
        (Rejection::BadMac, _) => problem(
            "No configured secret gives this hash: it was made with another secret, or changed afterwards.",
            "Copy LTPA_DominoSecret from the Web SSO document that the mail server uses, and check that no other site's cookie has the same name and domain.",
        ),
        (Rejection::Undecryptable, Format::Domino) | (Rejection::BadHeader, _) => problem(
            "It is not in Domino's format.",
            "If the Web SSO document has imported WebSphere keys, configure the cookie as ltpa2 (or ltpa1) with a key of format websphere.",
        ),
        (Rejection::Undecryptable, _) => problem(
            "No configured key file decrypts it.",
            "Export the LTPA keys again where the token is made; if it begins with AAECAz it is a Domino token and its cookie belongs to format domino.",
        ),
        (Rejection::NoToken, _) => problem(
            "None of the configured cookies is there.",
            "Log in first, and check the cookie's name, its domain, and that the page and the gateway share that domain.",
        ),
        (Rejection::Empty, _) => {
            problem("The cookie is there but empty, as a logout leaves it.", "Log in again.")
        }
        (Rejection::TooLong, _) => problem(
            "It is longer than any token.",
            "Look for a proxy that joins cookies, or an application that writes its own data into the cookie.",
        ),
        (Rejection::TooShort, _) => problem(
            "It is shorter than any token of this format.",
            "Copy the whole value; if it comes from a browser, look for a proxy that cuts long headers.",
        ),
        (Rejection::BadBase64, _) => problem(
            "It is not base64, so no server made it.",
            "Copy the value without line breaks and blanks; a word such as DEL is what a logout leaves.",
        ),
        (Rejection::BadTime, _) => problem(
            "Its times are not times, or it ends before it begins.",
            "Repair the program that makes these tokens; Domino and WebSphere do not make such.",
        ),
        (Rejection::BadName, _) => problem(
            "The key is right, but the user name cannot be read, is empty, holds control characters, or cannot be spelled as `names` asks.",
            "If another program than Domino makes the tokens, set charset = \"utf-8\"; otherwise check the name in the directory.",
        ),
        (Rejection::Lifetime, _) => problem(
            "It is valid for longer than max_lifetime allows.",
            "Raise max_lifetime to the expiration of the Web SSO document plus ten minutes, or find out who makes tokens that live so long.",
        ),
        (Rejection::BadBody, _) => problem(
            "It can be decrypted, but what comes out is not a token.",
            "Compare the shared key: another key file whose 3DES key differs can look like this.",
        ),
        (Rejection::BadSignature, _) => problem(
            "It can be decrypted, but the signature is not made with this key: it was changed, or the key pair differs.",
            "Export shared, private and public key together from one server, and import them on the others.",
        ),
        (Rejection::DuplicateAttribute, _) => problem(
            "It has an attribute twice, so that servers could read it differently.",
            "Repair the program that makes these tokens.",
        ),
        (Rejection::NoUser, _) => {
            problem("It is genuine, but names no user.", "Use a token of a person, not of a server.")
        }
        (Rejection::UnsignedExpiry, _) => problem(
            "Its expiry is not signed: whoever has it can make it live longer.",
            "Let the server send LtpaToken2, or accept the risk with unsigned_expiry = true for the cookie.",
        ),
        (Rejection::ExpiryMismatch, _) => problem(
            "The expiry outside the signature is not the signed one: somebody has changed it.",
            "Log in again; if it happens again, look for who changes cookies on the way.",
        ),
        (Rejection::WrongRealm, _) => problem(
            "Its realm is not among `realms`, which is that of the key file unless it is given.",
            "Add the realm to realms in [sso], or correct the LDAP realm in the Web SSO document.",
        ),
        (Rejection::KeyRetired, _) => problem(
            "The key that made it is not used at this time.",
            "Log in again, or move not_before or not_after of the key.",
        ),
        (Rejection::MixedUsers, _) => problem(
            "There are two valid tokens of different users.",
            "Log out everywhere and log in once; if it comes back, two sites set cookies of the same name.",
        ),
        (Rejection::NotYetValid, _) => problem(
            "It was made in the future: the clocks of its issuer and of this machine differ.",
            "Synchronise the clocks; skew tolerates up to five minutes.",
        ),
        (Rejection::Expired, _) => problem(
            "Its time is over.",
            "Log in again; if it was made just now, compare the clocks and the expiration in the Web SSO document.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every reason there is; a new one does not compile above without a sentence.
    const REASONS: [Rejection; 22] = [
        Rejection::NoToken,
        Rejection::Empty,
        Rejection::TooLong,
        Rejection::TooShort,
        Rejection::BadBase64,
        Rejection::BadMac,
        Rejection::BadHeader,
        Rejection::BadTime,
        Rejection::BadName,
        Rejection::Lifetime,
        Rejection::Undecryptable,
        Rejection::BadBody,
        Rejection::BadSignature,
        Rejection::DuplicateAttribute,
        Rejection::NoUser,
        Rejection::UnsignedExpiry,
        Rejection::ExpiryMismatch,
        Rejection::WrongRealm,
        Rejection::KeyRetired,
        Rejection::MixedUsers,
        Rejection::NotYetValid,
        Rejection::Expired,
    ];

    #[test]
    fn the_page_has_every_sentence() {
        let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/sso.md"));
        for reason in REASONS {
            let Problem { what, advice } = explain(reason, Format::WebSphere2);
            let row = format!("| `{}` | {what} | {advice} |", reason.reason());
            assert!(page.contains(&row), "docs/sso.md lacks: {row}");
        }
    }
}
