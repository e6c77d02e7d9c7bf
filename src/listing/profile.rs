//! A profile's address on LinkedIn, in a form that can be compared.
//!
//! Owns which addresses are certainly the same profile. Must not guess: what is unclear is no profile. Which way a doubt
//! falls depends on what follows from a match, so there are two comparisons: [`Profile`], by which somebody is kept, and
//! the stricter [`PersonAddress`], by which somebody is withdrawn.

use percent_encoding::percent_decode_str;
use url::Url;

use super::unicode::{composed, has_other_form, is_easily_lost};

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

/// Prefixes of members' numbers.
const MEMBERS: [&str; 3] = ["ACoAA", "ACwAA", "AEMAA"];

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
            ProfileKind::Person => MEMBERS.iter().any(|start| who.starts_with(&start.to_ascii_lowercase())),
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

/// A person's address, as far as it can say that two are the same person's: `in/ada-lovelace`. Two of different forms say
/// nothing of each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PersonAddress {
    form: AddressForm,
    who: String,
}

impl PersonAddress {
    /// `None` where it may be written in another way elsewhere, or be two people's.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let Profile { kind, form, who } = Profile::parse(text).filter(|_| !holds_two(text))?;
        match (kind, form) {
            (ProfileKind::Person, AddressForm::Name) => Some(Self { form, who }),
            // Capital and small letters tell members apart, where no program has changed them all.
            (ProfileKind::Person, AddressForm::Number) => {
                let url = on_linkedin(text)?;
                let who = url.path_segments()?.find(|part| part.eq_ignore_ascii_case(&who))?.to_owned();
                MEMBERS.iter().any(|start| who.starts_with(start)).then_some(Self { form, who })
            }
            // Only the numbers behind the name tell people apart, and nothing has such addresses any more.
            (ProfileKind::Person, AddressForm::Old) | (ProfileKind::Page | ProfileKind::Newsletter, _) => None,
        }
    }

    /// What tells it from other addresses, of whatever form.
    pub(crate) fn as_str(&self) -> &str {
        &self.who
    }

    pub(crate) fn into_text(self) -> String {
        self.who
    }

    pub(super) fn is_comparable(&self, other: &Self) -> bool {
        self.form == other.form
    }
}

/// The address as a link: only of a profile, by https, and without what is not needed to find it.
pub(crate) fn profile_link(text: &str) -> Option<String> {
    Profile::parse(text)?;
    let mut url = on_linkedin(text)?;
    let is_plain =
        url.scheme() == "https" && url.port().is_none() && url.username().is_empty() && url.password().is_none();
    url.set_query(None);
    url.set_fragment(None);
    is_plain.then(|| url.into())
}

/// Whether a cell holds two addresses, of which one would be ignored.
pub(super) fn holds_two(cell: &str) -> bool {
    cell.to_lowercase().matches("linkedin.com").count() > 1
        || cell.trim().contains(|c: char| c.is_whitespace() || c == ';' || c == '|')
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

/// A part of a path, decoded, composed (NFC) and in lower case. `None` where the same name may be written otherwise
/// elsewhere (broken encoding, marks and other characters that may be left out), or is cut.
fn plain(part: &str) -> Option<String> {
    let mut part = part.to_owned();
    // An address within an address is encoded twice: `%C3` becomes `%25C3`.
    for _ in 0..3 {
        if part.contains('%') {
            part = percent_decode_str(&part).decode_utf8().ok()?.into_owned();
        }
    }
    // Signs like that of the kelvin, which only look like letters, must not become these.
    let is_foreign_ascii = |c: char| !c.is_ascii() && c.to_lowercase().any(|lower| lower.is_ascii());
    if part.is_empty() || part.contains(is_foreign_ascii) {
        return None;
    }
    let part = composed(&part);
    let is_unclear = |c: char| c.is_whitespace() || c.is_control() || c == '%' || is_easily_lost(c);
    (!part.contains(is_unclear) && !has_other_form(&part)).then(|| part.to_lowercase())
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
                    "https://www.linkedin.com/in/jose%CC%81",
                    "https://www.linkedin.com/in/JOSE\u{301}",
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
            "linkedin.com/in/q%CC%81",
            "linkedin.com/in/ada;bob",
            "linkedin.com/in/ada\"",
            "linkedin.com/in/ada.",
            "linkedin.com/in/mar\u{212a}",
            "linkedin.com/in/mar%E2%84%AA",
        ];
        for address in cases {
            assert_eq!(Profile::parse(address), None, "{address}");
        }
    }

    fn same(one: &str, other: &str) -> Option<bool> {
        let (one, other) = (PersonAddress::parse(one)?, PersonAddress::parse(other)?);
        one.is_comparable(&other).then(|| one == other)
    }

    #[test]
    fn the_same_name_in_whatever_spelling_is_the_same_person() {
        let spellings = [
            "https://www.linkedin.com/in/ada-lovelace/",
            "https://www.linkedin.com/in/ada-lovelace",
            "http://linkedin.com/in/ada-lovelace",
            "linkedin.com/in/ada-lovelace",
            "www.linkedin.com/in/Ada-Lovelace/",
            "https://fr.linkedin.com/in/ada-lovelace?originalSubdomain=fr",
            "https://de.linkedin.com/in/ada-lovelace/en#experience",
            "HTTPS://WWW.LINKEDIN.COM/IN/ADA-LOVELACE",
            "https://www.linkedin.com/in/ada%2Dlovelace/?trk=people",
            "https://www.linkedin.com/in/%61da-lovelace",
            "https://m.linkedin.com/mwlite/in/ada-lovelace",
            " 'https://www.linkedin.com/comm/in/ada-lovelace/details/skills/ ",
        ];
        for one in spellings {
            for other in spellings {
                assert_eq!(same(one, other), Some(true), "{one} {other}");
            }
            for other in ["linkedin.com/in/ada-lovelac", "linkedin.com/in/ada-lovelace1", "linkedin.com/in/adalovelace"]
            {
                assert_eq!(same(one, other), Some(false), "{one} {other}");
            }
        }
        assert_eq!(same("linkedin.com/in/jos%C3%A9", "https://www.linkedin.com/in/JOS\u{c9}/"), Some(true));
        assert_eq!(same("linkedin.com/in/jose", "linkedin.com/in/jos\u{e9}"), Some(false));
        // Cyrillic.
        assert_eq!(same("linkedin.com/in/ada", "linkedin.com/in/\u{430}da"), Some(false));
    }

    /// No match may come of these, nor the certainty that there is none.
    #[test]
    fn what_can_not_be_compared() {
        let ada = "https://www.linkedin.com/in/ada";
        let cases = [
            (ada, "https://www.linkedin.com/in/ACoAAB1c2d3e4f5"),
            (ada, "https://www.linkedin.com/pub/ada/1/2b/3c4"),
            ("linkedin.com/pub/ada/1/2b/3c4", "linkedin.com/pub/ada/9/9b/9c9"),
            ("linkedin.com/pub/ada/1/2b/3c4", "linkedin.com/pub/ada/1/2b/3c4"),
            ("linkedin.com/company/ada", "linkedin.com/company/ada"),
            ("linkedin.com/newsletters/ada", "linkedin.com/newsletters/ada"),
            (ada, "linkedin.com/sales/lead/ada"),
            (ada, "linkedin.com/in/ada linkedin.com/in/bob"),
            (ada, "linkedin.com/in/ada/,linkedin.com/in/bob/"),
            (ada, "linkedin.com/in/ada/;bob"),
            (ada, "linkedin.com/in/ada?url=linkedin.com/in/bob"),
            (ada, "linkedin.com/in/ada%20"),
            (ada, "example.com/in/ada"),
            (ada, "Ada Lovelace"),
            (ada, ""),
        ];
        for (one, other) in cases {
            assert_eq!((same(one, other), same(other, one)), (None, None), "{one} {other}");
        }
    }

    /// Each name in another Unicode form, or with something that reads as nothing: the same person, or nobody knows.
    #[test]
    fn a_name_in_another_unicode_form_is_nobody_else_s() {
        let cases = [
            ("\u{304c}", "\u{304b}\u{3099}", Some(true)),
            ("\u{ac00}", "\u{1100}\u{1161}", Some(true)),
            ("jos\u{e9}", "JOSE\u{301}", Some(true)),
            ("\u{c5}sa", "\u{212b}sa", Some(true)),
            ("\u{30ac}", "\u{ff76}\u{ff9e}", None),
            ("\u{1111}", "\u{1107}\u{1112}", None),
            ("ada", "\u{ff41}\u{ff44}\u{ff41}", None),
            ("ada\u{2764}", "ada\u{2764}\u{fe0f}", None),
            ("ada-lovelace", "ada-lo\u{2026}", None),
            ("ada", "ada\u{61c}", None),
            ("ada", "\u{202a}ada\u{202e}", None),
            ("ada", "\u{2061}ada\u{2069}", None),
            ("ada", "ada\u{e0067}", None),
            ("ada", "ada\u{e0100}", None),
            ("ada", "ada\u{180e}", None),
            ("ada", "ada\u{3164}", None),
            ("ada", "ada\u{20dd}", None),
            ("\u{915}", "\u{915}\u{93c}", None),
            ("\u{645}", "\u{645}\u{64e}", None),
            ("\u{5d0}", "\u{5d0}\u{5b7}", None),
        ];
        for (one, other, expected) in cases {
            let (one, other) = (format!("linkedin.com/in/{one}"), format!("linkedin.com/in/{other}"));
            assert_eq!((same(&one, &other), same(&other, &one)), (expected, expected), "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_member_s_number_is_compared_letter_by_letter() {
        let number = "https://www.linkedin.com/in/ACoAAB1c2d3e4f5";
        assert_eq!(same(number, "linkedin.com/in/ACoAAB1c2d3e4f5/?trk=x"), Some(true));
        assert_eq!(same(number, "linkedin.com/comm/in/ACoAAB1c2d3e4f5"), Some(true));
        assert_eq!(same(number, "linkedin.com/in/ACoAAB1C2d3e4f5"), Some(false));
        // Nobody knows what these were.
        for other in
            ["linkedin.com/in/acoaab1c2d3e4f5", "LINKEDIN.COM/IN/ACOAAB1C2D3E4F5", "linkedin.com/in/%41CoAAB1c2d3"]
        {
            assert_eq!(same(number, other), None, "{other}");
        }
    }
}
