//! Who is never withdrawn (`--keep`): invitations by ID, people by their profile's address.
//!
//! A line that names nobody is an error: whoever it was meant for would lose an invitation to a typing mistake.

use std::collections::HashSet;
use std::path::Path;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::invitation::{IdError, InvitationId};

/// The invitations and people to keep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    ids: HashSet<InvitationId>,
    profiles: HashSet<String>,
}

/// Whether somebody is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// On the list.
    Kept,
    /// Not on the list.
    Free,
    /// The list names people by their profiles, and this one's address can't be compared with theirs.
    Unknown,
}

/// Why a file does not say whom to keep.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It can't be read.
    #[error("the list of whom to keep ({path}) can't be read")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A line that names nobody.
    #[error("{path}, line {line}: {why}; one invitation ID or profile URL a line, or a CSV file of `list`")]
    Line {
        /// In which file.
        path: String,
        /// Which line.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// It names profiles, and the input has none to compare them with.
    #[error(
        "--keep names people by their profiles, and the input has no column profile_url to compare them with: add it, as \
         `list` writes it, or keep them by invitation ID"
    )]
    NoProfiles,
}

impl Keep {
    /// Reads a file of IDs and profile URLs, one a line (`#` begins a comment), or a CSV file with the columns
    /// `invitation_id` or `profile_url`. One that names nobody is warned of.
    ///
    /// # Errors
    /// [`KeepError`]: it can't be read, or a line names nobody.
    pub fn read(path: &Path) -> Result<Self, KeepError> {
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
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut keep = Self::default();
        let mut columns = None;
        // Line by line, so that a quote which nobody closed takes no other line with it.
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !is_remark(line)) {
            let cells = cells(line).map_err(|why| (number, why))?;
            match &columns {
                None => {
                    let named = header(&cells);
                    let is_header = !named.is_empty();
                    columns = Some(named);
                    if !is_header {
                        keep.add_all(cells.iter()).map_err(|why| (number, why))?;
                    }
                }
                Some(named) if named.is_empty() => keep.add_all(cells.iter()).map_err(|why| (number, why))?,
                Some(named) => {
                    let cells = named.iter().filter_map(|at| cells.get(*at));
                    keep.add_all(cells).map_err(|why| (number, why))?;
                }
            }
        }
        Ok(keep)
    }

    /// Adds everybody that these cells name: somebody at the least.
    fn add_all<'a>(&mut self, cells: impl Iterator<Item = &'a str>) -> Result<(), String> {
        let mut cells = cells.filter(|cell| !cell.is_empty()).peekable();
        if cells.peek().is_none() {
            return Err("nobody is named".to_owned());
        }
        cells.try_for_each(|cell| self.add(cell))
    }

    fn add(&mut self, cell: &str) -> Result<(), String> {
        match InvitationId::parse(cell) {
            Ok(id) if id.looks_rounded() => Err(IdError::Rounded.to_string()),
            Ok(id) => {
                self.ids.insert(id);
                Ok(())
            }
            Err(error @ IdError::Scientific) => Err(error.to_string()),
            Err(IdError::Missing | IdError::Rounded | IdError::NotAnId) => {
                let profile =
                    profile(cell).ok_or_else(|| format!("{cell:?} is neither an invitation ID nor a profile URL"))?;
                self.profiles.insert(profile);
                Ok(())
            }
        }
    }

    /// Whether nobody is to be kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.profiles.is_empty()
    }

    /// Whether people are named by their profiles.
    #[must_use]
    pub fn names_profiles(&self) -> bool {
        !self.profiles.is_empty()
    }

    /// Whether this invitation, or the person at this address, is to be kept.
    #[must_use]
    pub fn judge(&self, id: &InvitationId, profile_url: &str) -> Match {
        if self.ids.contains(id) {
            return Match::Kept;
        }
        if self.profiles.is_empty() {
            return Match::Free;
        }
        match profile(profile_url) {
            Some(profile) if self.profiles.contains(&profile) => Match::Kept,
            // The same person has an address with a name, too.
            Some(profile) if is_member_id(&profile) && self.profiles.iter().any(|kept| !is_member_id(kept)) => {
                Match::Unknown
            }
            Some(_) => Match::Free,
            None => Match::Unknown,
        }
    }
}

fn is_remark(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// The cells of one line of CSV, trimmed.
fn cells(line: &str) -> Result<csv::StringRecord, String> {
    if line.matches('"').count() % 2 == 1 {
        return Err("a quote is not closed on its line".to_owned());
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_reader(line.as_bytes());
    let mut record = csv::StringRecord::new();
    reader.read_record(&mut record).map_err(|error| error.to_string())?;
    Ok(record)
}

/// The places of the columns that name somebody, if this is a header.
fn header(record: &csv::StringRecord) -> Vec<usize> {
    let named = record.iter().enumerate().filter(|(_, cell)| plain(cell) == "invitationid" || is_profile_url(cell));
    named.map(|(at, _)| at).collect()
}

/// Whether a column of this name holds profiles' addresses. Case, `_` and spaces do not matter.
#[must_use]
pub fn is_profile_url(column: &str) -> bool {
    plain(column) == "profileurl"
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | ' ' | '-')).collect::<String>().to_lowercase()
}

/// Paths on LinkedIn that are somebody's, by how they begin.
const KINDS: [&str; 6] = ["in", "pub", "company", "school", "showcase", "newsletters"];

/// What an address on LinkedIn has of its own, however it is written: `in/ada` of `https://fr.linkedin.com/in/Ada/?x`.
fn profile(text: &str) -> Option<String> {
    let address = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(address.trim()).ok()?;
    let host = url.host_str()?;
    if host != "linkedin.com" && !host.ends_with(".linkedin.com") {
        return None;
    }
    // Links in mails and on telephones lead through these.
    let mut path = url.path_segments()?.filter(|part| !part.is_empty() && *part != "comm" && *part != "mwlite");
    let kind = path.next()?.to_lowercase();
    let who = percent_decode_str(path.next()?).decode_utf8().ok()?.to_lowercase();
    KINDS.contains(&kind.as_str()).then(|| format!("{kind}/{who}"))
}

/// Whether a profile is named by the member's ID instead of a name, which no other address of the person can be compared
/// with: `in/ACoAA...`.
fn is_member_id(profile: &str) -> bool {
    profile.strip_prefix("in/").is_some_and(|who| who.starts_with("acoaa") || who.starts_with("acwaa"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> InvitationId {
        InvitationId::parse(text).unwrap()
    }

    #[test]
    fn who_is_kept() {
        use Match::{Free, Kept, Unknown};
        let text =
            "# friends\n7\nurn:li:invitation:8\n\nhttps://www.linkedin.com/in/Ada-L/?x=1\nlinkedin.com/in/josé\n";
        let keep = Keep::parse(text).unwrap();
        let cases = [
            ("7", "", Kept),
            ("8", "", Kept),
            ("9", "linkedin.com/in/ada-l", Kept),
            ("9", "https://fr.linkedin.com/in/ADA-L/", Kept),
            ("9", "http://www.linkedin.com/in/ada-l#top", Kept),
            ("9", "https://www.linkedin.com/comm/in/ada-l", Kept),
            ("9", "https://www.linkedin.com/in/jos%C3%A9/", Kept),
            ("9", "https://www.linkedin.com/in/ada-l-2", Free),
            ("9", "https://www.linkedin.com/company/ada-l", Free),
            // Nobody knows whose these are.
            ("9", "", Unknown),
            ("9", "/in/ada-l", Unknown),
            ("9", "https://linkedin.com.evil.example/in/ada-l", Unknown),
            ("9", "https://www.linkedin.com/mynetwork/ada-l", Unknown),
            ("9", "https://www.linkedin.com/in/ACoAABcdEf", Unknown),
        ];
        for (number, url, expected) in cases {
            assert_eq!(keep.judge(&id(number), url), expected, "{number} {url}");
        }
        // Where nobody is kept by a profile, none is asked for; the same member's ID can be compared with itself.
        assert_eq!(Keep::parse("7\n").unwrap().judge(&id("9"), ""), Free);
        let keep = Keep::parse("https://www.linkedin.com/in/ACoAABcdEf\n").unwrap();
        assert_eq!(keep.judge(&id("9"), "https://www.linkedin.com/in/ACoAABcdEf/"), Kept);
        assert_eq!(keep.judge(&id("9"), "https://www.linkedin.com/in/ACoAAOther"), Free);
    }

    #[test]
    fn a_list_s_own_output_says_whom_to_keep() {
        let header = "\u{feff}invitation_id,account,name,Profile URL\n";
        let keep = Keep::parse(&format!("{header}7,default,\"L, Ada\",https://www.linkedin.com/in/ada\n")).unwrap();
        assert_eq!(keep.judge(&id("7"), ""), Match::Kept);
        assert_eq!(keep.judge(&id("1"), "linkedin.com/in/ada"), Match::Kept);
        // Names are not taken for addresses.
        assert_eq!((keep.ids.len(), keep.profiles.len()), (1, 1));
    }

    #[test]
    fn a_line_that_names_nobody_is_an_error() {
        let cases = [
            ("7\nAda Lovelace\n", 2, "neither an invitation ID"),
            ("7\nhttps://example.com/in/ada\n", 2, "neither"),
            ("7\nhttps://www.linkedin.com/\n", 2, "neither"),
            ("https://www.linkedin.com/mynetwork/invitation-manager\n", 1, "neither"),
            ("https://www.linkedin.com/sales/lead/ada\n", 1, "neither"),
            // A line may name several, and each of them counts.
            ("7,Ada\n", 1, "\"Ada\" is neither"),
            ("7.32918E+18\n", 1, "scientific notation"),
            ("7329176687475100000\n", 1, "rounded"),
            ("invitation_id,name\n,Ada\n", 2, "nobody is named"),
            ("invitation_id,name\n7,\"Ada\n8,Bob\n", 2, "a quote is not closed"),
        ];
        for (text, line, words) in cases {
            let (at, why) = Keep::parse(text).unwrap_err();
            assert!(at == line && why.contains(words), "{text:?}: line {at}, {why}");
        }
        assert!(Keep::parse("# nobody\n").unwrap().is_empty());
        assert_eq!(Keep::parse("7,8\n").unwrap().ids.len(), 2);
    }
}
