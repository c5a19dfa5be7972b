//! Tables whose engines merge rows of a key, and a plain model of each engine's rule: FINAL gives what the model gives,
//! whatever was merged, killed and started again in between.
//!
//! A key belongs to one client, so that the order of its inserts is known.

use std::collections::BTreeMap;

use env::Rng;
use env::simulated::SeededRng;

/// Keys of a client in each table.
const KEYS: u64 = 4;

/// An engine with a rule.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Rule {
    Replacing,
    Collapsing,
    Versioned,
    Coalescing,
}

/// All of them.
pub const RULES: [Rule; 4] = [Rule::Replacing, Rule::Collapsing, Rule::Versioned, Rule::Coalescing];

/// The tables of the rules, in the order of [`RULES`].
pub const DEFINITIONS: &[&str] = &[
    "CREATE TABLE replacing (k UInt32, v Int64, version UInt64, gone UInt8) ENGINE = ReplacingMergeTree(version, gone) \
     ORDER BY k",
    "CREATE TABLE collapsing (k UInt32, v Int64, sign Int8) ENGINE = CollapsingMergeTree(sign) ORDER BY k",
    "CREATE TABLE versioned (k UInt32, v Int64, version UInt64, sign Int8) \
     ENGINE = VersionedCollapsingMergeTree(sign, version) ORDER BY k",
    "CREATE TABLE coalescing (k UInt32, a Nullable(Int64), b Nullable(Int64)) ENGINE = CoalescingMergeTree ORDER BY k",
];

impl Rule {
    /// What its table must answer.
    pub fn query(self) -> &'static str {
        match self {
            Rule::Replacing => "SELECT k, v, version FROM replacing FINAL ORDER BY k",
            Rule::Collapsing => "SELECT k, v, sign FROM collapsing FINAL ORDER BY k",
            Rule::Versioned => "SELECT k, v, version, sign FROM versioned FINAL ORDER BY k",
            Rule::Coalescing => "SELECT k, a, b FROM coalescing FINAL ORDER BY k",
        }
    }
}

/// What a key has.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct State {
    /// The value of the row that is there; of Coalescing its first one.
    a: Option<i64>,
    /// The second value of Coalescing.
    b: Option<i64>,
    version: u64,
}

/// What is known of a key: its state, and the one it has if an insert without an answer happened.
#[derive(Clone, Copy, Default, Debug)]
struct Known {
    is: State,
    may_be: Option<State>,
}

/// Every key of every table.
#[derive(Default, Debug)]
pub struct Rules {
    known: BTreeMap<(Rule, u64), Known>,
}

/// An insert that changes one key.
pub struct Change {
    rule: Rule,
    key: u64,
    /// To be sent.
    pub statement: String,
}

impl Rules {
    /// The next insert of a client; none while the outcome of an earlier one is open.
    pub fn change(&mut self, client: u64, rng: &SeededRng) -> Option<Change> {
        let rule = RULES[rng.below(RULES.len() as u64) as usize];
        let key = client * KEYS + rng.below(KEYS);
        let known = self.known.entry((rule, key)).or_default();
        if known.may_be.is_some() {
            return None;
        }
        let (value, goes, first) = (rng.below(1_000_000) as i64, rng.chance(20), rng.chance(50));
        let (was, version) = (known.is, known.is.version + 1);
        let there = State { a: Some(value), version, ..was };
        let gone = State { a: None, version, ..was };
        let (becomes, rows) = match (rule, was.a) {
            (Rule::Replacing, _) => {
                (if goes { gone } else { there }, format!("({key}, {value}, {version}, {})", u8::from(goes)))
            }
            (Rule::Collapsing, None) => (there, format!("({key}, {value}, 1)")),
            (Rule::Collapsing, Some(old)) if goes => (gone, format!("({key}, {old}, -1)")),
            (Rule::Collapsing, Some(old)) => (there, format!("({key}, {old}, -1), ({key}, {value}, 1)")),
            (Rule::Versioned, None) => (there, format!("({key}, {value}, {version}, 1)")),
            (Rule::Versioned, Some(old)) if goes => (gone, format!("({key}, {old}, {}, -1)", was.version)),
            (Rule::Versioned, Some(old)) => {
                (there, format!("({key}, {old}, {}, -1), ({key}, {value}, {version}, 1)", was.version))
            }
            (Rule::Coalescing, _) if first => (there, format!("({key}, {value}, NULL)")),
            (Rule::Coalescing, _) => (State { b: Some(value), version, ..was }, format!("({key}, NULL, {value})")),
        };
        known.may_be = Some(becomes);
        let table = format!("{rule:?}").to_lowercase();
        Some(Change { rule, key, statement: format!("INSERT INTO {table} VALUES {rows}") })
    }

    /// Its insert happened, or did not.
    pub fn settle(&mut self, change: &Change, happened: bool) {
        let known = self.known.entry((change.rule, change.key)).or_default();
        let becomes = known.may_be.take().filter(|_| happened);
        known.is = becomes.unwrap_or(known.is);
    }

    /// The lines that the table must have, after a restart: keys whose last insert had no answer are settled by what was
    /// found.
    pub fn lines(&mut self, rule: Rule, found: &str) -> Vec<String> {
        let found: Vec<&str> = found.lines().collect();
        let mut lines = Vec::new();
        let of_rule = self.known.iter_mut().filter(|((other, _), _)| *other == rule);
        for ((_, key), known) in of_rule {
            if let Some(may_be) = known.may_be.take() {
                let of_key = found.iter().find(|line| line.split('\t').next() == Some(&key.to_string()));
                if line(rule, *key, may_be).as_deref() == of_key.copied() {
                    known.is = may_be;
                }
            }
            lines.extend(line(rule, *key, known.is));
        }
        lines
    }
}

/// The line of a key, if it has one.
fn line(rule: Rule, key: u64, state: State) -> Option<String> {
    let State { a, b, version } = state;
    match rule {
        Rule::Replacing => a.map(|a| format!("{key}\t{a}\t{version}")),
        Rule::Collapsing => a.map(|a| format!("{key}\t{a}\t1")),
        Rule::Versioned => a.map(|a| format!("{key}\t{a}\t{version}\t1")),
        Rule::Coalescing => {
            let cell = |value: Option<i64>| value.map_or("\\N".to_owned(), |value| value.to_string());
            (a.is_some() || b.is_some()).then(|| format!("{key}\t{}\t{}", cell(a), cell(b)))
        }
    }
}
