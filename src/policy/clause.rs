//! What one clause of a message says of the invitation.
//!
//! A clause states something only where every word of it is known here: "the invitation was declined", and neither
//! "the invitation id is withdrawn from the documentation" nor any hedge that nobody has thought of yet.

/// What a clause says of the invitation, the weightier later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// It is no longer pending.
    Unpending,
    /// It is withdrawn, by this call or before.
    Withdrawn,
    /// It was accepted, declined or withdrawn before this call.
    Before,
    /// It was withdrawn by this call: "withdrawn successfully".
    WithdrawnNow,
}

/// What a clause states, and whether it names the invitation itself: "it was declined" may speak of something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) state: State,
    pub(super) named: bool,
}

/// What a clause says is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Invitation,
    SomethingElse,
}

/// The clauses of a message, each as its telling words. "Cannot withdraw: it was already accepted" says two things, of
/// which the second is plain.
pub(super) fn clauses(text: &str) -> Vec<Vec<&str>> {
    const ENDS: [char; 14] = ['.', ';', ':', ',', '!', '?', '(', ')', '[', ']', '{', '}', '–', '—'];
    let mut clauses = Vec::new();
    for part in text.split(ENDS) {
        let words = telling(part);
        let mut begin = 0;
        for (at, word) in words.iter().enumerate() {
            if matches!(*word, "because" | "since" | "as" | "but" | "and") {
                clauses.push(words[begin..at].to_vec());
                begin = at + 1;
            } else if matches!(*word, "that" | "which") && at > begin && words[at - 1] == INVITATION {
                // "An invitation that was declined": what follows is said of it, by whatever it is told of it.
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

/// The words that carry the meaning: no articles, no numbers and dates but the 0 of "0 invitations", and the pending
/// connection invitation is an invitation.
fn telling(part: &str) -> Vec<&str> {
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

/// What a clause states outright of the invitation; `alone` where the message holds no other.
pub(super) fn statement(clause: &[&str], alone: bool) -> Option<Statement> {
    let before = clause.iter().any(|word| matches!(*word, "already" | "previously"));
    let now = clause.contains(&"successfully");
    let words: Vec<&str> =
        clause.iter().copied().filter(|word| !matches!(*word, "already" | "previously" | "successfully")).collect();
    let (mut statement, marked) = passive(&words).or_else(|| active(&words))?;
    statement.state = match statement.state {
        State::Withdrawn if before => State::Before,
        State::Withdrawn if now => State::WithdrawnNow,
        State::Withdrawn | State::Unpending | State::Before | State::WithdrawnNow => statement.state,
    };
    // "Invitation accepted" beside other clauses may be a label: "Invitation accepted: no".
    (marked || before || now || (alone && statement.named)).then_some(statement)
}

/// "The invitation has been declined by the recipient", "it is no longer in pending state"; and whether a verb or a
/// doer makes a sentence of it.
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
        return unpending.then_some((Statement { state: State::Unpending, named }, true));
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
    let state = if withdrawn { State::Withdrawn } else { State::Before };
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
        ("you", "withdrew" | "withdrawn") => State::Withdrawn,
        (who, "accepted" | "declined") if is_person(who) => State::Before,
        _ => return None,
    };
    let named = match object {
        [INVITATION] => true,
        ["it"] => false,
        // "The user accepted" may be any user, and any terms.
        [] if matches!(*who, "recipient" | "invitee") => false,
        _ => return None,
    };
    Some((Statement { state, named }, true))
}

/// What a clause says is not there: "invitation could not be found", "no such account", "nothing to withdraw".
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

/// What these words name first. Where they name nothing it is what was asked for: "not found".
fn thing(words: &[&str]) -> Missing {
    let named = words.iter().find(|word| **word == INVITATION || !is_common(word));
    match named.copied() {
        None | Some(INVITATION | "invitations") => Missing::Invitation,
        Some(_) => Missing::SomethingElse,
    }
}

/// Words that a message about a withdrawal is made of, and that name nothing else which could have been accepted,
/// declined or withdrawn.
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
