//! The account's pending invitations: reads pages, notices what is missing, selects by age, text, note and by who is to be
//! kept.
//!
//! Owns what a page says and which of its invitations are selected. Must not send or fetch: [`crate::runner`] fetches the
//! pages.

mod filter;
mod keep;
mod listed;
mod oldest;
mod page;
mod paging;
mod people;
mod profile;
mod unicode;

pub(crate) use filter::{Filter, Selection, SelectionCounts, TextFilter, age_days};
pub(crate) use keep::{Keep, KeepError, KeepStatus};
pub(crate) use listed::Listed;
pub(crate) use oldest::{leave_oldest, oldest_and_newest};
pub(crate) use page::{Days, Found, Page, read_page, repeats_key};
pub(crate) use paging::{Paging, Taken};
pub(crate) use people::{People, Search};
pub(crate) use profile::{PersonAddress, profile_link};
