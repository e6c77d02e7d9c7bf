//! The API's base address, and the rule that no secret is sent unencrypted.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// A checked address: `https://`, or `http://` with a loopback address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl(Url);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BaseUrlError {
    #[error("is not a valid address: {0}; write it like https://api.example.com")]
    Unreadable(url::ParseError),
    #[error("would send the key and the token unencrypted: use https:// (http:// is only for loopback addresses)")]
    Unencrypted,
    #[error("may only contain scheme, host, port and path")]
    TooMuch,
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text.trim()).map_err(BaseUrlError::Unreadable)?;
        let is_loopback = is_loopback(&url);
        match url.scheme() {
            "https" => {}
            "http" if is_loopback => {}
            _ => return Err(BaseUrlError::Unencrypted),
        }
        let is_plain =
            url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
        if is_plain { Ok(Self(url)) } else { Err(BaseUrlError::TooMuch) }
    }
}

impl BaseUrl {
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Appends `path`, which begins with a slash.
    pub(crate) fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        url
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_addresses_are_accepted() {
        let accepted = [
            ("https://api.linkupapi.com", "https://api.linkupapi.com/v1/x", false),
            ("https://proxy.example/linkup/", "https://proxy.example/linkup/v1/x", false),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/x", true),
            ("http://127.9.9.9", "http://127.9.9.9/v1/x", true),
            ("http://[::1]:80", "http://[::1]/v1/x", true),
            ("http://LOCALHOST:3000", "http://localhost:3000/v1/x", true),
            ("https://localhost", "https://localhost/v1/x", true),
        ];
        for (text, joined, loopback) in accepted {
            let url: BaseUrl = text.parse().unwrap();
            assert_eq!((url.join("/v1/x").as_str(), url.is_loopback()), (joined, loopback), "{text}");
        }
        let refused = [
            ("http://api.linkupapi.com", BaseUrlError::Unencrypted),
            ("http://127.0.0.1@evil.example", BaseUrlError::Unencrypted),
            ("http://127.0.0.1.evil.example", BaseUrlError::Unencrypted),
            ("http://localhost.evil.example", BaseUrlError::Unencrypted),
            ("http://10.0.0.1", BaseUrlError::Unencrypted),
            ("http://0.0.0.0", BaseUrlError::Unencrypted),
            ("ftp://127.0.0.1", BaseUrlError::Unencrypted),
            ("https://me:secret@api.example", BaseUrlError::TooMuch),
            ("https://api.example?key=1", BaseUrlError::TooMuch),
        ];
        for (text, error) in refused {
            assert_eq!(text.parse::<BaseUrl>(), Err(error), "{text}");
        }
        assert!(matches!("api.linkupapi.com".parse::<BaseUrl>(), Err(BaseUrlError::Unreadable(_))));
    }
}
