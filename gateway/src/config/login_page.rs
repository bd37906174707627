//! Where a browser is sent that has to log in.

/// What stands for the address to come back to.
const RETURN: &str = "{return}";

/// Address of a login page: a path on the host that was asked, or a whole URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginPage {
    before: String,
    /// What follows the return address; `None` if the page is told none.
    after: Option<String>,
}

impl LoginPage {
    /// `None` if it is not an address that can stand in a `Location` header.
    pub fn parse(text: &str) -> Option<Self> {
        let legal = |byte: u8| byte.is_ascii_graphic() && !b"\\\"<>{}#".contains(&byte);
        let (before, after) = match text.split_once(RETURN) {
            Some((before, after)) => (before, Some(after.to_owned())),
            None => (text, None),
        };
        if !before.bytes().chain(after.iter().flat_map(|after| after.bytes())).all(legal) {
            return None;
        }
        let page = Self { before: before.to_owned(), after };
        let is_local = page.is_local() && !before.starts_with("//");
        (is_local || page.host().is_some_and(|host| !host.is_empty() && !host.contains('@'))).then_some(page)
    }

    /// Whether it is a path on the host that was asked.
    pub fn is_local(&self) -> bool {
        self.before.starts_with('/')
    }

    /// Host and port of a whole URL.
    pub fn host(&self) -> Option<&str> {
        let rest = self.before.strip_prefix("https://").or_else(|| self.before.strip_prefix("http://"))?;
        Some(rest.split(['/', '?']).next().unwrap_or_default())
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        let from_host = self.before.find("://").map_or(0, |at| at + 3);
        let path = self.before.get(from_host..).unwrap_or_default();
        let path = path.find('/').and_then(|at| path.get(at..)).unwrap_or("/");
        path.split('?').next().unwrap_or_default()
    }

    /// The address for a browser that wants to come back to `wanted`.
    pub fn address(&self, wanted: &str) -> String {
        let Some(after) = &self.after else { return self.before.clone() };
        let mut address = self.before.clone();
        for byte in wanted.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
                address.push(char::from(byte));
            } else {
                address.push_str(&format!("%{byte:02X}"));
            }
        }
        address.push_str(after);
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_return_address_cannot_leave_its_place() {
        let page = LoginPage::parse("/names.nsf?Login&RedirectTo={return}&x=1").unwrap();
        assert!(page.is_local());
        assert_eq!(page.path(), "/names.nsf");
        assert_eq!(
            page.address("/mail/a.nsf?Open&y=%41\r\n"),
            "/names.nsf?Login&RedirectTo=/mail/a.nsf%3FOpen%26y%3D%2541%0D%0A&x=1"
        );
    }

    #[test]
    fn addresses_are_local_paths_or_whole_urls() {
        let page = LoginPage::parse("https://login.acme.example:8443/in?to={return}").unwrap();
        assert_eq!((page.host(), page.path()), (Some("login.acme.example:8443"), "/in"));
        assert_eq!(LoginPage::parse("https://login.acme.example").unwrap().path(), "/");
        for text in [
            "",
            "login",
            "//evil.example/",
            "ftp://a/",
            "https://",
            "https:///x",
            "https://a@b/",
            "/a b",
            "/{",
            "/\\evil",
            "/a{return}{return}",
        ] {
            assert_eq!(LoginPage::parse(text), None, "{text}");
        }
    }
}
