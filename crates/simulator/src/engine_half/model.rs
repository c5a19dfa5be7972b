//! What the clients know of their inserts, and which of them happened.

use std::collections::{BTreeMap, BTreeSet};

use super::rules::Rules;
use super::window::Line;

/// A row of the base table: id, key, value.
pub type BaseRow = (u64, u32, i64);

/// What an insert carries.
#[derive(Clone, Debug)]
pub enum Rows {
    /// Into the base table.
    Base(Vec<BaseRow>),
    /// Into the landing table.
    Landing(Vec<Line>),
}

/// What is known of an insert.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// No answer came.
    Unknown,
    /// It is there.
    Happened,
    /// It is not there and never will be.
    Absent,
}

/// Every insert that was ever sent.
#[derive(Default, Debug)]
pub struct Model {
    batches: BTreeMap<u64, (Rows, Fate)>,
    /// Inserts into the landing table that happened, in the order of their commits.
    landed: Vec<u64>,
    /// Inserts into the landing table during which there was no other one.
    alone: BTreeSet<u64>,
    /// Rows of each insert into the table that is deleted from, and what is known of them.
    owned: BTreeMap<u64, (u64, Owned)>,
    /// Inserts with a token that were acknowledged: sent again, nothing may happen.
    pub tokens: Vec<(String, String)>,
    /// Tables whose engines merge rows.
    pub rules: Rules,
    /// Statements that were sent.
    pub operations: u64,
    pub refused: u64,
    pub unanswered: u64,
}

/// What is known of rows that may be deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owned {
    /// No answer came to their insert or to their delete: all are there or none.
    Unknown,
    There,
    Gone,
}

impl Model {
    /// The number of the next insert.
    pub fn next_batch(&self) -> u64 {
        self.batches.len() as u64 + 1
    }

    /// An insert is on its way.
    pub fn send(&mut self, batch: u64, rows: Rows) {
        let known = self.batches.insert(batch, (rows, Fate::Unknown));
        assert!(known.is_none(), "insert {batch} was sent twice");
    }

    /// It was acknowledged, or seen.
    pub fn happened(&mut self, batch: u64) {
        let (rows, fate) = self.batches.get_mut(&batch).expect("it was sent");
        if *fate == Fate::Unknown {
            *fate = Fate::Happened;
            if matches!(rows, Rows::Landing(_)) {
                // Alone: those before it have smaller numbers, those after it greater ones.
                let is_alone = self.alone.contains(&batch);
                let place = self.landed.iter().position(|other| is_alone && batch < *other);
                self.landed.insert(place.unwrap_or(self.landed.len()), batch);
            }
        }
    }

    /// There is no other insert into the landing table while this one is on its way.
    pub fn left_alone(&mut self, batch: u64) {
        self.alone.insert(batch);
    }

    /// True while no answer came.
    pub fn is_unknown(&self, batch: u64) -> bool {
        self.batches.get(&batch).is_some_and(|(_, fate)| *fate == Fate::Unknown)
    }

    /// True when it was acknowledged or seen.
    pub fn has_happened(&self, batch: u64) -> bool {
        self.batches.get(&batch).is_some_and(|(_, fate)| *fate == Fate::Happened)
    }

    /// It was refused by name.
    pub fn refuse(&mut self, batch: u64) {
        self.refused += 1;
        self.batches.get_mut(&batch).expect("it was sent").1 = Fate::Absent;
    }

    /// Inserts without an answer, in the order in which they were sent.
    pub fn unknown(&self) -> Vec<u64> {
        self.batches.iter().filter(|(_, (_, fate))| *fate == Fate::Unknown).map(|(batch, _)| *batch).collect()
    }

    /// After a restart: of the inserts without an answer, those in `seen` happened, the others never will.
    pub fn settle(&mut self, seen: &BTreeSet<u64>) {
        for batch in self.unknown() {
            self.unanswered += 1;
            match seen.contains(&batch) {
                true => self.happened(batch),
                false => self.batches.get_mut(&batch).expect("it is listed").1 = Fate::Absent,
            }
        }
    }

    /// An insert of `rows` into the table that is deleted from; its number.
    pub fn send_owned(&mut self, rows: u64) -> u64 {
        let batch = self.owned.len() as u64 + 1;
        self.owned.insert(batch, (rows, Owned::Unknown));
        batch
    }

    /// What became of such an insert, or of its delete.
    pub fn set_owned(&mut self, batch: u64, owned: Owned) {
        self.owned.get_mut(&batch).expect("it was sent").1 = owned;
    }

    /// The newest inserts whose rows are there.
    pub fn owned_there(&self) -> Vec<u64> {
        let there = self.owned.iter().rev().filter(|(_, (_, owned))| *owned == Owned::There);
        there.map(|(batch, _)| *batch).take(20).collect()
    }

    /// After a restart: settles what is unknown by the lines `batch, rows` that were found, and gives the lines that there
    /// must be.
    pub fn settle_owned(&mut self, found: &str) -> Vec<String> {
        let there = |batch: u64| found.lines().any(|line| line.split('\t').next() == Some(&batch.to_string()));
        let mut lines = Vec::new();
        for (batch, (rows, owned)) in &mut self.owned {
            if *owned == Owned::Unknown {
                *owned = if there(*batch) { Owned::There } else { Owned::Gone };
            }
            if *owned == Owned::There {
                lines.push(format!("{batch}\t{rows}"));
            }
        }
        lines
    }

    /// Inserts that happened.
    pub fn count_happened(&self) -> u64 {
        self.batches.values().filter(|(_, fate)| *fate == Fate::Happened).count() as u64
    }

    /// The lines that `SELECT batch, count(), sum(id), sum(k), sum(v) FROM base GROUP BY batch ORDER BY batch` gives.
    pub fn base(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (batch, (rows, fate)) in &self.batches {
            let (Rows::Base(rows), Fate::Happened) = (rows, fate) else { continue };
            let ids: u64 = rows.iter().map(|row| row.0).sum();
            let keys: u64 = rows.iter().map(|row| u64::from(row.1)).sum();
            let values: i64 = rows.iter().map(|row| row.2).sum();
            lines.push(format!("{batch}\t{}\t{ids}\t{keys}\t{values}", rows.len()));
        }
        lines
    }

    /// The lines that landed, in the order of their commits.
    pub fn landing(&self) -> impl Iterator<Item = &Line> {
        self.landed.iter().flat_map(|batch| match &self.batches[batch].0 {
            Rows::Landing(lines) => lines.as_slice(),
            Rows::Base(_) => &[],
        })
    }
}
