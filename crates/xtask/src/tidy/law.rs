//! The law of the crates: arrows point down, never up, never round.
//!
//! The table is the design's. An arrow more is a decision with a page in `docs/decisions`, named beside it here.

use super::tree::File;
use super::{Finding, Findings};

/// A crate and the crates of this workspace that it may depend on.
struct Rule {
    name: &'static str,
    may: &'static [&'static str],
}

const fn rule(name: &'static str, may: &'static [&'static str]) -> Rule {
    Rule { name, may }
}

/// Every crate, in the order of the layers.
const LAW: &[Rule] = &[
    rule("types", &[]),
    rule("env", &["types"]),
    rule("sql", &[]),
    rule("aggregate", &["types"]),
    rule("format", &["types"]),
    rule("parts", &["types", "env", "aggregate"]),
    rule("store", &["types", "env", "aggregate", "parts"]),
    rule("functions", &["types", "aggregate"]),
    rule("external", &["types", "env", "format"]),
    rule("query", &["types", "env", "sql", "aggregate", "parts", "store", "functions", "format", "external"]),
    // parts: docs/decisions/030-views-know-parts.md
    rule("views", &["types", "env", "sql", "parts", "store", "query"]),
    rule("stream", &["types", "env", "format", "query", "views"]),
    rule(
        "engine",
        &[
            "types",
            "env",
            "sql",
            "aggregate",
            "format",
            "parts",
            "store",
            "functions",
            "external",
            "query",
            "views",
            "stream",
        ],
    ),
    // The boundary: above it nobody knows what is below.
    rule("server", &["types", "env", "format", "engine"]),
    rule("everview", &["env", "server", "engine"]),
    // Test only.
    rule("simulator", &["types", "env", "sql", "parts", "store", "query", "views", "stream", "engine"]),
    rule("conformance", &["engine", "env", "server"]),
    rule("xtask", &[]),
];

/// The crates that may name DataFusion.
const DATAFUSION: &[&str] = &["functions", "query"];

/// Checks every `crates/*/Cargo.toml`.
pub fn check(files: &[File], findings: &mut Findings) {
    for file in files {
        if file.path.starts_with("crates/") && file.path.ends_with("/Cargo.toml") {
            check_manifest(file, findings);
        }
    }
}

fn check_manifest(file: &File, findings: &mut Findings) {
    let mut fault = |what: String| findings.faults.push(Finding::new(&file.path, 0, what));
    let manifest: toml::Table = match file.text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return fault(format!("no TOML: {error}")),
    };
    let name = manifest.get("package").and_then(|package| package.get("name")).and_then(|name| name.as_str());
    let Some(rule) = LAW.iter().find(|rule| Some(rule.name) == name) else {
        return fault(format!("crate {:?} is not in the law", name.unwrap_or("without a name")));
    };
    for dependency in dependencies(&manifest) {
        if LAW.iter().any(|rule| rule.name == dependency) && !rule.may.contains(&dependency.as_str()) {
            fault(format!("{} may not depend on {dependency}", rule.name));
        }
        if dependency.starts_with("datafusion") && !DATAFUSION.contains(&rule.name) {
            fault(format!("{} may not name DataFusion", rule.name));
        }
    }
    if manifest.contains_key("features") {
        fault("our crates have no feature flags".to_owned());
    }
}

/// The names in `[dependencies]`; tests may depend on what they like.
fn dependencies(manifest: &toml::Table) -> Vec<String> {
    let table = manifest.get("dependencies").and_then(|table| table.as_table());
    table.map(|table| table.keys().cloned().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let file = File { path: "crates/x/Cargo.toml".to_owned(), text: text.to_owned() };
        let mut findings = Findings::default();
        check(&[file], &mut findings);
        findings.faults.into_iter().map(|fault| fault.what).collect()
    }

    #[test]
    fn arrows_point_down() {
        let allowed = "[package]\nname = \"parts\"\n[dependencies]\ntypes.workspace = true\nparquet = \"1\"\n";
        assert_eq!(faults(allowed), Vec::<String>::new());
        let up = "[package]\nname = \"parts\"\n[dependencies]\nstore.workspace = true\n";
        assert_eq!(faults(up), ["parts may not depend on store"]);
        let test_only = "[package]\nname = \"parts\"\n[dev-dependencies]\nstore.workspace = true\n";
        assert_eq!(faults(test_only), Vec::<String>::new());
    }

    #[test]
    fn two_crates_name_datafusion() {
        let views = "[package]\nname = \"views\"\n[dependencies]\ndatafusion.workspace = true\n";
        assert_eq!(faults(views), ["views may not name DataFusion"]);
        let query = "[package]\nname = \"query\"\n[dependencies]\ndatafusion.workspace = true\n";
        assert_eq!(faults(query), Vec::<String>::new());
    }

    #[test]
    fn a_crate_outside_the_law_is_refused() {
        assert_eq!(faults("[package]\nname = \"helpers\"\n"), ["crate \"helpers\" is not in the law"]);
    }

    #[test]
    fn every_crate_knows_only_crates_before_it() {
        for (at, rule) in LAW.iter().enumerate() {
            for name in rule.may {
                assert!(
                    LAW[..at].iter().any(|lower| lower.name == *name),
                    "{} knows {name}, which is not below",
                    rule.name
                );
            }
        }
    }
}
