//! What one clause of a message says about the invitation.
//!
//! A clause is a statement only if every word of it is known here: "the invitation was declined" is one, "the invitation id
//! is withdrawn from the documentation" is not, nor is any hedge with an unknown word.

/// What a clause says about the invitation, from the weakest to the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum InvitationState {
    /// It is no longer pending.
    Unpending,
    /// It is withdrawn, by this call or before.
    Withdrawn,
    /// It was accepted, declined or withdrawn before this call.
    Before,
    /// It was withdrawn by this call: "withdrawn successfully".
    WithdrawnNow,
}

/// What a clause states, and whether it names the invitation: "it was declined" may be about something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) state: InvitationState,
    pub(super) named: bool,
}

/// What a clause says was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Invitation,
    SomethingElse,
}

/// The clauses of a message, each as its key words. "Cannot withdraw: it was already accepted" has two clauses, the second
/// of which is a statement.
pub(super) fn clauses(text: &str) -> Vec<Vec<&str>> {
    const ENDS: [char; 14] = ['.', ';', ':', ',', '!', '?', '(', ')', '[', ']', '{', '}', '–', '—'];
    let mut clauses = Vec::new();
    for part in text.split(ENDS) {
        let words = key_words(part);
        let mut begin = 0;
        for (at, word) in words.iter().enumerate() {
            if matches!(*word, "because" | "since" | "as" | "but" | "and") {
                clauses.push(words[begin..at].to_vec());
                begin = at + 1;
            } else if matches!(*word, "that" | "which") && at > begin && words[at - 1] == INVITATION {
                // "An invitation that was declined": the rest is a clause about the invitation.
                clauses.push(words[begin..at].to_vec());
                begin = at;
            }
        }
        clauses.push(words[begin..].to_vec());
    }
    clauses.retain(|clause| !clause.is_empty());
    clauses
}

const INVITATION: &str = "invitation";

pub(super) fn words(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(|word| word.trim_matches('\''))
        .filter(|w| !w.is_empty())
}

/// The words that matter: without articles, numbers and dates (but with the 0 of "0 invitations"), and "pending connection
/// invitation" becomes "invitation".
fn key_words(part: &str) -> Vec<&str> {
    let mut kept = Vec::new();
    let mut before_a_number = false;
    for word in words(part).rev() {
        let number = word != "0" && word.bytes().all(|byte| byte.is_ascii_digit());
        let of_the_number = before_a_number && matches!(word, "id" | "number" | "with" | "on" | "at");
        let is_filler = matches!(
            word,
            "the" | "a" | "an" | "this" | "your" | "its" | "now" | "currently" | "anymore" | "either" | "sorry"
        );
        before_a_number = number || of_the_number || (before_a_number && is_filler);
        let describes = matches!(word, "pending" | "sent" | "connection" | "linkedin" | "requested" | "specified")
            && matches!(kept.last(), Some(&(INVITATION | "invitations")));
        if !(number || of_the_number || is_filler || describes) {
            kept.push(if word == "invite" { INVITATION } else { word });
        }
    }
    kept.reverse();
    kept
}

/// What a clause states about the invitation; `is_only` if the message has no other clause.
pub(super) fn statement(clause: &[&str], is_only: bool) -> Option<Statement> {
    let before = clause.iter().any(|word| matches!(*word, "already" | "previously"));
    let now = clause.contains(&"successfully");
    let words: Vec<&str> =
        clause.iter().copied().filter(|word| !matches!(*word, "already" | "previously" | "successfully")).collect();
    let (mut statement, marked) = passive(&words).or_else(|| active(&words))?;
    statement.state = match statement.state {
        InvitationState::Withdrawn if before => InvitationState::Before,
        InvitationState::Withdrawn if now => InvitationState::WithdrawnNow,
        InvitationState::Withdrawn
        | InvitationState::Unpending
        | InvitationState::Before
        | InvitationState::WithdrawnNow => statement.state,
    };
    // "Invitation accepted" before other clauses may be a label: "Invitation accepted: no".
    (marked || before || now || (is_only && statement.named)).then_some(statement)
}

/// "The invitation has been declined by the recipient", "it is no longer in pending state"; and whether a verb or an
/// agent makes it a sentence.
fn passive(words: &[&str]) -> Option<(Statement, bool)> {
    let (named, words) = match words {
        [INVITATION, "status" | "state", rest @ ..] | [INVITATION, rest @ ..] => (true, rest),
        ["it" | "that" | "which", rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let verbs = words.iter().take_while(|word| is_form_of_be(word)).count();
    let words = &words[verbs..];
    if let ["not", rest @ ..] | ["no", "longer", rest @ ..] = words {
        let rest = rest.strip_prefix(&["in"]).unwrap_or(rest);
        let unpending = matches!(rest, ["pending"] | ["pending", "state" | "status"]);
        return unpending.then_some((Statement { state: InvitationState::Unpending, named }, true));
    }
    let states = words.iter().take_while(|word| is_state(word) || **word == "or").count();
    let (states, doer) = words.split_at(states);
    let by_somebody = match doer {
        [] => false,
        ["by", somebody] if is_person(somebody) || *somebody == "you" => true,
        _ => return None,
    };
    let whole = states.first().is_some_and(|word| is_state(word)) && states.last().is_some_and(|word| is_state(word));
    let withdrawn = states.iter().all(|word| *word == "withdrawn");
    let state = if withdrawn { InvitationState::Withdrawn } else { InvitationState::Before };
    whole.then_some((Statement { state, named }, verbs > 0 || by_somebody))
}

/// "The recipient has accepted the invitation", "you withdrew this invitation".
fn active(words: &[&str]) -> Option<(Statement, bool)> {
    let (who, rest) = words.split_first()?;
    let rest = match rest {
        ["has" | "have" | "had", rest @ ..] | rest => rest,
    };
    let (did, object) = rest.split_first()?;
    let state = match (*who, *did) {
        ("you", "withdrew" | "withdrawn") => InvitationState::Withdrawn,
        (who, "accepted" | "declined") if is_person(who) => InvitationState::Before,
        _ => return None,
    };
    let named = match object {
        [INVITATION] => true,
        ["it"] => false,
        // "The user accepted" may be about another user, or about terms.
        [] if matches!(*who, "recipient" | "invitee") => false,
        _ => return None,
    };
    Some((Statement { state, named }, true))
}

/// What a clause says was not found: "invitation could not be found", "no such account", "nothing to withdraw".
pub(super) fn missing(clause: &[&str]) -> Option<Missing> {
    let nothing = clause.iter().position(|word| matches!(*word, "no" | "nothing"));
    let denied = nothing.is_some() || clause.iter().any(|word| matches!(*word, "not" | "unable" | "failed" | "never"));
    let sought = |word: &&str| matches!(*word, "found" | "exist" | "exists" | "find" | "locate" | "located");
    if let Some(at) = clause.iter().position(sought).filter(|_| denied) {
        let active = matches!(clause[at], "find" | "locate");
        return Some(thing(if active { &clause[at + 1..] } else { &clause[..at] }));
    }
    match &clause[nothing?..] {
        ["no", "such", rest @ ..] => Some(thing(rest)),
        ["no", INVITATION | "invitations"] | ["nothing"] => Some(Missing::Invitation),
        ["no", INVITATION | "invitations", then, ..] | ["nothing", then, ..]
            if matches!(*then, "to" | "with" | "for" | "matching" | "matches") =>
        {
            Some(Missing::Invitation)
        }
        _ => None,
    }
}

/// What these words mention first. If nothing, it is what was asked for: "not found".
fn thing(words: &[&str]) -> Missing {
    let named = words.iter().find(|word| **word == INVITATION || !is_common(word));
    match named.copied() {
        None | Some(INVITATION | "invitations") => Missing::Invitation,
        Some(_) => Missing::SomethingElse,
    }
}

/// Words of a message about a withdrawal that mention nothing else which could have been accepted, declined or withdrawn.
pub(super) fn is_common(word: &str) -> bool {
    is_form_of_be(word)
        || is_state(word)
        || matches!(
            word,
            INVITATION
                | "it"
                | "that"
                | "which"
                | "such"
                | "you"
                | "we"
                | "there"
                | "be"
                | "do"
                | "does"
                | "did"
                | "can"
                | "could"
                | "to"
                | "or"
                | "not"
                | "no"
                | "nothing"
                | "longer"
                | "already"
                | "unable"
                | "failed"
                | "error"
                | "withdraw"
                | "withdrawing"
                | "find"
                | "found"
                | "exist"
                | "exists"
        )
}

fn is_form_of_be(word: &str) -> bool {
    matches!(word, "is" | "was" | "has" | "have" | "had" | "been")
}

fn is_state(word: &str) -> bool {
    matches!(word, "accepted" | "declined" | "withdrawn")
}

fn is_person(word: &str) -> bool {
    matches!(word, "recipient" | "invitee" | "user" | "member" | "person" | "contact" | "they")
}
