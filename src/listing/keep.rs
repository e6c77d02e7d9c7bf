//! Who is never withdrawn (`--keep`): invitations by ID, people by their profile's address.
//!
//! A line that names nobody is an error: whoever it was meant for would lose an invitation to a typing mistake.

use std::collections::HashSet;
use std::path::Path;

use url::Url;

use crate::invitation::{IdError, InvitationId};

/// The invitations and people to keep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    ids: HashSet<InvitationId>,
    profiles: HashSet<String>,
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
}

/// The columns of `list` that name somebody.
const COLUMNS: [&str; 2] = ["invitationid", "profileurl"];

impl Keep {
    /// Reads a file of IDs and profile URLs, one a line (`#` begins a comment), or a CSV file with the columns
    /// `invitation_id` or `profile_url`.
    ///
    /// # Errors
    /// [`KeepError`]: it can't be read, or a line names nobody.
    pub fn read(path: &Path) -> Result<Self, KeepError> {
        let name = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|source| KeepError::Unreadable { path: name.clone(), source })?;
        Self::parse(&text).map_err(|(line, why)| KeepError::Line { path: name, line, why })
    }

    fn parse(text: &str) -> Result<Self, (u64, String)> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .comment(Some(b'#'))
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let mut keep = Self::default();
        let mut columns: Option<Vec<usize>> = None;
        for record in reader.records() {
            let record =
                record.map_err(|error| (error.position().map_or(0, csv::Position::line), error.to_string()))?;
            let line = record.position().map_or(0, csv::Position::line);
            if columns.is_none() {
                let named = header(&record);
                let is_header = !named.is_empty();
                columns = Some(if is_header { named } else { vec![0] });
                if is_header {
                    continue;
                }
            }
            let cells = columns.iter().flatten().filter_map(|at| record.get(*at)).filter(|cell| !cell.is_empty());
            let mut names_somebody = false;
            for cell in cells {
                keep.add(cell).map_err(|why| (line, why))?;
                names_somebody = true;
            }
            if !names_somebody {
                return Err((line, "nobody is named".to_owned()));
            }
        }
        Ok(keep)
    }

    fn add(&mut self, cell: &str) -> Result<(), String> {
        if let Some(profile) = profile(cell) {
            self.profiles.insert(profile);
            return Ok(());
        }
        match InvitationId::parse(cell) {
            Ok(id) if id.looks_rounded() => Err(IdError::Rounded.to_string()),
            Ok(id) => {
                self.ids.insert(id);
                Ok(())
            }
            Err(error @ IdError::Scientific) => Err(error.to_string()),
            Err(IdError::Missing | IdError::Rounded | IdError::NotAnId) => {
                Err(format!("{cell:?} is neither an invitation ID nor a LinkedIn profile URL"))
            }
        }
    }

    /// Whether nobody is to be kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.profiles.is_empty()
    }

    /// Whether this invitation, or the person at this address, is to be kept.
    #[must_use]
    pub fn holds(&self, id: &InvitationId, profile_url: &str) -> bool {
        self.ids.contains(id)
            || !self.profiles.is_empty() && profile(profile_url).is_some_and(|profile| self.profiles.contains(&profile))
    }
}

/// The places of the columns that name somebody, if this is a header.
fn header(record: &csv::StringRecord) -> Vec<usize> {
    let plain = |cell: &str| cell.chars().filter(|c| *c != '_' && *c != ' ').collect::<String>().to_ascii_lowercase();
    let named = record.iter().enumerate().filter(|(_, cell)| COLUMNS.contains(&plain(cell).as_str()));
    named.map(|(at, _)| at).collect()
}

/// What an address on LinkedIn has of its own, however it is written: `in/ada` of `https://fr.linkedin.com/in/Ada/?x`.
fn profile(text: &str) -> Option<String> {
    let address = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&address).ok()?;
    let host = url.host_str()?;
    if host != "linkedin.com" && !host.ends_with(".linkedin.com") {
        return None;
    }
    let mut path = url.path_segments()?.filter(|part| !part.is_empty());
    let (kind, who) = (path.next()?, path.next()?);
    Some(format!("{kind}/{who}").to_lowercase())
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
            ("7", "", true),
            ("8", "", true),
            ("9", "", false),
            ("9", "linkedin.com/in/ada-l", true),
            ("9", "https://fr.linkedin.com/in/ADA-L/", true),
            ("9", "http://www.linkedin.com/in/ada-l#top", true),
            ("9", "https://www.linkedin.com/in/ada-l-2", false),
            ("9", "https://www.linkedin.com/company/ada-l", false),
            ("9", "https://linkedin.com.evil.example/in/ada-l", false),
        ];
        for (number, url, kept) in cases {
            assert_eq!(keep.holds(&id(number), url), kept, "{number} {url}");
        }
        assert!(!Keep::default().holds(&id("7"), "linkedin.com/in/ada"));
    }

    #[test]
    fn a_list_s_own_output_says_whom_to_keep() {
        let text =
            "\u{feff}invitation_id,account,name,profile_url\n7,default,\"L, Ada\",https://www.linkedin.com/in/ada\n";
        let keep = Keep::parse(text).unwrap();
        assert!(keep.holds(&id("7"), "") && keep.holds(&id("1"), "linkedin.com/in/ada"));
        // Names are not taken for addresses.
        assert_eq!((keep.ids.len(), keep.profiles.len()), (1, 1));
    }

    #[test]
    fn a_line_that_names_nobody_is_an_error() {
        let cases = [
            ("7\nAda Lovelace\n", 2, "neither an invitation ID"),
            ("7\nhttps://example.com/in/ada\n", 2, "neither"),
            ("7\nhttps://www.linkedin.com/\n", 2, "neither"),
            ("7.32918E+18\n", 1, "scientific notation"),
            ("7329176687475100000\n", 1, "rounded"),
            ("invitation_id,name\n,Ada\n", 2, "nobody is named"),
        ];
        for (text, line, words) in cases {
            let (at, why) = Keep::parse(text).unwrap_err();
            assert!(at == line && why.contains(words), "{text:?}: line {at}, {why}");
        }
        assert!(Keep::parse("").unwrap().is_empty());
    }
}
