//! What a row is: an invitation's ID, parsed once and valid from then on, and the values that come with it.
//!
//! Owns the rules for what is an ID. Must not read files or send anything; whether an ID that looks rounded is accepted is
//! up to [`crate::input`], as it depends on where the text comes from.

use std::fmt;
use std::sync::Arc;

/// The ID of one sent invitation: 1 to 20 digits, kept as text.
///
/// As text, because the API returns IDs as JSON numbers above 2^53 (`docs/linkup-api.md`, IDs): as a float,
/// `7329176687475109889` would become another person's invitation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct InvitationId(Box<str>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IdError {
    #[error("no invitation ID in this row")]
    Missing,
    #[error(
        "a spreadsheet has ruined this ID (scientific notation): format the column as text before the IDs are \
         pasted in, then export it again"
    )]
    Scientific,
    #[error("{by} has probably rounded this ID{originals}: {advice}, or pass --accept-rounded-ids if it is genuine",
        advice = by.advice())]
    Rounded { by: Rounding, originals: String },
    #[error(
        "not an invitation ID (1 to 20 digits, or urn:li:invitation:<digits>); profile URLs belong in a column \
         named profile_url"
    )]
    NotAnId,
}

/// What rounds an ID that it takes for a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// To 15 digits.
    Spreadsheet,
    /// To a 64-bit float, which is then printed with as few digits as tell it from others.
    Float,
}

impl Rounding {
    const fn advice(self) -> &'static str {
        match self {
            Self::Spreadsheet => "export it again with the column formatted as text",
            Self::Float => "export it again as text or as entity_urn, never through a number",
        }
    }
}

impl fmt::Display for Rounding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spreadsheet => "a spreadsheet",
            Self::Float => "JavaScript, or another program with 64-bit floats,",
        })
    }
}

/// IDs have 19 digits, those of old invitations 10 (`docs/linkup-api.md`, IDs).
pub(crate) const USUAL_DIGITS: usize = 15;
/// Of a 64-bit number.
const MAX_DIGITS: usize = 20;
/// A spreadsheet keeps this many significant digits of a number and replaces the rest by zeros.
const SPREADSHEET_DIGITS: usize = 15;
/// Genuine IDs are mostly multiples of this, some one more (`docs/linkup-api.md`, IDs).
const ID_STEP: u128 = 4096;
/// Up to here, a 64-bit float holds every integer.
const MAX_EXACT: u128 = 1 << f64::MANTISSA_DIGITS;
/// The URNs whose last part is an invitation's ID, of V2 and V1 (`docs/linkup-api.md`, IDs).
const URN_PREFIXES: [&str; 2] = ["urn:li:invitation:", "urn:li:fsd_invitation:"];

impl InvitationId {
    /// Parses a cell or a JSON value's text: white space and one leading apostrophe (a spreadsheet's mark for text) are
    /// trimmed, the last part of an invitation's URN is taken, and 1 to 20 digits must remain. Leading zeros are dropped:
    /// no second spelling may pass for another invitation.
    pub(crate) fn parse(text: &str) -> Result<Self, IdError> {
        let text = text.trim();
        let text = text.strip_prefix('\'').unwrap_or(text).trim();
        if text.is_empty() {
            return Err(IdError::Missing);
        }
        let digits = strip_urn(text).unwrap_or(text);
        if digits.len() <= MAX_DIGITS && is_digits(digits) {
            let significant = digits.trim_start_matches('0');
            Ok(Self(if significant.is_empty() { "0" } else { significant }.into()))
        } else if is_scientific(text) {
            Err(IdError::Scientific)
        } else {
            Err(IdError::NotAnId)
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// As a URN: no spreadsheet takes that for a number.
    pub(crate) fn urn(&self) -> String {
        format!("{}{self}", URN_PREFIXES[0])
    }

    /// Whether it has fewer digits than the IDs of the last years.
    pub(crate) fn is_short(&self) -> bool {
        self.0.len() < USUAL_DIGITS
    }

    /// The ID itself, unless a program has most likely rounded it.
    pub(crate) fn unrounded(self) -> Result<Self, IdError> {
        match self.rounded() {
            Some((by, originals)) => Err(IdError::Rounded { by, originals: in_words(&originals) }),
            None => Ok(self),
        }
    }

    /// What has rounded it, and the multiples of 4,096 that it may have been.
    fn rounded(&self) -> Option<(Rounding, Vec<u128>)> {
        let number: u128 = self.0.parse().ok()?;
        let multiples = |from: u128, to: u128| (from.div_ceil(ID_STEP)..=to / ID_STEP).map(|at| at * ID_STEP).collect();
        let places = self.0.len().saturating_sub(SPREADSHEET_DIGITS);
        let unit = 10_u128.pow(u32::try_from(places).ok()?);
        if places > 0 && number.is_multiple_of(unit) && !number.is_multiple_of(ID_STEP) {
            // Some round, others cut.
            return Some((Rounding::Spreadsheet, multiples(number - unit / 2, number + unit - 1)));
        }
        let float: f64 = self.0.parse().ok()?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an integer of at most 20 digits")]
        let exact = float as u128;
        let is_print = number > MAX_EXACT && number != exact && float.to_string() == *self.0;
        is_print.then(|| (Rounding::Float, multiples(exact, exact)))
    }
}

/// More would not help anybody.
const MOST_ORIGINALS: usize = 4;

fn in_words(originals: &[u128]) -> String {
    let several: Vec<_> = originals.iter().map(ToString::to_string).collect();
    match originals {
        [] => String::new(),
        [only] => format!(" (it may have been {only} or {})", only + 1),
        _ if several.len() > MOST_ORIGINALS => String::new(),
        _ => format!(" (it may have been {}, or one more than one of these)", several.join(", ")),
    }
}

impl fmt::Display for InvitationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn strip_urn(text: &str) -> Option<&str> {
    URN_PREFIXES.iter().find_map(|prefix| {
        let head = text.get(..prefix.len())?;
        head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
    })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `7.32918E+18`, or `7,32918E+18` where the decimal mark is a comma.
fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return false;
    };
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let mantissa_is_number = match mantissa.split_once(['.', ',']) {
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => is_digits(mantissa),
    };
    mantissa_is_number && is_digits(exponent)
}

/// The name under which a LinkedIn account is configured; the one from the environment is `default`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct AccountName(Arc<str>);

impl AccountName {
    /// The account whose credentials come from the environment.
    pub(crate) const DEFAULT: &'static str = "default";

    /// `None` for nothing but white space.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let name = text.trim();
        (!name.is_empty()).then(|| Self(name.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for AccountName {
    fn default() -> Self {
        Self(Self::DEFAULT.into())
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The country whose proxy the API uses for a call, in upper case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Country(Arc<str>);

impl Country {
    /// The API's own default (`docs/linkup-api.md`, V1).
    pub(crate) const DEFAULT: &'static str = "FR";
    /// The countries that the API documents (`docs/linkup-api.md`, V1).
    pub(crate) const DOCUMENTED: [&'static str; 11] =
        ["US", "UK", "FR", "DE", "NL", "IT", "IL", "CA", "BR", "ES", "IN"];

    /// `None` for nothing but white space.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let code = text.trim();
        (!code.is_empty()).then(|| Self(code.to_ascii_uppercase().into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// One that is not is sent all the same, with a warning: the documentation may be outdated.
    pub(crate) fn is_documented(&self) -> bool {
        Self::DOCUMENTED.contains(&self.as_str())
    }
}

impl Default for Country {
    fn default() -> Self {
        Self(Self::DEFAULT.into())
    }
}

/// The columns of a row that are copied to the report unchanged.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Carried {
    /// Cells in the order of [`crate::input::Input::columns`]; a short record has fewer.
    Cells(csv::StringRecord),
    /// A JSON object's members, in its order.
    Fields(Box<serde_json::Map<String, serde_json::Value>>),
}

impl Default for Carried {
    fn default() -> Self {
        Self::Cells(csv::StringRecord::new())
    }
}

/// A row that can be sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// Record number in the input, from 1, the header not counted.
    pub number: u64,
    /// The line on which it begins, from 1; `None` where it comes from no file.
    pub line: Option<u64>,
    /// `None` where the profile names the person instead.
    pub id: Option<InvitationId>,
    pub account: Option<AccountName>,
    pub country: Option<Country>,
    /// The address of the invited person's profile; `None` where there is none, or where the row has different ones.
    pub profile_url: Option<Box<str>>,
    /// Whether only a number of few digits names it, which may be a row's number.
    pub is_short: bool,
    pub carried: Carried,
}

/// A row that can't be sent. It ends as `invalid` and never ends the input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RowError {
    /// Record number in the input, from 1, the header not counted.
    pub number: u64,
    /// The line on which it begins, from 1.
    pub line: Option<u64>,
    /// The texts in place of ID and URN, cut to a readable length; empty if none of the row can be quoted safely.
    pub id_text: String,
    pub urn_text: String,
    pub account: Option<AccountName>,
    /// What is wrong and what to do about it, for the report's `detail`.
    pub reason: String,
    /// As far as the other columns could be read.
    pub carried: Carried,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_as_an_id() {
        let id = |digits: &str| Ok(InvitationId(digits.into()));
        let cases = [
            ("7329176687475109888", id("7329176687475109888")),
            ("  7329176687475109888\t", id("7329176687475109888")),
            ("'7329176687475109888", id("7329176687475109888")),
            (" ' 2906418534 ", id("2906418534")),
            ("7", id("7")),
            ("007", id("7")),
            ("urn:li:invitation:007329176687475109", id("7329176687475109")),
            ("000", id("0")),
            ("000000000000000000007", Err(IdError::NotAnId)),
            ("99999999999999999999", id("99999999999999999999")),
            ("999999999999999999999", Err(IdError::NotAnId)),
            ("urn:li:invitation:2906418534", id("2906418534")),
            ("urn:li:fsd_invitation:7329176687475109888", id("7329176687475109888")),
            ("URN:LI:FSD_INVITATION:7", id("7")),
            ("urn:li:member:7", Err(IdError::NotAnId)),
            ("urn:li:invitation:", Err(IdError::NotAnId)),
            ("urn:li:invitation:7x", Err(IdError::NotAnId)),
            ("7.32918E+18", Err(IdError::Scientific)),
            ("7,32918E+18", Err(IdError::Scientific)),
            ("7E18", Err(IdError::Scientific)),
            ("7.32918e18", Err(IdError::Scientific)),
            ("", Err(IdError::Missing)),
            (" ' ", Err(IdError::Missing)),
            ("''7", Err(IdError::NotAnId)),
            ("-7", Err(IdError::NotAnId)),
            ("7.0", Err(IdError::NotAnId)),
            ("7 8", Err(IdError::NotAnId)),
            ("٧", Err(IdError::NotAnId)),
            ("E5", Err(IdError::NotAnId)),
        ];
        for (text, expected) in cases {
            assert_eq!(InvitationId::parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_a_program_rounded() {
        use Rounding::{Float, Spreadsheet};
        let cases = [
            ("7329176687475100000", Some(Spreadsheet)),
            ("732917668747510", None),
            ("7329176687475100", Some(Spreadsheet)),
            ("7329176687475109888", None),
            // Zeros after the 15th digit, yet a multiple of 4,096: a genuine ID can look like this.
            ("4096000000000000000", None),
            ("7530804918781739000", Some(Float)),
            ("7530804918781739008", None),
            ("7530804918781739009", None),
            // No float is printed like this.
            ("7530804918781739001", None),
            // Of no known kind, but rounded all the same.
            ("7530804918781738000", Some(Float)),
            // 2^53 is exact, and what is behind it not for every integer.
            ("9007199254740992", None),
            ("9007199254740993", None),
            ("99999999999999999999", None),
        ];
        for (text, rounded) in cases {
            let found = InvitationId::parse(text).unwrap().rounded().map(|(by, _)| by);
            assert_eq!(found, rounded, "{text}");
        }
    }

    #[test]
    fn a_rounded_id_says_what_it_may_have_been() {
        let cases = [
            (
                "7530804918781739000",
                "JavaScript & (it may have been 7530804918781739008 or 7530804918781739009) & text",
            ),
            (
                "7329176687475110000",
                "a spreadsheet & (it may have been 7329176687475105792, 7329176687475109888, 7329176687475113984, \
                 7329176687475118080, or one more than one of these) & formatted as text",
            ),
        ];
        for (text, words) in cases {
            let error = InvitationId::parse(text).unwrap().unrounded().unwrap_err().to_string();
            assert!(words.split(" & ").all(|words| error.contains(words)), "{text}: {error}");
        }
    }

    #[test]
    fn documented_countries_are_told_from_others() {
        assert!(Country::parse(" us ").unwrap().is_documented());
        assert!(!Country::parse("JP").unwrap().is_documented());
        assert_eq!(Country::parse("  "), None);
    }
}
