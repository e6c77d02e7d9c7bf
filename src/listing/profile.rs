//! A profile's address on LinkedIn, in a form that can be compared.
//!
//! Owns which addresses are certainly the same profile. Must not guess: what is unclear is no profile.

use percent_encoding::percent_decode_str;
use url::Url;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ProfileKind {
    Person,
    /// Of a company, a school or a showcase: one page may have an address as each of them.
    Page,
    Newsletter,
}

/// How an address names the profile. Names of different forms never compare equal, although they may be one profile's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum AddressForm {
    /// `in/ada`, `company/acme`
    Name,
    /// `in/ACoAA...`, `company/1035`
    Number,
    /// `pub/ada/1/2b/3c4`
    Old,
}

/// What identifies the profile, however the address is written: `ada` of `https://fr.linkedin.com/comm/in/Ada/?x`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Profile {
    pub(super) kind: ProfileKind,
    pub(super) form: AddressForm,
    who: String,
}

/// Prefixes of members' numbers, in lower case.
const MEMBERS: [&str; 3] = ["acoaa", "acwaa", "aemaa"];

impl Profile {
    /// `None` if it is not a profile's address, or it is unclear whose.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let url = on_linkedin(text)?;
        let mut path = url.path_segments()?.filter(|part| !part.is_empty()).map(str::to_ascii_lowercase).peekable();
        path.next_if(|part| part == "comm" || part == "mwlite");
        let first = path.next()?;
        let who = plain(&path.next()?)?;
        let (kind, is_old) = match first.as_str() {
            "in" => (ProfileKind::Person, false),
            // `pub/dir` is a directory of people.
            "pub" if who != "dir" => (ProfileKind::Person, true),
            "company" | "school" | "showcase" => (ProfileKind::Page, false),
            "newsletters" => (ProfileKind::Newsletter, false),
            _ => return None,
        };
        let is_allowed = |c: char| match kind {
            _ if !c.is_ascii() => true,
            ProfileKind::Person => c.is_ascii_alphanumeric() || "-_".contains(c),
            ProfileKind::Page | ProfileKind::Newsletter => c.is_ascii_alphanumeric() || "-_.&'+!(),".contains(c),
        };
        let is_number = match kind {
            ProfileKind::Person => MEMBERS.iter().any(|start| who.starts_with(start)),
            ProfileKind::Page => who.bytes().all(|byte| byte.is_ascii_digit()),
            ProfileKind::Newsletter => false,
        };
        let form = match (is_old, is_number) {
            (true, _) => AddressForm::Old,
            (false, true) => AddressForm::Number,
            (false, false) => AddressForm::Name,
        };
        who.chars().all(is_allowed).then_some(Self { kind, form, who })
    }

    pub(super) fn is_on_linkedin(text: &str) -> bool {
        on_linkedin(text).is_some()
    }
}

fn on_linkedin(text: &str) -> Option<Url> {
    let text = text.trim();
    let text = text.strip_prefix('\'').unwrap_or(text).trim();
    let has_scheme = text.split(['/', '?', '#']).next().is_some_and(|start| start.ends_with(':'));
    let address = if has_scheme { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&address).ok()?;
    let host = url.host_str()?;
    (host == "linkedin.com" || host.ends_with(".linkedin.com")).then_some(url)
}

/// A part of a path, decoded and in lower case. `None` where the same name may be written otherwise elsewhere: broken
/// encoding, invisible characters, combining accents.
fn plain(part: &str) -> Option<String> {
    let mut part = part.to_owned();
    // An address within an address is encoded twice: `%C3` becomes `%25C3`.
    for _ in 0..3 {
        if part.contains('%') {
            part = percent_decode_str(&part).decode_utf8().ok()?.into_owned();
        }
    }
    let is_unclear = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || c == '%'
            || matches!(c, '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    };
    (!part.is_empty() && !part.contains(is_unclear)).then(|| part.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_profile_has_many_addresses() {
        let cases: [(&str, &[&str]); 4] = [
            (
                "https://www.linkedin.com/in/ada",
                &[
                    "linkedin.com/in/ada?next=https://example.com",
                    "HTTP://DE.LINKEDIN.COM/IN/ADA/",
                    "//www.linkedin.com/in/ada",
                    "'https://www.linkedin.com/in/ada",
                    " https://www.linkedin.com/comm/in/ada ",
                    "https://www.linkedin.com/mwlite/in/ada",
                    "https://www.linkedin.com/in/%61da/details/skills/",
                ],
            ),
            (
                "https://www.linkedin.com/in/jos\u{e9}",
                &[
                    "https://www.linkedin.com/in/jos%C3%A9",
                    "https://www.linkedin.com/in/jos%c3%a9/",
                    "https://www.linkedin.com/in/JOS\u{c9}",
                    "https://www.linkedin.com/in/JOS%C3%89",
                    "https://www.linkedin.com/in/jos%25C3%25A9",
                ],
            ),
            (
                "https://www.linkedin.com/company/at&t",
                &["linkedin.com/school/AT%26T/people", "linkedin.com/showcase/at&t", "linkedin.com/comm/company/at&t"],
            ),
            ("https://www.linkedin.com/newsletters/daily-7", &["linkedin.com/newsletters/Daily-7/"]),
        ];
        for (address, others) in cases {
            let profile = Profile::parse(address).unwrap();
            for other in others {
                assert_eq!(Profile::parse(other).as_ref(), Some(&profile), "{other}");
            }
        }
    }

    #[test]
    fn the_forms_of_addresses() {
        let cases = [
            ("linkedin.com/in/ada", ProfileKind::Person, AddressForm::Name),
            ("linkedin.com/in/ACoAAB1c2d3e4f5", ProfileKind::Person, AddressForm::Number),
            ("linkedin.com/comm/in/ACwAAB1c2d3e4f5", ProfileKind::Person, AddressForm::Number),
            ("linkedin.com/pub/ada-l/1/2b/3c4", ProfileKind::Person, AddressForm::Old),
            ("linkedin.com/company/acme", ProfileKind::Page, AddressForm::Name),
            ("linkedin.com/company/1035/", ProfileKind::Page, AddressForm::Number),
            ("linkedin.com/newsletters/7", ProfileKind::Newsletter, AddressForm::Name),
        ];
        for (address, kind, form) in cases {
            let profile = Profile::parse(address).unwrap();
            assert_eq!((profile.kind, profile.form), (kind, form), "{address}");
        }
    }

    #[test]
    fn what_does_not_say_whose_profile_it_is() {
        let cases = [
            "",
            "ada",
            "/in/ada",
            "in/ada",
            "linkedin.com",
            "linkedin.com/in",
            "linkedin.com/comm/ada",
            "linkedin.com/feed/ada",
            "linkedin.com/pub/dir/Ada/Lovelace",
            "linkedin.com/profile/view?id=7",
            "notlinkedin.com/in/ada",
            "https://linkedin.com@example.com/in/ada",
            "linkedin.com/in/jos%E9",
            "linkedin.com/in/ada%",
            "linkedin.com/in/ada%20l",
            "linkedin.com/in/ada%E2%80%8B",
            "linkedin.com/in/jose%CC%81",
            "linkedin.com/in/ada;bob",
            "linkedin.com/in/ada\"",
            "linkedin.com/in/ada.",
        ];
        for address in cases {
            assert_eq!(Profile::parse(address), None, "{address}");
        }
    }
}
