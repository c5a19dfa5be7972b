//! Counts per family, and the memory of what passed once.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use crate::case::Case;
use crate::ways::Outcome;

/// The list of cases that passed once.
const PASSING: &str = "passing.txt";

/// What all cases came to.
#[derive(Default)]
pub struct Report {
    /// Passed and all, by family.
    families: BTreeMap<String, (usize, usize)>,
    passed: BTreeSet<String>,
    failed: BTreeMap<String, String>,
    diverges: usize,
}

impl Report {
    /// Counts a case.
    pub fn add(&mut self, case: &Case, outcome: &Outcome) {
        let family = self.families.entry(case.family().to_owned()).or_default();
        family.1 += 1;
        self.diverges += usize::from(case.diverges);
        if outcome.passed {
            family.0 += 1;
            self.passed.insert(case.name.clone());
        } else {
            let why = outcome.faults.first().cloned().unwrap_or_else(|| "output differs".to_owned());
            self.failed.insert(case.name.clone(), why);
        }
    }

    /// Prints the counts; false when a case that passed once fails now.
    pub fn finish(&self, folder: &Path, way: &str, bless: bool, whole: bool) -> io::Result<bool> {
        for (name, why) in &self.failed {
            println!("not passing: {name}: {why}");
        }
        for (family, (passed, all)) in &self.families {
            println!("{way}: {family}: {passed} of {all}");
        }
        let all: usize = self.families.values().map(|(_, all)| all).sum();
        println!("{way}: {} of {all} cases, {} deliberate differences", self.passed.len(), self.diverges);
        let path = folder.join(PASSING);
        let known: BTreeSet<String> =
            std::fs::read_to_string(&path).unwrap_or_default().lines().map(str::to_owned).collect();
        let lost: Vec<&String> = known.iter().filter(|name| self.failed.contains_key(*name)).collect();
        lost.iter().for_each(|name| println!("passed once and fails now: {name}"));
        if bless && lost.is_empty() && whole {
            let names: BTreeSet<&String> = known.iter().chain(&self.passed).collect();
            let text: String = names.into_iter().map(|name| format!("{name}\n")).collect();
            std::fs::write(path, text)?;
        }
        println!("{} passed, {} failed", self.passed.len(), lost.len());
        Ok(lost.is_empty())
    }
}
