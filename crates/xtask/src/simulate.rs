//! `cargo xtask simulate`: builds the simulator in the `sim` profile and runs it with the arguments given.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Builds and runs.
pub fn run(root: &Path, arguments: &[String]) -> ExitCode {
    let Some(binary) = build(root, &target(root)) else { return ExitCode::FAILURE };
    match Command::new(binary).args(arguments).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the simulator cannot be started: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Where cargo builds.
pub fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// Builds the simulator of the tree at `root`; the program, or nothing when it does not build.
///
/// The product is built with it: another selection of crates unifies features differently and builds the dependencies
/// again.
pub fn build(root: &Path, target: &Path) -> Option<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root).env("CARGO_TARGET_DIR", target);
    cargo.args(["build", "--quiet", "--profile", "sim", "-p", "everview", "-p", "simulator"]);
    let is_built = cargo.status().is_ok_and(|status| status.success());
    is_built.then(|| target.join("sim/simulate"))
}
