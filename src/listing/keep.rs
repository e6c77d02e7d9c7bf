//! Who is never withdrawn (`--keep`): invitations by ID, people by their profile's address.
//!
//! Owns the rule that a line that names nobody is an error: a typing mistake must not cost anybody their invitation.

use std::collections::HashSet;
use std::path::Path;

use super::profile::{AddressForm, Profile, ProfileKind, holds_two};
use crate::input::{CsvRecords, detect_delimiter, is_invitation_id, is_profile_url};
use crate::invitation::{IdError, InvitationId};

/// The invitations and people to keep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keep {
    ids: HashSet<InvitationId>,
    profiles: HashSet<Profile>,
    forms: HashSet<(ProfileKind, AddressForm)>,
}

/// Whether somebody is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeepStatus {
    Kept,
    NotKept,
    /// The list has profiles, and theirs is missing or can't be compared with them.
    Unknown,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepError {
    #[error("--keep file {path} can't be read")]
    Unreadable { path: String, source: std::io::Error },
    #[error(
        "{path}, line {line}: {why}; expected one invitation ID or profile URL per line, or the CSV output of `list`"
    )]
    Line { path: String, line: u64, why: String },
    #[error(
        "--keep names people by their profiles, and the input has no column profile_url to compare them with: add it, as \
         `list` writes it, or keep them by invitation ID"
    )]
    NoProfiles,
}

impl Keep {
    /// Reads a file of IDs and profile URLs, one per line (`#` begins a comment), or a CSV file with a column
    /// `invitation_id` or `profile_url`. Warns if it names nobody.
    pub(crate) fn read(path: &Path) -> Result<Self, KeepError> {
        let name = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|source| KeepError::Unreadable { path: name.clone(), source })?;
        let keep = Self::parse(&text).map_err(|(line, why)| KeepError::Line { path: name.clone(), line, why })?;
        if keep.is_empty() {
            tracing::warn!("{name} names nobody to keep");
        }
        Ok(keep)
    }

    fn parse(text: &str) -> Result<Self, (u64, String)> {
        let mut keep = Self::default();
        let mut records = CsvRecords::with_comments(text);
        detect_delimiter(&mut records);
        let mut is_first = true;
        // Which columns of a header name somebody, and how many columns it has.
        let mut header: Option<(Vec<usize>, usize)> = None;
        while let Some(record) = records.next() {
            if record.malformed.is_some() || record.lines > 1 {
                return Err((record.line, "a quote is opened here and not closed on the same line".to_owned()));
            }
            let cells = records.cells();
            let cells: Vec<&str> = cells.iter().map(|cell| cell.trim()).collect();
            if cells == [""] || cells[0].starts_with('#') {
                continue;
            }
            if is_first {
                is_first = false;
                let names_somebody = |at: &usize| is_invitation_id(cells[*at]) || is_profile_url(cells[*at]);
                let columns: Vec<_> = (0..cells.len()).filter(names_somebody).collect();
                if !columns.is_empty() {
                    header = Some((columns, cells.len()));
                    continue;
                }
            }
            let added = match &header {
                Some((_, width)) if cells.iter().skip(*width).any(|cell| !cell.is_empty()) => {
                    Err("there are more cells than the header has columns".to_owned())
                }
                Some((columns, _)) => keep.add_all(columns.iter().filter_map(|at| cells.get(*at).copied())),
                None => keep.add_all(cells.iter().copied()),
            };
            added.map_err(|why| (record.line, why))?;
        }
        Ok(keep)
    }

    /// Adds everybody that these cells name; empty ones are skipped.
    fn add_all<'a>(&mut self, cells: impl Iterator<Item = &'a str>) -> Result<(), String> {
        let filled: Vec<_> = cells.filter(|cell| !cell.is_empty()).collect();
        if filled.is_empty() {
            return Err("nobody is named".to_owned());
        }
        if is_grouped_number(&filled) {
            return Err("this looks like one number with commas in it: write only its digits".to_owned());
        }
        for cell in &filled {
            self.add(cell).map_err(|why| {
                let is_alone = filled.len() == 1;
                let advice = " (put a header like invitation_id,name above several columns)";
                if is_alone { why } else { why + advice }
            })?;
        }
        Ok(())
    }

    fn add(&mut self, cell: &str) -> Result<(), String> {
        match InvitationId::parse(cell) {
            Ok(id) => {
                self.ids.insert(id.unrounded().map_err(|error| error.to_string())?);
                return Ok(());
            }
            Err(error @ IdError::Scientific) => return Err(error.to_string()),
            Err(IdError::Missing | IdError::Rounded { .. } | IdError::NotAnId) => {}
        }
        if !Profile::is_on_linkedin(cell) {
            return Err(format!("{cell:?} is neither an invitation ID nor a LinkedIn profile URL"));
        }
        let profile = Profile::parse(cell).filter(|_| !holds_two(cell));
        let profile = profile.ok_or_else(|| format!("{cell:?} is not a profile's address"))?;
        self.forms.insert((profile.kind, profile.form));
        self.profiles.insert(profile);
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.profiles.is_empty()
    }

    pub(crate) fn names_profiles(&self) -> bool {
        !self.profiles.is_empty()
    }

    /// Without an ID, by the profile only.
    pub(crate) fn status(&self, id: Option<&InvitationId>, profile_url: &str) -> KeepStatus {
        if id.is_some_and(|id| self.ids.contains(id)) {
            return KeepStatus::Kept;
        }
        if self.profiles.is_empty() {
            return KeepStatus::NotKept;
        }
        match Profile::parse(profile_url) {
            Some(profile) if self.profiles.contains(&profile) => KeepStatus::Kept,
            Some(profile) if self.can_tell(&profile) => KeepStatus::NotKept,
            Some(_) | None => KeepStatus::Unknown,
        }
    }

    /// Whether an address that is not on the list is certainly somebody else's: a name and a member's number may be two
    /// addresses of one person.
    fn can_tell(&self, profile: &Profile) -> bool {
        self.forms.iter().all(|(kind, form)| *kind != profile.kind || *form == profile.form)
    }
}

/// `7,329,176`: three IDs as CSV, most likely meant as one.
fn is_grouped_number(cells: &[&str]) -> bool {
    let is_group = |cell: &str, least| (least..=3).contains(&cell.len()) && cell.bytes().all(|b| b.is_ascii_digit());
    match cells {
        [first, rest @ ..] if !rest.is_empty() => is_group(first, 1) && rest.iter().all(|cell| is_group(cell, 3)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> InvitationId {
        InvitationId::parse(text).unwrap()
    }

    #[test]
    fn who_is_kept() {
        let keep =
            Keep::parse("# friends\n7\nurn:li:invitation:8\n\nhttps://www.linkedin.com/in/Ada-L/?x=1\n").unwrap();
        let cases = [
            ("7", "", KeepStatus::Kept),
            ("8", "", KeepStatus::Kept),
            ("9", "linkedin.com/in/ada-l", KeepStatus::Kept),
            ("9", "https://fr.linkedin.com/in/ADA-L/", KeepStatus::Kept),
            ("9", "http://www.linkedin.com/in/ada-l#top", KeepStatus::Kept),
            ("9", "https://www.linkedin.com/comm/in/ada-l", KeepStatus::Kept),
            ("9", "https://www.linkedin.com/in/ada-l-2", KeepStatus::NotKept),
            ("9", "https://www.linkedin.com/company/ada-l", KeepStatus::NotKept),
            // These may be anybody.
            ("9", "", KeepStatus::Unknown),
            ("9", "/in/ada-l", KeepStatus::Unknown),
            ("9", "ada-l", KeepStatus::Unknown),
            ("9", "https://linkedin.com.evil.example/in/ada-l", KeepStatus::Unknown),
            ("9", "https://www.linkedin.com/in/ACoAAB1c2d3e4f5", KeepStatus::Unknown),
            ("9", "https://www.linkedin.com/pub/ada-l/1/2/3", KeepStatus::Unknown),
            ("9", "https://www.linkedin.com/sales/lead/ACwAAB1c2d3", KeepStatus::Unknown),
        ];
        for (number, url, kept) in cases {
            assert_eq!(keep.status(Some(&id(number)), url), kept, "{number} {url}");
        }
        let by_id = Keep::parse("7\n").unwrap();
        assert_eq!(
            (by_id.status(Some(&id("7")), ""), by_id.status(Some(&id("9")), "")),
            (KeepStatus::Kept, KeepStatus::NotKept)
        );
        assert_eq!(Keep::default().status(Some(&id("7")), "linkedin.com/in/ada"), KeepStatus::NotKept);
    }

    #[test]
    fn an_address_of_another_form_may_be_the_same_person() {
        let (member, other) = ("linkedin.com/in/ACoAAB1c2d3e4f5", "linkedin.com/in/ACoAAZ9y8x7w6v5");
        let ada = "linkedin.com/in/ada";
        let (page, number) = ("linkedin.com/company/acme", "linkedin.com/company/1035");
        let cases: [(&[&str], &str, KeepStatus); 10] = [
            (&[member], member, KeepStatus::Kept),
            (&[member], other, KeepStatus::NotKept),
            (&[member], ada, KeepStatus::Unknown),
            (&[ada, member], member, KeepStatus::Kept),
            (&[ada, member], other, KeepStatus::Unknown),
            (&[ada], member, KeepStatus::Unknown),
            (&[ada], number, KeepStatus::NotKept),
            (&[page], number, KeepStatus::Unknown),
            (&[page], ada, KeepStatus::NotKept),
            (&[page], "linkedin.com/school/ACME/about", KeepStatus::Kept),
        ];
        for (keep, url, kept) in cases {
            let list = Keep::parse(&keep.join("\n")).unwrap();
            assert_eq!(list.status(Some(&id("9")), url), kept, "{keep:?} {url:?}");
        }
    }

    #[test]
    fn a_name_in_another_unicode_form_is_never_let_go() {
        let cases = [
            ("\u{304c}", "\u{304b}\u{3099}", KeepStatus::Kept),
            ("\u{304b}\u{3099}", "\u{304c}", KeepStatus::Kept),
            ("\u{ac00}", "\u{1100}\u{1161}", KeepStatus::Kept),
            ("\u{1100}\u{1161}", "\u{ac00}", KeepStatus::Kept),
            ("jose\u{301}", "JOS\u{c9}", KeepStatus::Kept),
            ("ada\u{2764}", "ada\u{2764}\u{fe0f}", KeepStatus::Unknown),
            ("ada", "ada\u{61c}", KeepStatus::Unknown),
            ("ada", "\u{202a}ada\u{202c}", KeepStatus::Unknown),
            ("ada", "ada\u{2066}", KeepStatus::Unknown),
            ("ada", "ada\u{e0067}", KeepStatus::Unknown),
            ("\u{915}", "\u{915}\u{93c}", KeepStatus::Unknown),
            ("\u{645}", "\u{645}\u{64e}", KeepStatus::Unknown),
            ("\u{5d0}", "\u{5d0}\u{5b7}", KeepStatus::Unknown),
            // Cut by `list`.
            ("ada-lovelace", "ada-lo\u{2026}", KeepStatus::Unknown),
        ];
        for (keep, other, kept) in cases {
            let list = Keep::parse(&format!("linkedin.com/in/{keep}")).unwrap();
            assert_eq!(list.status(None, &format!("linkedin.com/in/{other}")), kept, "{keep:?} {other:?}");
        }
        // One that can't be compared is no line of the list.
        for name in ["ada\u{2764}\u{fe0f}", "ada\u{61c}", "ada-lo\u{2026}", "\u{645}\u{64e}"] {
            let (_, why) = Keep::parse(&format!("7\nlinkedin.com/in/{name}")).unwrap_err();
            assert!(why.contains("not a profile's address"), "{why}");
        }
    }

    #[test]
    fn the_output_of_list_can_be_the_list_to_keep() {
        let rows = "7,default,\"L, Ada\",https://www.linkedin.com/in/ada\n";
        for header in ["invitation_id,account,name,profile_url", "Invitation ID,x,y,Profile URL", "-,-,-,LinkedIn-URL"]
        {
            let keep = Keep::parse(&format!("\u{feff}{header}\n{rows}")).unwrap();
            assert_eq!(keep.status(Some(&id("1")), "linkedin.com/in/ada"), KeepStatus::Kept, "{header}");
            // Names are not taken for addresses.
            assert_eq!((keep.ids.len(), keep.profiles.len()), (usize::from(header.contains("nvitation")), 1));
        }
        // As a spreadsheet saves it.
        let rows = "invitation_id;account;name;profile_url\n7;default;L, Ada;https://www.linkedin.com/in/ada\n";
        for text in [rows.to_owned(), format!("# x\n{rows}"), format!("sep=;\n{rows}"), rows.replace(';', "\t")] {
            let keep = Keep::parse(&text).unwrap();
            assert_eq!(keep.status(Some(&id("1")), "linkedin.com/in/ada"), KeepStatus::Kept, "{text}");
            assert_eq!(keep.status(Some(&id("7")), "linkedin.com/in/bob"), KeepStatus::Kept, "{text}");
        }
    }

    #[test]
    fn everyone_on_a_line_is_kept() {
        for text in ["1002,1000", "1002, 1000\n", " 1002 ,,1000,", "\"1002\",\"1000\"\r\n", "1002\r1000", "1002;1000"] {
            let keep = Keep::parse(text).unwrap();
            assert_eq!(keep.ids, HashSet::from([id("1002"), id("1000")]), "{text:?}");
        }
    }

    #[test]
    fn a_line_that_names_nobody_is_an_error() {
        let cases = [
            ("7\nAda Lovelace\n", 2, "neither an invitation ID"),
            ("7\nhttps://example.com/in/ada\n", 2, "neither"),
            ("7\n\n# x\nAda\n", 4, "neither"),
            ("\u{feff}7\r\n \r\n# x\r\nAda\r\n", 4, "neither"),
            ("7.32918E+18\n", 1, "scientific notation"),
            ("7329176687475100000\n", 1, "rounded"),
            ("invitation_id,name\n,Ada\n", 2, "nobody is named"),
            ("7\n,\n", 2, "nobody is named"),
            // In a later cell.
            ("7329176687475109888,Ada Lovelace\n", 1, "put a header like invitation_id,name"),
            ("1002\n1000;1001\n", 2, "neither"),
            ("1002;Ada\n", 1, "put a header like"),
            ("7,329,176\n", 1, "one number with commas"),
            ("invitation_id\n1002,1000\n", 2, "more cells than the header"),
            ("7\nlinkedin.com/in/ada linkedin.com/in/bob\n", 2, "not a profile's address"),
            ("7\nlinkedin.com/in/ada/;linkedin.com/in/bob\n", 2, "not a profile's address"),
            ("7\nlinkedin.com/in/ada/|7\n", 2, "not a profile's address"),
            ("linkedin.com/in/ada # a friend\n", 1, "not a profile's address"),
            // A quote that swallows the lines behind it.
            ("7\n\"1002\n1000\n", 2, "a quote is opened"),
            ("7\n\"1002\n1000\n\"\n", 2, "a quote is opened"),
            ("7\n\"1002", 2, "a quote is opened"),
            ("# x\ninvitation_id,name,profile_url\n7,\"Ada,linkedin.com/in/ada", 3, "a quote is opened"),
            ("invitation_id,name\n7,\"Ada\n8,Bob\"\n", 2, "a quote is opened"),
            // No profile.
            ("7\nhttps://www.linkedin.com/\n", 2, "not a profile's address"),
            ("https://www.linkedin.com/in/\n", 1, "not a profile's address"),
            ("https://www.linkedin.com/feed/update/urn:li:activity:7\n", 1, "not a profile's address"),
            ("https://www.linkedin.com/sales/lead/ACwAAB1c2d3\n", 1, "not a profile's address"),
            ("https://www.linkedin.com/mynetwork/invitation-manager/sent/\n", 1, "not a profile's address"),
        ];
        for (text, line, words) in cases {
            let Err((at, why)) = Keep::parse(text) else { panic!("{text:?} is taken") };
            assert!(at == line && why.contains(words), "{text:?}: line {at}, {why}");
        }
        assert!(Keep::parse("").unwrap().is_empty() && Keep::parse("# x\n\n  # y, z\n \n").unwrap().is_empty());
    }
}
