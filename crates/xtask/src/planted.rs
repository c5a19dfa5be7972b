//! `cargo xtask planted`: plants each bug of `crates/simulator/planted` in a copy of the tree and looks whether the
//! simulator finds it.
//!
//! A patch begins with a line `half: store` or `half: engine`: where it must be found. The copy lies in the target folder
//! and shares its built dependencies, under a version of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::simulate::{self, Profile};

/// A bug must be found within this many seeds.
const SEEDS_MAX: &str = "2000";

/// Plants all bugs, or those whose file name contains one of `names`.
pub fn run(root: &Path, names: &[String]) -> ExitCode {
    let (profile, names) = Profile::split(names);
    let (mut found, mut missed) = (0, 0);
    for patch in patches(root) {
        let name = patch.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if !names.is_empty() && !names.iter().any(|wanted| name.contains(wanted.as_str())) {
            continue;
        }
        match hunt(root, &patch, profile) {
            Ok(true) => {
                println!("{name}: found");
                found += 1;
            }
            Ok(false) => {
                println!("{name}: NOT FOUND within {SEEDS_MAX} seeds");
                missed += 1;
            }
            Err(what) => {
                println!("{name}: {what}");
                missed += 1;
            }
        }
    }
    // The programs of the copies were put where those of the tree are: build the tree's again.
    let is_restored = simulate::build(root, &simulate::target(root), profile).is_some();
    println!("{found} passed, {missed} failed");
    if is_restored && missed == 0 && 0 < found { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn patches(root: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root.join("crates/simulator/planted")).into_iter().flatten().flatten();
    let mut patches: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "patch")).collect();
    patches.sort();
    patches
}

/// True when the simulator of the tree with this bug fails.
fn hunt(root: &Path, patch: &Path, profile: Profile) -> Result<bool, String> {
    let text = std::fs::read_to_string(patch).map_err(|error| error.to_string())?;
    let half = text.lines().find_map(|line| line.strip_prefix("half: ")).ok_or("the patch does not say its half")?;
    let copy = simulate::target(root).join("planted");
    copy_tree(root, &copy)?;
    rename_version(&copy.join("Cargo.toml"))?;
    let patch = std::path::absolute(patch).map_err(|error| error.to_string())?;
    let applied = Command::new("git").current_dir(&copy).args(["apply", "--verbose"]).arg(&patch).output();
    let applied = applied.map_err(|error| error.to_string())?;
    if !applied.status.success() {
        return Err(format!("the patch does not apply: {}", String::from_utf8_lossy(&applied.stderr)));
    }
    let program =
        simulate::build(&copy, &simulate::target(root), profile).ok_or("the tree with the bug does not build")?;
    let run = Command::new(program).args(["--half", half, "--seeds", SEEDS_MAX]).output();
    let run = run.map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&run.stderr);
    let lines = said.lines().filter(|line| line.contains("seed"));
    lines.for_each(|line| println!("    {line}"));
    Ok(!run.status.success())
}

/// Gives the crates of the copy a version of their own. Cargo names what it builds by crate and version, not by folder: in
/// one target folder it would take crates of the copy for those of the tree.
fn rename_version(manifest: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(manifest).map_err(|error| error.to_string())?;
    let renamed: Vec<String> =
        text.lines()
            .map(|line| {
                if line.starts_with("version = ") { "version = \"0.0.0-planted\"".to_owned() } else { line.to_owned() }
            })
            .collect();
    std::fs::write(manifest, renamed.join("\n")).map_err(|error| error.to_string())
}

/// The files that belong to the tree, as they are now.
fn copy_tree(root: &Path, copy: &Path) -> Result<(), String> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = git.output().map_err(|error| error.to_string())?;
    if copy.exists() {
        std::fs::remove_dir_all(copy).map_err(|error| error.to_string())?;
    }
    for name in String::from_utf8_lossy(&listed.stdout).split('\0').filter(|name| !name.is_empty()) {
        let (from, to) = (root.join(name), copy.join(name));
        let folder = to.parent().unwrap_or(copy);
        let copied = std::fs::create_dir_all(folder).and_then(|()| std::fs::copy(&from, &to).map(drop));
        if from.exists() {
            copied.map_err(|error| format!("{name}: {error}"))?;
        }
    }
    Ok(())
}
