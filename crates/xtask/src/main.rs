//! Chores of this repository: `cargo xtask tidy` holds the tree against its own rules, `cargo xtask simulate` runs histories
//! of the simulator, `cargo xtask planted` shows that it finds bugs.
//!
//! Never here: anything that the product needs to build or to run.

mod planted;
mod simulate;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    // cargo's word of this run first: what was built from another checkout is not built again
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let root = Path::new(&manifest).join("../..");
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => tidy::run(&root),
        Some("simulate") => simulate::run(&root, &std::env::args().skip(2).collect::<Vec<_>>()),
        Some("planted") => planted::run(&root, &std::env::args().skip(2).collect::<Vec<_>>()),
        _ => {
            eprintln!("usage: cargo xtask tidy | simulate [--seeds N] … | planted [NAME] …");
            ExitCode::FAILURE
        }
    }
}
