//! What is asked for when sent invitations are listed.

use std::fmt;
use std::future::Future;
use std::str::FromStr;

use super::{Ending, Withdraw};
use crate::invitation::{AccountName, Country};

/// The kinds of invitation that the API lists (V1, Sent invitations).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum InvitationType {
    /// To connect; what the API lists where nothing is said.
    #[default]
    Connection,
    /// To follow a page.
    Organization,
    /// To subscribe to a newsletter.
    ContentSeries,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write connection, organization or content_series")]
pub(crate) struct InvitationTypeError;

impl InvitationType {
    /// As the API writes it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "CONNECTION",
            Self::Organization => "ORGANIZATION",
            Self::ContentSeries => "CONTENT_SERIES",
        }
    }
}

impl FromStr for InvitationType {
    type Err = InvitationTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_uppercase().replace('-', "_").as_str() {
            "CONNECTION" => Ok(Self::Connection),
            "ORGANIZATION" => Ok(Self::Organization),
            "CONTENT_SERIES" => Ok(Self::ContentSeries),
            _ => Err(InvitationTypeError),
        }
    }
}

impl fmt::Display for InvitationType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One page of an account's pending invitations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageRequest {
    pub account: AccountName,
    /// Where the API's proxy stands; V2 has none.
    pub country: Country,
    pub invitation_type: InvitationType,
    /// The page, from 1: what V1 counts by.
    pub number: u32,
    /// The invitations before it: what V2 counts by.
    pub offset: u64,
}

impl PageRequest {
    /// Invitations on a page (V1, Sent invitations: 10 to a page, 1 credit a page).
    pub(crate) const SIZE: u32 = 10;
}

/// An API that lists pending invitations.
pub(crate) trait List: Withdraw {
    /// Asks for one page and says how that ended. One page a call, since a page costs a credit.
    fn page(&self, request: &PageRequest) -> impl Future<Output = Ending> + Send;
}
