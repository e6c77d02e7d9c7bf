//! `list` and `clean`

use clap::Args;

use super::shared_args::{KeepingArgs, ReportArgs, SharedArgs};
use super::{destination, with_default};
use crate::api::InvitationType;
use crate::config::{Flags, ListRequest, Request, Subject, parse_age};
use crate::report::Destination;

/// Which of the pending invitations are asked for.
#[derive(Debug, Args)]
struct FilterArgs {
    /// Only those younger than this, as far as the API's words go: 30d, 4w, 3mo, 1y
    #[arg(long, value_name = "AGE", help_heading = "Which", value_parser = parse_age)]
    newer_than: Option<u32>,
    #[arg(long = "type", value_name = "TYPE", help_heading = "Which",
        help = with_default("connection, organization or content_series", "connection"))]
    invitation_type: Option<InvitationType>,
    /// Only so many of them
    #[arg(long, value_name = "N", help_heading = "Which")]
    limit: Option<u64>,
    /// Buy so many pages at the most
    #[arg(long, value_name = "N", help_heading = "Which")]
    max_pages: Option<u64>,
}

impl FilterArgs {
    fn into_request(self, older_than: Option<u32>) -> ListRequest {
        ListRequest {
            older_than,
            newer_than: self.newer_than,
            invitation_type: self.invitation_type.unwrap_or_default(),
            limit: self.limit,
            max_pages: self.max_pages,
        }
    }
}

/// `list`
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those of this age or more: 30d, 4w, 3mo, 1y
    #[arg(long, value_name = "AGE", help_heading = "Which", value_parser = parse_age)]
    older_than: Option<u32>,
    #[command(flatten)]
    filter: FilterArgs,
    /// The list, one line an invitation [default: standard output]
    #[arg(short, long, value_name = "PATH", help_heading = "Report", value_parser = destination)]
    output: Option<Destination>,
    #[command(flatten)]
    report: ReportArgs,
    #[command(flatten)]
    shared: SharedArgs,
}

impl ListArgs {
    /// The flags as the settings take them; `quiet` says how often `-q` stands there.
    pub(crate) fn into_parts(self, quiet: u8) -> (Request, Flags) {
        let subject = Subject::List(self.filter.into_request(self.older_than));
        (self.report.into_request(subject, self.output, quiet), self.shared.into_flags())
    }
}

/// `clean`
#[derive(Debug, Args)]
pub(crate) struct CleanArgs {
    /// Withdraw those of this age or more: 30d, 4w, 3mo, 1y
    #[arg(long, value_name = "AGE", help_heading = "Which", value_parser = parse_age)]
    older_than: u32,
    #[command(flatten)]
    filter: FilterArgs,
    // No doc comment: to rustdoc the angle brackets are HTML.
    #[arg(short, long, value_name = "PATH", help_heading = "Report", value_parser = destination,
        help = with_default("Report, one line an invitation; - for standard output", "clean.results-<UTC time>.csv here"))]
    output: Option<Destination>,
    #[command(flatten)]
    report: ReportArgs,
    #[command(flatten)]
    shared: SharedArgs,
    #[command(flatten)]
    keeping: KeepingArgs,
    /// Say what would be done and what it can cost, and withdraw nothing; the list is bought all the same
    #[arg(long, help_heading = "Safety")]
    dry_run: bool,
    /// Don't ask
    #[arg(short, long, help_heading = "Safety")]
    yes: bool,
    /// Nothing more than without it: what the list shows as pending is sent in any case
    #[arg(long, help_heading = "Safety", hide = true)]
    recheck: bool,
}

impl CleanArgs {
    /// The flags as the settings take them; `quiet` says how often `-q` stands there.
    pub(crate) fn into_parts(self, quiet: u8) -> (Request, Flags) {
        let mut flags = self.shared.into_flags();
        self.keeping.add_to(&mut flags);
        let subject = Subject::Clean(self.filter.into_request(Some(self.older_than)));
        let request = self.report.into_request(subject, self.output, quiet);
        (Request { recheck: self.recheck, dry_run: self.dry_run, yes: self.yes, ..request }, flags)
    }
}
