//! The program is the library's one entry.

use std::process::ExitCode;

fn main() -> ExitCode {
    bulk_withdraw::main()
}
