//! `check`: looks at key, login or account, and balance before a job relies on them.

use std::io::{self, Write};

use super::ending::Done;
use super::error::{CommandError, written};
use super::findings::{Finding, State};
use super::job::{Job, Opened, limits};
use super::output::Outputs;
use crate::api::{ApiCall, ApiVersion, CallResult, Client, PageRequest};
use crate::config::{self, Layers, Settings};
use crate::event::Event;
use crate::invitation::Country;
use crate::ledger::Ledger;
use crate::listing::{Keep, read_page};
use crate::policy::{Meaning, accepts_key, balance, is_connected};
use crate::report::{Cell, Column, Format, Paper, RunFacts, Screen, Table, TableFormat, encode};
use crate::runner::{Caller, NoLook, stop_on_signals};
use crate::stop::{Refusal, Stop, StopReason};

const COLUMNS: [&str; 5] = ["account", "key", "login", "balance", "detail"];

/// Checks, and prints what was found.
pub(super) async fn check(
    settings: &Settings,
    layers: &Layers,
    facts: RunFacts,
    screen: &Screen,
) -> Result<Done, CommandError> {
    let outputs = Outputs::choose(settings, Format::Csv)?;
    let stop = Stop::default();
    stop_on_signals(&stop, screen)?;
    let mut job = Job::begin_beside(settings, facts, Keep::default(), screen, &stop).await?;
    let Opened { summary, .. } = job.open(outputs, |_| Ok(())).await?;
    let Job { caller, sinks, .. } = &mut job;
    let findings = sinks.during(look(caller, settings, layers)).await;
    let format = layers.get_or_default(&config::TABLE_FORMAT)?.unwrap_or_else(TableFormat::of_stdout);
    let text = shown(&findings, format, Paper::of_stdout())?;
    let printed = written(io::stdout().lock().write_all(text.as_bytes()));
    let found = Finding::exit_code(&findings);
    if let Err(error) = printed {
        stop.request(StopReason::ReportUnwritable, crate::error_chain(&error));
    }
    Ok(job.end_look(found, summary).await)
}

/// What was found; in a table with the details below, which have no room beside others.
fn shown(findings: &[Finding], format: TableFormat, paper: Paper) -> io::Result<String> {
    let columns = [
        Column::text("account", 0, 8),
        Column::whole("key", 2),
        Column::whole("login", 1),
        Column::number("balance", 3),
    ];
    let cells = findings.iter().map(|finding| {
        let Finding { account, key, login, balance, problems, .. } = finding;
        [
            Cell::Foreign(account.as_str()),
            Cell::own(key.as_str()),
            Cell::own(login.as_str()),
            Cell::number(*balance),
            Cell::own(problems.join("; ")),
        ]
    });
    let text = encode(format.encoder(Table::new(columns.into(), paper)), COLUMNS, cells)?;
    let details: String = match format {
        TableFormat::Table => findings.iter().filter_map(|finding| detail(finding, paper)).collect(),
        TableFormat::Csv | TableFormat::Json => String::new(),
    };
    Ok(text + &details)
}

fn detail(Finding { account, problems, .. }: &Finding, paper: Paper) -> Option<String> {
    let text = format!("{}: {}", account.as_str(), problems.join("; "));
    (!problems.is_empty()).then(|| format!("\n{}", paper.folded(&text, 0)))
}

/// Looks at the key once, and at each account's login.
async fn look(caller: &Caller<Client, Option<Ledger>>, settings: &Settings, layers: &Layers) -> Vec<Finding> {
    let Some((first, _)) = settings.listed_accounts().next() else { return Vec::new() };
    let mut key = Finding::of(first);
    look_at_key(caller, settings, &mut key).await;
    let mut findings = Vec::new();
    for (account, own) in settings.listed_accounts() {
        let mut finding = key.also_of(account);
        // Without the key, or without an answer, there is nothing to see.
        if finding.is_open() && !caller.stop.is_requested() {
            look_at_login(caller, settings, layers, &own.country, &mut finding).await;
        }
        if finding.is_open() {
            key.key = finding.key;
        } else {
            key = finding.clone();
        }
        findings.push(finding);
    }
    let shown = settings.listing(layers);
    for finding in &mut findings {
        finding.say(&shown);
        if let Some(cause) = caller.stop.cause() {
            finding.problems.push(format!("not checked to the end: {cause}"));
        }
    }
    findings
}

/// The balance says it on V2.
async fn look_at_key(caller: &Caller<Client, Option<Ledger>>, settings: &Settings, finding: &mut Finding) {
    let (account, limits) = (&finding.account, limits(settings));
    let (looked_for, seen) = match settings.api {
        ApiVersion::V1 => {
            let read = |result: &CallResult| accepts_key(result).then_some(None);
            ("key", caller.look(ApiCall::Key(account), &limits, read).await)
        }
        ApiVersion::V2 => {
            let read = |result: &CallResult| balance(result).map(Some);
            ("balance", caller.look(ApiCall::Balance(account), &limits, read).await)
        }
    };
    match seen {
        Ok(balance) => {
            finding.key = State::Accepted;
            finding.balance = balance;
        }
        Err(NoLook::Refused(meaning, words)) => finding.refuse(looked_for, meaning, words),
        Err(NoLook::Stopped) => {}
    }
}

async fn look_at_login(
    caller: &Caller<Client, Option<Ledger>>,
    settings: &Settings,
    layers: &Layers,
    country: &Country,
    finding: &mut Finding,
) {
    let (account, limits) = (finding.account.clone(), limits(settings));
    let seen = match settings.api {
        ApiVersion::V1 if !layers.is_set(&config::LOGIN) => {
            finding.login = State::NotChecked;
            return;
        }
        ApiVersion::V1 => {
            let request = PageRequest::first(account, country.clone(), settings.which.invitation_type);
            let read = |body: &[u8]| read_page(ApiVersion::V1, request.invitation_type, body, str::to_owned);
            let page = caller.look(ApiCall::Page(&request), &limits, |result| read(result.success_body()?)).await;
            if let Ok(page) = &page {
                caller.tell(Event::PageRead { invitations: page.found.len() as u64 }).await;
            }
            page.map(|_| true)
        }
        ApiVersion::V2 => caller.look(ApiCall::Account(&account), &limits, is_connected).await,
    };
    match seen {
        Ok(is_connected) => {
            finding.key = State::Accepted;
            finding.login = if is_connected { State::Accepted } else { State::Refused };
        }
        Err(NoLook::Refused(Meaning::NotFound, words)) if settings.api == ApiVersion::V2 => {
            finding.refuse("login", Meaning::Refused(Refusal::Account), words);
        }
        Err(NoLook::Refused(meaning, words)) => finding.refuse("login", meaning, words),
        Err(NoLook::Stopped) => {}
    }
}
