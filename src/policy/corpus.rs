//! Answers with the outcome that each must have, and the calls that it may cost.

use std::time::Duration;

use super::{Backoff, Decision, PriorCalls, SuccessMessages, decide, given_up, judge};
use crate::api::ApiVersion::{self, V1, V2};
use crate::api::{CallResult, HttpAnswer};
use crate::outcome::Outcome::{self, Failed, NotFound, NotPending, RateLimited, Rejected, Unconfirmed, Withdrawn};

/// How a row's text becomes an answer.
#[derive(Clone, Copy, Debug)]
enum As {
    /// The message of a success, with HTTP 200, on both versions.
    Success,
    /// The message of an error, with HTTP 200, on both versions.
    Error,
    /// The whole body.
    Body(ApiVersion, u16),
}
use As::{Body, Error, Success};

/// The invitation that each call asks for.
const ID: &str = "7329176687475109888";
const RETRIES: u32 = 5;
/// Calls where each answer is lost, or a server's error.
const RETRIED: u32 = RETRIES + 1;
/// Calls where each is a rate limit: the last one is past the patience.
const HELD: u32 = 3;
const CONFIGURED: &str = "Invitation annulée";

const CORPUS: &[(As, &str, Outcome, u32)] = &[
    // A success that is said.
    (Success, "", Withdrawn, 1),
    (Success, "Connection invitation withdrawn successfully", Withdrawn, 1),
    (Success, "Connection invitation withdrawn successfully.", Withdrawn, 1),
    (Success, "Connection invitation withdrawn successfully. This action cannot be undone", Withdrawn, 1),
    (Success, "Connection invitation withdrawn successfully! You can't invite this person for 3 weeks.", Withdrawn, 1),
    (Success, "Invitation withdrawn successfully. If you wish, invite somebody else", Withdrawn, 1),
    (Success, "CONNECTION INVITATION WITHDRAWN SUCCESSFULLY", Withdrawn, 1),
    (Success, "Invitation withdrawn", Withdrawn, 1),
    (Success, "invitation_withdrawn", Withdrawn, 1),
    (Success, "Invitation withdrawn. Not an error.", Withdrawn, 1),
    (Success, "The invitation has been withdrawn", Withdrawn, 1),
    (Success, "The invitation was successfully withdrawn.", Withdrawn, 1),
    (Success, "The pending invitation has been withdrawn", Withdrawn, 1),
    (Success, "Pending connection request withdrawn successfully", Withdrawn, 1),
    (Success, "Successfully withdrew the invitation", Withdrawn, 1),
    (Success, "Withdrawn successfully", Withdrawn, 1),
    (Success, "Invitation 7329176687475109888 withdrawn successfully", Withdrawn, 1),
    (Success, "Invitation with ID 7329176687475109888 has been withdrawn", Withdrawn, 1),
    (Success, "Invitation urn:li:invitation:7329176687475109888 withdrawn", Withdrawn, 1),
    (Success, "1 invitation withdrawn successfully", Withdrawn, 1),
    (Success, "You withdrew this invitation", Withdrawn, 1),
    (Success, "The invitation has been withdrawn and is no longer pending", Withdrawn, 1),
    (Success, "INVITATION ANNULÉE ", Withdrawn, 1),
    // A success that says something else.
    (Success, "Withdrawal queued", Unconfirmed, 1),
    (Success, "Withdrawal submitted", Unconfirmed, 1),
    (Success, "Request accepted", Unconfirmed, 1),
    (Success, "Done", Unconfirmed, 1),
    (Success, "ok", Unconfirmed, 1),
    (Success, "Limit reached", Unconfirmed, 1),
    (Success, "Daily limit reached", Unconfirmed, 1),
    (Success, "Rate limit exceeded", Unconfirmed, 1),
    (Success, "Insufficient credits available", Unconfirmed, 1),
    (Success, "Invalid or expired LinkedIn cookie", Unconfirmed, 1),
    (Success, "No action taken", Unconfirmed, 1),
    (Success, "Nothing to withdraw", Unconfirmed, 1),
    (Success, "No pending invitation found", Unconfirmed, 1),
    (Success, "Invitation not found", Unconfirmed, 1),
    (Success, "The invitation could not be withdrawn", Unconfirmed, 1),
    (Success, "Failed to withdraw invitation", Unconfirmed, 1),
    (Success, "Failed to withdraw: invitation withdrawn", Unconfirmed, 1),
    (Success, "Invitation withdrawn: false", Unconfirmed, 1),
    (Success, "Invitation withdrawn = no", Unconfirmed, 1),
    (Success, "Invitation withdrawn?", Unconfirmed, 1),
    (Success, "Invitation withdrawn, but LinkedIn did not confirm", Unconfirmed, 1),
    (Success, "Invitation withdrawn...", Unconfirmed, 1),
    (Success, "Invitation not withdrawn", Unconfirmed, 1),
    (Success, "0 invitations withdrawn successfully", Unconfirmed, 1),
    (Success, "No invitation was withdrawn", Unconfirmed, 1),
    (Success, "The invitation may have been withdrawn", Unconfirmed, 1),
    (Success, "The invitation will be withdrawn", Unconfirmed, 1),
    (Success, "The invitation is being withdrawn", Unconfirmed, 1),
    (Success, "The withdrawal is still pending", Unconfirmed, 1),
    (Success, "Invitation 7329176687475109889 withdrawn", Unconfirmed, 1),
    (Success, "Invitation urn:li:invitation:1 withdrawn", Unconfirmed, 1),
    (Success, "L'invitation n'a pas été retirée", Unconfirmed, 1),
    (Success, "Invitation retirée avec succès", Unconfirmed, 1),
    (Success, "Einladung zurückgezogen", Unconfirmed, 1),
    (Success, "La invitación no fue retirada", Unconfirmed, 1),
    (Success, "招待を取り消しました", Unconfirmed, 1),
    (Success, "Pas Invitation annulée", Unconfirmed, 1),
    // Not pending, plainly.
    (Success, "Invitation already withdrawn", NotPending, 1),
    (Success, "The invitation was already accepted", NotPending, 1),
    (Success, "This invitation is no longer pending", NotPending, 1),
    (Error, "The invitation has already been accepted", NotPending, 1),
    (Error, "This invitation was declined", NotPending, 1),
    (Error, "Invitation was declined by the recipient", NotPending, 1),
    (Error, "Invitation already withdrawn", NotPending, 1),
    (Error, "INVITATION_ALREADY_WITHDRAWN", NotPending, 1),
    (Error, "Invitation withdrawn", NotPending, 1),
    (Error, "This invitation is no longer pending", NotPending, 1),
    (Error, "Invitation isn’t pending anymore.", NotPending, 1),
    (Error, "INVITATION_NOT_PENDING", NotPending, 1),
    (Error, "The invitation has already been accepted or declined", NotPending, 1),
    (Error, "The invitation has already been accepted, declined, or withdrawn", NotPending, 1),
    (Error, "Cannot withdraw: the invitation was already accepted", NotPending, 1),
    (Error, "Can't withdraw the invitation because it was declined", NotPending, 1),
    (Error, "Failed to withdraw. The invitation was already accepted.", NotPending, 1),
    (Error, "Error: failed to withdraw: this invitation is no longer pending", NotPending, 1),
    (Error, "Invitation 7329176687475109888 was already accepted", NotPending, 1),
    (Error, "This connection request was already accepted and cannot be withdrawn", NotPending, 1),
    (Error, "Invitation already accepted. This action cannot be undone.", NotPending, 1),
    // Hedged, negated, valued, or about something else.
    (Error, "Invitation not found or already accepted", Rejected, 1),
    (Error, "already accepted: false", Rejected, 1),
    (Error, "Invitation already accepted: false", Rejected, 1),
    (Error, "Invitation accepted: no", Rejected, 1),
    (Error, "Invitation was not already accepted", Rejected, 1),
    (Error, "The invitation was never accepted", Rejected, 1),
    (Error, "The invitation may have been accepted", Rejected, 1),
    (Error, "Perhaps the invitation was already accepted", Rejected, 1),
    (Error, "Was the invitation already withdrawn?", Rejected, 1),
    (Error, "Invitation already withdrawn?", Rejected, 1),
    (Error, "The invitation was accepted or is pending", Rejected, 1),
    (Error, "Unsure whether the invitation was already withdrawn", Rejected, 1),
    (Error, "Please check that the invitation is no longer pending", Rejected, 1),
    (Error, "The operation fails if the invitation was already accepted", Rejected, 1),
    (Error, "Once an invitation is withdrawn, it cannot be undone", Rejected, 1),
    (Error, "Invitation 1 was already accepted", Rejected, 1),
    (Error, "Invitation not:7329176687475109888 was already accepted", Rejected, 1),
    (Error, "Error: error: error: error: invitation already accepted", Rejected, 1),
    (Error, "No longer pending", Rejected, 1),
    (Error, "It was declined", Rejected, 1),
    (Error, "The user accepted", Rejected, 1),
    (Error, "Payment declined", Rejected, 1),
    (Error, "LinkedIn declined the request", Rejected, 1),
    (Error, "Invitation accepted for processing", Rejected, 1),
    (Error, "Cannot withdraw: invitation withdrawn", Rejected, 1),
    (Error, "L'invitation a déjà été acceptée", Rejected, 1),
    (Error, "Operation could not be completed (code 7041)", Rejected, 1),
    (Error, "Something went wrong", Rejected, 1),
    (Error, "", Rejected, 1),
    (Error, "Account not found", Rejected, 1),
    (Error, "Missing required parameter: invitation_id", Rejected, 1),
    (Error, "Country not accepted", Rejected, 1),
    // Not found.
    (Error, "Invitation not found", NotFound, 1),
    (Error, "Not found", NotFound, 1),
    (Error, "No pending invitation found", NotFound, 1),
    (Error, "The invitation doesn't exist", NotFound, 1),
    // Said to everyone.
    (Error, "Rate limit exceeded. Please try again later", RateLimited, HELD),
    (Error, "Too many requests", RateLimited, HELD),
    (Error, "RATE_LIMITED", RateLimited, HELD),
    (Error, "Rate limit exceeded: false", Rejected, 1),
    (Error, "Corporate limit exceeded", Rejected, 1),
    (Error, "Insufficient credits available", Rejected, 1),
    (Error, "Invalid or expired LinkedIn cookie", Rejected, 1),
    (Error, "Invalid API key", Rejected, 1),
    // An error that claims a success.
    (Error, "Connection invitation withdrawn successfully", Unconfirmed, 1),
    (Body(V1, 200), r#"{"status": "error", "data": {"withdrawn": true}}"#, Unconfirmed, 1),
    (Body(V2, 200), r#"{"success": false, "data": {"withdrawn": true}}"#, Unconfirmed, 1),
    // Nested contradictions.
    (Body(V1, 200), r#"{"status": "success", "data": {"error": "Limit reached"}}"#, Unconfirmed, 1),
    (Body(V1, 200), r#"{"status": "success", "data": {"result": [{"errors": ["x"]}]}}"#, Unconfirmed, 1),
    (Body(V1, 200), r#"{"status": "success", "errors": [{"message": "no"}]}"#, Unconfirmed, 1),
    (Body(V1, 200), r#"{"status": "success", "error": {"code": "RATE_LIMITED"}}"#, Unconfirmed, 1),
    (Body(V1, 200), r#"{"status": "success", "errors": [], "error": null, "data": {"error": ""}}"#, Withdrawn, 1),
    (Body(V1, 200), r#"{"status": "success", "data": {"invitation_id": 7329176687475109888}}"#, Withdrawn, 1),
    (Body(V1, 200), r#"{"status": "success", "data": {"invitation_id": 7329176687475109889}}"#, Unconfirmed, 1),
    (Body(V1, 200), r#"{"status": "success", "data": {"invitation": {"message": "Hi Ann"}}}"#, Withdrawn, 1),
    (Body(V1, 200), r#"{"status": "success", "data": {"person": {"entity_urn": "urn:li:member:1"}}}"#, Withdrawn, 1),
    (Body(V1, 200), r#"{"status": "success", "data": {"invitation": {"state": "PENDING"}}}"#, Unconfirmed, 1),
    (Body(V1, 200), r#"{"status": "success", "invitation_id": "1"}"#, Unconfirmed, 1),
    (Body(V1, 200), r#"{"status": "success", "data": {"entity_urn": "urn:li:fsd_invitation:1"}}"#, Unconfirmed, 1),
    (Body(V1, 200), r#"{"status": "success", "data": {"urn": "urn:li:invitation:1"}}"#, Unconfirmed, 1),
    (Body(V1, 200), r#"{"status": "success", "data": {"withdrawn": false}}"#, Unconfirmed, 1),
    (Body(V1, 200), r#"{"status": "success", "data": {"status": "pending"}}"#, Unconfirmed, 1),
    (Body(V1, 200), r#"{"status": "success", "success": false}"#, Unconfirmed, 1),
    (Body(V1, 200), r#"{"status": "success", "message": {"text": "Invitation withdrawn"}}"#, Unconfirmed, 1),
    (Body(V1, 200), r#"{"status": "success", "message": 7}"#, Unconfirmed, 1),
    (Body(V1, 200), r#"{"status": "success", "message": "Invitation annulée", "error": "x"}"#, Unconfirmed, 1),
    (Body(V1, 200), r#"{"status": "success", "message": "Invitation withdrawn", "data": "Failed"}"#, Unconfirmed, 1),
    (Body(V2, 200), r#"{"success": true, "data": {"error": {"code": "X"}}}"#, Unconfirmed, 1),
    (Body(V2, 200), r#"{"success": true, "errors": ["x"]}"#, Unconfirmed, 1),
    (Body(V2, 200), r#"{"success": true, "error": {"code": "CHANNEL_ERROR"}}"#, Unconfirmed, 1),
    (Body(V2, 200), r#"{"success": true, "data": {"withdrawn": true, "invitation_id": "8"}}"#, Unconfirmed, 1),
    (Body(V2, 200), r#"{"success": true, "data": {"entity_urn": "urn:li:invitation:8"}}"#, Unconfirmed, 1),
    (Body(V2, 200), r#"{"success": true, "data": {"withdrawn": false}}"#, Unconfirmed, 1),
    (Body(V2, 200), r#"{"success": true, "message": ["Invitation withdrawn"]}"#, Unconfirmed, 1),
    (Body(V2, 200), r#"{"success": true, "data": {"message": "Withdrawal queued"}}"#, Unconfirmed, 1),
    (
        Body(V2, 200),
        r#"{"success": true, "data": {"withdrawn": true, "invitation_id": "7329176687475109888"}, "metadata": {"action": "withdraw"}}"#,
        Withdrawn,
        1,
    ),
    (
        Body(V1, 200),
        r#"{"status": "error", "message": "Invitation already accepted", "data": {"invitation_id": 1}}"#,
        Rejected,
        1,
    ),
    (
        Body(V1, 200),
        r#"{"status": "error", "message": "Invitation already accepted", "error": "Timeout"}"#,
        Rejected,
        1,
    ),
    // Text in `data`.
    (Body(V1, 200), r#"{"status": "error", "data": "Rate limit exceeded"}"#, RateLimited, HELD),
    (Body(V1, 200), r#"{"status": "error", "data": "Invitation already accepted"}"#, NotPending, 1),
    (Body(V1, 200), r#"{"status": "success", "data": "Invitation withdrawn"}"#, Withdrawn, 1),
    (Body(V1, 200), r#"{"status": "success", "data": "Withdrawal queued"}"#, Unconfirmed, 1),
    // Statuses above all words.
    (Body(V1, 429), r#"{"status": "error", "message": "Invitation already accepted"}"#, RateLimited, HELD),
    (Body(V1, 500), r#"{"status": "error", "message": "Invitation already accepted"}"#, Failed, RETRIED),
    (Body(V1, 500), r#"{"status": "error", "message": "Rate limit exceeded"}"#, Failed, RETRIED),
    (Body(V1, 502), r#"{"status": "error", "message": "Invitation already accepted"}"#, Unconfirmed, RETRIED),
    (Body(V1, 503), r#"{"status": "success"}"#, Unconfirmed, RETRIED),
    (Body(V1, 400), r#"{"status": "success"}"#, Unconfirmed, 1),
    (Body(V1, 404), r#"{"status": "error", "message": "Invitation not found or already accepted"}"#, Rejected, 1),
    (Body(V1, 404), r#"{"detail": "Not Found"}"#, NotFound, 1),
    (Body(V2, 429), r#"{"success": false, "error": {"code": "INVALID_PARAMS"}}"#, RateLimited, HELD),
    (Body(V2, 500), r#"{"success": false, "error": {"code": "INTERNAL_ERROR"}}"#, Failed, RETRIED),
    (Body(V2, 502), r#"{"success": false, "error": {"code": "INVALID_PARAMS"}}"#, Unconfirmed, RETRIED),
    (Body(V2, 503), r#"{"success": true, "data": {"withdrawn": true}}"#, Unconfirmed, RETRIED),
    (Body(V2, 200), r#"{"success": false, "error": {"code": "CHANNEL_ERROR", "message": "upstream"}}"#, Rejected, 1),
    (Body(V2, 502), r#"{"success": false, "error": {"code": "CHANNEL_ERROR", "message": "upstream"}}"#, Rejected, 1),
    (Body(V2, 400), r#"{"success": false, "error": {"code": "INVALID_PARAMS", "message": "no"}}"#, Rejected, 1),
    (
        Body(V2, 409),
        r#"{"success": false, "error": {"code": "INVITATION_NOT_PENDING", "message": "no"}}"#,
        NotPending,
        1,
    ),
    // Not the API's.
    (Body(V1, 200), "<html>", Unconfirmed, RETRIED),
    (Body(V1, 200), r#"{"status": "success", "status": "error"}"#, Unconfirmed, RETRIED),
    (Body(V2, 200), r#"{"status": "success"}"#, Unconfirmed, RETRIED),
];

#[test]
fn each_answer_has_its_outcome_at_its_price() {
    let messages = CORPUS.iter().filter(|(kind, ..)| matches!(kind, Success | Error)).count();
    assert!(messages >= 120, "only {messages} messages");
    let mut wrong = Vec::new();
    for (kind, text, outcome, calls) in CORPUS {
        for (version, status, body) in bodies(*kind, text) {
            let came = came_to(version, status, &body);
            if came != (*outcome, *calls) {
                wrong.push(format!("{version:?} {status} {body}: {came:?}, not {:?}", (outcome, calls)));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn bodies(kind: As, text: &str) -> Vec<(ApiVersion, u16, String)> {
    let message = if text.is_empty() { serde_json::Value::Null } else { text.into() };
    match kind {
        Success => vec![
            (V1, 200, serde_json::json!({"status": "success", "message": message}).to_string()),
            (
                V2,
                200,
                serde_json::json!({"success": true, "data": {"withdrawn": true}, "message": message}).to_string(),
            ),
        ],
        Error => vec![
            (V1, 200, serde_json::json!({"status": "error", "message": message}).to_string()),
            (V2, 200, serde_json::json!({"success": false, "error": {"code": "ODD", "message": message}}).to_string()),
        ],
        Body(version, status) => vec![(version, status, text.to_owned())],
    }
}

/// What a row ends as whose every call has this answer, and after how many of them.
fn came_to(version: ApiVersion, http_status: u16, body: &str) -> (Outcome, u32) {
    let result = CallResult::Answered(HttpAnswer { http_status, body: body.into(), ..HttpAnswer::default() });
    let confirming = SuccessMessages::new([CONFIGURED.to_owned()]).unwrap();
    let backoff = Backoff { base: Duration::from_secs(1), max: Duration::from_secs(60) };
    let mut prior = PriorCalls::default();
    for calls in 1.. {
        let meaning = judge(version, &result, ID, &confirming).meaning;
        match decide(meaning, prior, RETRIES, backoff, 0.0) {
            Decision::Settle(outcome) | Decision::SettleAndStop(outcome, _) => return (outcome, calls),
            Decision::Hold if calls == HELD => return (given_up(prior.after(meaning)), calls),
            Decision::Retry(_) | Decision::Hold => prior = prior.after(meaning),
        }
    }
    unreachable!()
}
