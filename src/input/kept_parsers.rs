//! Parsers of CSV that are kept for the next input, only for the fuzzer: making one takes a hundred times as long as reading a
//! small input. They can't be copied, since those of csv-core 0.1.13 do not work when they are.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

thread_local! {
    static KEPT: RefCell<Vec<Made>> = const { RefCell::new(Vec::new()) };
}

/// By its delimiter.
type Made = (u8, csv_core::Reader);

pub(super) struct Parser(Option<Made>);

pub(super) fn parser(delimiter: u8) -> Parser {
    let kept = KEPT.with_borrow_mut(|kept| {
        let at = kept.iter().position(|(of, _)| *of == delimiter)?;
        Some(kept.swap_remove(at))
    });
    let (_, mut reader) =
        kept.unwrap_or_else(|| (delimiter, csv_core::ReaderBuilder::new().delimiter(delimiter).build()));
    reader.reset();
    Parser(Some((delimiter, reader)))
}

impl Drop for Parser {
    fn drop(&mut self) {
        KEPT.with_borrow_mut(|kept| kept.extend(self.0.take()));
    }
}

#[expect(clippy::unwrap_used, reason = "it is taken only at its end")]
impl Deref for Parser {
    type Target = csv_core::Reader;

    fn deref(&self) -> &csv_core::Reader {
        &self.0.as_ref().unwrap().1
    }
}

#[expect(clippy::unwrap_used, reason = "it is taken only at its end")]
impl DerefMut for Parser {
    fn deref_mut(&mut self) -> &mut csv_core::Reader {
        &mut self.0.as_mut().unwrap().1
    }
}
