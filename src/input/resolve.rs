//! Which invitation a row means, from its ID and its `entity_urn`.
//!
//! Owns the precedence between the two. Must not know where they stood.

use crate::invitation::{IdError, InvitationId};

/// Most characters of an unusable ID that the report shows.
pub(super) const ID_TEXT_CHARS: usize = 100;

/// Why a row names no invitation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoInvitation {
    #[error(transparent)]
    Id(#[from] IdError),
    #[error("the ID and the entity_urn name different invitations: correct the wrong one")]
    Conflict,
}

/// Takes the ID, or the URN where the ID is missing or ruined. `refuse_rounded` where a spreadsheet may have written it.
pub(super) fn resolve(
    id: Option<&str>,
    entity_urn: Option<&str>,
    refuse_rounded: bool,
) -> Result<InvitationId, NoInvitation> {
    let parse = |text: &str| match InvitationId::parse(text) {
        Ok(id) if refuse_rounded && id.looks_rounded() => Err(IdError::Rounded),
        parsed => parsed,
    };
    // A bare number in `entity_urn` is no URN, whatever it counts.
    let urn = entity_urn.filter(|text| text.contains(':')).and_then(|text| parse(text).ok());
    match (id.map_or(Err(IdError::Missing), parse), urn) {
        (Ok(id), Some(urn)) if id != urn => Err(NoInvitation::Conflict),
        (Ok(id), _) | (Err(_), Some(id)) => Ok(id),
        (Err(error), None) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_urn_stands_in_for_a_ruined_id_and_must_not_contradict_a_good_one() {
        const ID: &str = "7329176687475109888";
        const URN: &str = "urn:li:fsd_invitation:7329176687475109888";
        const OTHER: &str = "urn:li:fsd_invitation:7329176687475113984";
        const ROUNDED: &str = "7329176687475100000";
        const ROUNDED_URN: &str = "urn:li:invitation:7329176687475100000";
        let id = |text| Ok(InvitationId::parse(text).unwrap());
        let no = |error| Err(NoInvitation::Id(error));
        let cases = [
            (Some(ID), None, true, id(ID)),
            (Some(ID), Some(URN), true, id(ID)),
            (Some(ID), Some(OTHER), true, Err(NoInvitation::Conflict)),
            (Some(ID), Some("urn:li:member:7"), true, id(ID)),
            (Some(ID), Some("8"), true, id(ID)),
            (Some("7.3e18"), Some(URN), true, id(ID)),
            (Some("n/a"), Some(URN), true, id(ID)),
            (Some(""), Some(URN), true, id(ID)),
            (None, Some(URN), true, id(ID)),
            (None, Some(ID), true, no(IdError::Missing)),
            (None, None, true, no(IdError::Missing)),
            (Some(ROUNDED), None, true, no(IdError::Rounded)),
            (Some(ROUNDED), None, false, id(ROUNDED)),
            (Some(ROUNDED), Some(URN), true, id(ID)),
            (Some(ROUNDED), Some(URN), false, Err(NoInvitation::Conflict)),
            (Some(ROUNDED), Some(ROUNDED_URN), true, no(IdError::Rounded)),
            (Some(ID), Some(ROUNDED_URN), true, id(ID)),
        ];
        for (cell, urn, refuse_rounded, expected) in cases {
            assert_eq!(resolve(cell, urn, refuse_rounded), expected, "{cell:?} {urn:?} {refuse_rounded}");
        }
    }
}
