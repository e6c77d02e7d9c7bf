//! The pending invitations as a list: which of them a call gets, and on how many pages.
//!
//! Pure. What the answer looks like is for `v1` and `v2`.

use std::sync::Arc;

use super::call::{PAGE, Span};
use super::{ListFaults, StockItem};

/// Items that a page repeats of the one before it, where it does.
const REPEATED: usize = 2;
/// The place on a full page that is left out, where one is.
const MISSED: usize = 4;

/// An answer with items.
#[derive(Debug)]
pub(super) struct Sheet {
    pub(super) span: Span,
    pub(super) items: Vec<Arc<StockItem>>,
    /// How many there are in all, as the answer says.
    pub(super) total: usize,
    /// At least one, as LinkedIn had to be asked: 1 credit each.
    pub(super) pages: usize,
    /// Where the next page begins, unless this was the last.
    pub(super) next: Option<usize>,
}

/// Puts the span's pages together, out of all that are pending. Pages end where the list does, and no page beyond is
/// looked at, nor paid for (a guess).
pub(super) fn sheet<'a>(pending: impl Iterator<Item = &'a Arc<StockItem>>, span: Span, faults: ListFaults) -> Sheet {
    let listed: Vec<_> = pending.filter(|item| item.invitation_type == span.kind).collect();
    let total = if faults.total_off { listed.len() / 2 } else { listed.len() };
    let end = if faults.early_end { (listed.len() / 2).next_multiple_of(PAGE) } else { usize::MAX };
    let listed = &listed[..end.min(listed.len())];

    let mut sheet = Sheet { span, items: Vec::new(), total, pages: 0, next: Some(span.offset) };
    let last = span.offset.saturating_add(span.count);
    while let Some(at) = sheet.next.filter(|at| *at < last) {
        let length = PAGE.min(last - at);
        let from = if faults.repeat { at - at / PAGE * REPEATED } else { at };
        let to = from.saturating_add(length);
        let page = &listed[from.min(listed.len())..to.min(listed.len())];
        let missed = (faults.miss && page.len() == PAGE).then_some(MISSED);
        let shown = page.iter().enumerate().filter(|(place, _)| Some(*place) != missed);
        sheet.items.extend(shown.map(|(_, item)| Arc::clone(item)));
        sheet.pages += 1;
        sheet.next = (to < listed.len()).then_some(at + length);
    }
    sheet
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::super::{InvitationType, SentTime};
    use super::*;

    fn pending(count: u64) -> Vec<Arc<StockItem>> {
        (0..count).map(|id| Arc::new(StockItem::new(id, SentTime::Age(Duration::ZERO)))).collect()
    }

    fn span(offset: usize, count: usize) -> Span {
        Span { kind: InvitationType::Connection, offset, count }
    }

    fn ids(sheet: &Sheet) -> Vec<u64> {
        sheet.items.iter().map(|item| item.id).collect()
    }

    #[test]
    fn a_span_is_cut_out_and_its_pages_counted() {
        let pending = pending(25);
        let cases = [
            ((0, 10), 0..10, 1, Some(10)),
            ((10, 10), 10..20, 1, Some(20)),
            ((20, 10), 20..25, 1, None),
            ((30, 10), 0..0, 1, None),
            ((0, 25), 0..25, 3, None),
            ((0, 11), 0..11, 2, Some(11)),
            ((3, 4), 3..7, 1, Some(7)),
            ((0, usize::MAX), 0..25, 3, None),
        ];
        for ((offset, count), expected, pages, next) in cases {
            let sheet = sheet(pending.iter(), span(offset, count), ListFaults::default());
            assert_eq!(ids(&sheet), expected.collect::<Vec<_>>(), "{offset}+{count}");
            assert_eq!((sheet.pages, sheet.next, sheet.total), (pages, next, 25), "{offset}+{count}");
        }
    }

    #[test]
    fn one_type_is_listed_at_a_time() {
        let mut pending = pending(3);
        Arc::make_mut(&mut pending[1]).invitation_type = InvitationType::ContentSeries;
        let other = Span { kind: InvitationType::ContentSeries, ..span(0, 10) };
        let default = ListFaults::default();
        assert_eq!(ids(&sheet(pending.iter(), span(0, 10), default)), [0, 2]);
        assert_eq!(ids(&sheet(pending.iter(), other, default)), [1]);
    }

    /// Page by page, as a client reads that trusts `next`: what it sees, and the total that it is told.
    #[test]
    fn faults_do_what_their_names_say() {
        let cases = [
            // On each page two of the one before; nothing is left out.
            ("repeat", 35, 4 * 2, 35),
            ("miss", 32, 0, 35),
            ("early-end", 20, 0, 35),
            ("total-off", 35, 0, 17),
        ];
        let pending = pending(35);
        for (name, seen, repeated, total) in cases {
            let faults = name.parse().unwrap();
            let (mut all, mut next) = (Vec::new(), Some(0));
            while let Some(at) = next {
                let sheet = sheet(pending.iter(), span(at, PAGE), faults);
                assert_eq!(sheet.total, total, "{name}");
                all.extend(ids(&sheet));
                next = sheet.next;
            }
            let distinct: HashSet<_> = all.iter().collect();
            assert_eq!((distinct.len(), all.len() - distinct.len()), (seen, repeated), "{name}");
        }
    }
}
