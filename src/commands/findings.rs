//! What `check` found out about an account, what is wrong with it, and which setting mends that.

use crate::config::Setting;
use crate::exit;
use crate::invitation::AccountName;
use crate::policy::Meaning;
use crate::stop::Refusal;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Accepted,
    Refused,
    /// No answer says.
    Unknown,
    NotChecked,
}

impl State {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::NotChecked => "not_checked",
        }
    }
}

/// An answer in which what was looked for was not found.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Miss {
    looked_for: &'static str,
    meaning: Meaning,
    words: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) account: AccountName,
    pub(super) key: State,
    /// On V2 whether the account is known and connected.
    pub(super) login: State,
    /// In credits, where the API tells.
    pub(super) balance: Option<u64>,
    /// For people.
    pub(super) problems: Vec<String>,
    misses: Vec<Miss>,
}

impl Finding {
    /// Nothing yet.
    pub(super) fn of(account: &AccountName) -> Self {
        let (key, login, account) = (State::Unknown, State::Unknown, account.clone());
        Self { account, key, login, balance: None, problems: Vec::new(), misses: Vec::new() }
    }

    /// The same for another account.
    pub(super) fn also_of(&self, account: &AccountName) -> Self {
        Self { account: account.clone(), ..self.clone() }
    }

    pub(super) fn refuse(&mut self, looked_for: &'static str, meaning: Meaning, words: String) {
        match meaning {
            Meaning::Refused(Refusal::Key) => self.key = State::Refused,
            // The API looks at these only behind the key.
            Meaning::Refused(Refusal::Login | Refusal::Account) => {
                self.key = State::Accepted;
                self.login = State::Refused;
            }
            Meaning::Refused(Refusal::Credits) => {
                self.key = State::Accepted;
                self.balance = Some(0);
            }
            Meaning::Withdrawn
            | Meaning::NotPending
            | Meaning::NotFound
            | Meaning::Rejected
            | Meaning::RateLimited
            | Meaning::ServerError
            | Meaning::Lost
            | Meaning::Unclear
            | Meaning::NotSent => {}
        }
        self.misses.push(Miss { looked_for, meaning, words });
    }

    /// Whether a further look can find anything: not without the key, nor where nobody answers.
    pub(super) fn is_open(&self) -> bool {
        let has_no_answer =
            |miss: &Miss| matches!(miss.meaning, Meaning::Lost | Meaning::NotSent | Meaning::ServerError);
        self.key != State::Refused && !self.misses.iter().any(has_no_answer)
    }

    /// Says what is wrong. `settings` are those that `config` shows.
    pub(super) fn say(&mut self, settings: &[Setting]) {
        let place = |name: &str| match settings.iter().find(|setting| setting.name == name) {
            Some(Setting { name, origin, .. }) => format!("{name} ({origin})"),
            None => name.to_owned(),
        };
        let of_account = |key: &str| place(&format!("accounts.{}.{key}", self.account));
        let mut said = Vec::new();
        for Miss { looked_for, meaning, words } in &self.misses {
            said.push(match meaning {
                Meaning::Refused(Refusal::Key) => format!("key refused ({words}): renew {}", place("api_key")),
                Meaning::Refused(Refusal::Login) => {
                    let token = of_account("login_token");
                    format!("login refused ({words}): log in to LinkedIn again and renew {token}")
                }
                Meaning::Refused(Refusal::Account) => {
                    let id = of_account("account_id");
                    format!("account refused ({words}): check {id}, and that it is connected at LinkUp")
                }
                Meaning::Refused(Refusal::Credits) => continue,
                Meaning::Lost | Meaning::NotSent | Meaning::ServerError => {
                    format!("no answer ({words}): check {} and the network, or try again later", place("base_url"))
                }
                Meaning::Withdrawn
                | Meaning::NotPending
                | Meaning::NotFound
                | Meaning::Rejected
                | Meaning::RateLimited
                | Meaning::Unclear => format!("{looked_for} unknown ({words})"),
            });
        }
        if self.login == State::Refused && !self.misses.iter().any(|miss| miss.looked_for != "balance") {
            said.push(format!("account not connected: connect {} at LinkUp again", of_account("account_id")));
        }
        if self.balance == Some(0) {
            said.push("no credits left: buy credits at LinkUp".to_owned());
        }
        self.problems = said;
    }

    /// The exit code of all findings together.
    pub(super) fn exit_code(findings: &[Self]) -> u8 {
        let any = |state: State| findings.iter().any(|finding| finding.key == state || finding.login == state);
        if any(State::Refused) {
            exit::REFUSED
        } else if findings.iter().any(|finding| finding.balance == Some(0)) {
            exit::CREDITS_USED_UP
        } else if any(State::Unknown) {
            exit::GAVE_UP
        } else {
            exit::FINE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(name: &str, origin: &str) -> Setting {
        Setting { name: name.to_owned(), value: "set (masked)".to_owned(), origin: origin.to_owned() }
    }

    /// What is said of an account after one answer, with the exit code.
    fn said(key: State, login: State, balance: Option<u64>, refusal: Option<(&'static str, Meaning)>) -> (String, u8) {
        let settings = [
            setting("api_key", "environment variable LINKUP_API_KEY"),
            setting("accounts.sales.login_token", "file c.toml:8"),
            setting("base_url", "default"),
        ];
        let account = AccountName::parse("sales").unwrap();
        let mut finding = Finding { key, login, balance, ..Finding::of(&account) };
        if let Some((looked_for, meaning)) = refusal {
            finding.refuse(looked_for, meaning, "words".to_owned());
        }
        finding.say(&settings);
        (finding.problems.join("; "), Finding::exit_code(&[finding]))
    }

    #[test]
    fn what_is_wrong_names_the_setting_that_mends_it() {
        use State::{Accepted, NotChecked, Refused, Unknown};
        let cases = [
            (Accepted, Accepted, Some(7), None, "", 0),
            (Accepted, NotChecked, None, None, "", 0),
            (Accepted, Accepted, Some(0), None, "no credits left: buy credits at LinkUp", 4),
            (
                Unknown,
                Unknown,
                None,
                Some(("key", Meaning::Refused(Refusal::Key))),
                "key refused (words): renew api_key (environment variable LINKUP_API_KEY)",
                3,
            ),
            (
                Accepted,
                Unknown,
                None,
                Some(("login", Meaning::Refused(Refusal::Login))),
                "login refused (words): log in to LinkedIn again and renew accounts.sales.login_token (file c.toml:8)",
                3,
            ),
            (
                Accepted,
                Unknown,
                Some(0),
                Some(("account", Meaning::Refused(Refusal::Account))),
                "account refused (words): check accounts.sales.account_id, and that it is connected at LinkUp; no \
                 credits left: buy credits at LinkUp",
                3,
            ),
            (
                Accepted,
                Refused,
                None,
                None,
                "account not connected: connect accounts.sales.account_id at LinkUp again",
                3,
            ),
            (
                Unknown,
                Unknown,
                None,
                Some(("key", Meaning::Refused(Refusal::Credits))),
                "no credits left: buy credits at LinkUp",
                4,
            ),
            (
                Unknown,
                Unknown,
                None,
                Some(("key", Meaning::NotSent)),
                "no answer (words): check base_url (default) and the network, or try again later",
                5,
            ),
            (Unknown, NotChecked, None, Some(("key", Meaning::Rejected)), "key unknown (words)", 5),
            (Accepted, Accepted, None, Some(("balance", Meaning::Rejected)), "balance unknown (words)", 0),
        ];
        for (key, login, balance, refusal, expected, code) in cases {
            assert_eq!(said(key, login, balance, refusal), (expected.to_owned(), code), "{refusal:?}");
        }
    }

    /// What stops everything counts most.
    #[test]
    fn the_worst_finding_decides_the_exit_code() {
        let finding =
            |login, balance| Finding { key: State::Accepted, login, balance, ..Finding::of(&AccountName::default()) };
        let (fine, poor) = (finding(State::Accepted, Some(9)), finding(State::Accepted, Some(0)));
        let (refused, unknown) = (finding(State::Refused, None), finding(State::Unknown, None));
        let code = |findings: &[&Finding]| {
            Finding::exit_code(&findings.iter().map(|finding| (*finding).clone()).collect::<Vec<_>>())
        };
        assert_eq!(code(&[]), 0);
        assert_eq!(code(&[&fine, &unknown]), 5);
        assert_eq!(code(&[&unknown, &poor, &fine]), 4);
        assert_eq!(code(&[&fine, &unknown, &poor, &refused]), 3);
    }
}
