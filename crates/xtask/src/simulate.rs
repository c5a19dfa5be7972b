//! `cargo xtask simulate`: builds the simulator in the `sim` profile and runs it with the arguments given. `--dev` first
//! takes the dev profile, which is built already where the tests ran, and several times slower.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Builds and runs.
pub fn run(root: &Path, arguments: &[String]) -> ExitCode {
    let (profile, arguments) = Profile::split(arguments);
    let Some(binary) = build(root, &target(root), profile) else { return ExitCode::FAILURE };
    match Command::new(binary).args(arguments).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the simulator cannot be started: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How the simulator is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Fast enough for thousands of histories.
    Sim,
    /// As the tests.
    Dev,
}

impl Profile {
    /// The profile, and the arguments without it.
    pub fn split(arguments: &[String]) -> (Profile, &[String]) {
        match arguments {
            [first, rest @ ..] if first == "--dev" => (Profile::Dev, rest),
            _ => (Profile::Sim, arguments),
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
pub fn build(root: &Path, target: &Path, profile: Profile) -> Option<PathBuf> {
    let (name, folder) = match profile {
        Profile::Sim => ("sim", "sim"),
        Profile::Dev => ("dev", "debug"),
    };
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root).env("CARGO_TARGET_DIR", target);
    cargo.args(["build", "--quiet", "--profile", name, "-p", "everview", "-p", "simulator"]);
    let is_built = cargo.status().is_ok_and(|status| status.success());
    is_built.then(|| target.join(folder).join("simulate"))
}
