//! The account's pending invitations: pages read, trusted as far as they can be, and sifted by age.
//!
//! Owns what a page says and which of its invitations count. Sends nothing and asks for nothing:
//! [`crate::runner`] fetches the pages.

mod filter;
mod keep;
mod listed;
mod page;
mod paging;
mod profile;

pub(crate) use filter::{Filter, Sieve, Verdicts};
pub(crate) use keep::{Keep, KeepError, Match};
pub(crate) use listed::Listed;
pub(crate) use page::{Days, Found, Page, read_page, repeats_key};
pub(crate) use paging::Paging;
