//! What must be there: the commits that were answered, and the ones whose answer never came.

use std::collections::{BTreeMap, BTreeSet};

use store::{Receipt, Snapshot};
use types::CommitSeq;

use super::tables::{Keeps, Row, read};

/// Every commit puts its number here.
pub const JOURNAL: &str = "journal";
/// All writers insert here.
pub const SHARED: &str = "shared";

/// What one commit does to the tables.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Change {
    /// A table comes.
    Create { name: String, keeps: Keeps },
    /// A table goes.
    Drop { name: String },
    /// A table gets another name.
    Rename { name: String, to: String },
    /// Two tables change names.
    Exchange { a: String, b: String },
    /// Rows come.
    Insert { name: String, rows: Vec<Row> },
    /// Rows go.
    Truncate { name: String },
    /// Nothing a reader sees: an ALTER.
    Nothing,
}

/// A commit that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its number in the journal.
    pub number: u64,
    /// What it does.
    pub changes: Vec<Change>,
}

/// A table as it must be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableModel {
    /// How it treats rows of one key.
    pub keeps: Keeps,
    /// Its rows in the order of their commits.
    rows: Vec<Row>,
}

impl TableModel {
    fn expected(&self) -> Vec<Row> {
        let mut rows = match self.keeps {
            Keeps::All => self.rows.clone(),
            Keeps::Last => self.rows.iter().copied().collect::<BTreeMap<u64, i64>>().into_iter().collect(),
        };
        rows.sort_unstable();
        rows
    }
}

/// Everything that was acknowledged.
#[derive(Clone, Default, Debug)]
pub struct Model {
    /// The tables that are there before any commit.
    first: BTreeMap<String, TableModel>,
    tables: BTreeMap<String, TableModel>,
    /// Every commit that happened, by its own number. A writer's numbers are in the order of its commits.
    happened: BTreeMap<u64, Sent>,
    /// The numbers of those in the log, where an answer told.
    seqs: BTreeMap<u64, CommitSeq>,
    /// Sent and not answered, by writer.
    in_flight: BTreeMap<usize, Sent>,
    next_number: u64,
    /// Everything that the writers did.
    pub operations: u64,
    /// Commits whose answer never came.
    pub unanswered: u64,
    /// Commits that were refused.
    pub refusals: u64,
}

impl Model {
    /// The tables that there are now.
    pub fn table(&self, name: &str) -> Option<&TableModel> {
        self.tables.get(name)
    }

    /// A table that is there before any commit.
    pub fn begin_with(&mut self, name: &str, keeps: Keeps) {
        self.first.insert(name.to_owned(), TableModel { keeps, rows: Vec::new() });
        self.tables.clone_from(&self.first);
    }

    /// How many commits happened.
    pub fn happened(&self) -> u64 {
        self.happened.len() as u64
    }

    /// A commit goes out.
    pub fn send(&mut self, writer: usize, changes: Vec<Change>) -> u64 {
        self.next_number += 1;
        let number = self.next_number;
        let before = self.in_flight.insert(writer, Sent { number, changes });
        assert!(before.is_none(), "a writer sends one commit at a time");
        number
    }

    /// It was acknowledged.
    pub fn acknowledged(&mut self, writer: usize, receipt: Receipt) {
        let sent = self.in_flight.remove(&writer).expect("what is answered was sent");
        self.seqs.insert(sent.number, receipt.seq);
        self.happen(sent);
    }

    /// It was refused: it must not have happened.
    pub fn refused(&mut self, writer: usize) {
        self.refusals += 1;
        self.in_flight.remove(&writer).expect("what is answered was sent");
    }

    fn happen(&mut self, sent: Sent) {
        for change in sent.changes.clone() {
            self.change(change);
        }
        self.happened.insert(sent.number, sent);
    }

    /// Takes back what a power cut took back, which must be the last commits of the log: what is left is a prefix.
    fn forget(&mut self, lost: &[u64]) {
        let first_lost = lost.iter().filter_map(|number| self.seqs.get(number)).min().copied();
        for number in lost {
            self.happened.remove(number);
            self.seqs.remove(number);
        }
        let behind = self.seqs.iter().find(|(_, seq)| first_lost.is_some_and(|first| first < **seq));
        assert!(behind.is_none(), "commit {behind:?} is there and an earlier one, {first_lost:?}, is lost");
        self.tables.clone_from(&self.first);
        for sent in self.happened.values().cloned().collect::<Vec<_>>() {
            sent.changes.into_iter().for_each(|change| self.change(change));
        }
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Create { name, keeps } => {
                self.tables.insert(name, TableModel { keeps, rows: Vec::new() });
            }
            Change::Drop { name } => {
                self.tables.remove(&name);
            }
            Change::Rename { name, to } => {
                let table = self.tables.remove(&name).expect("a renamed table is there");
                self.tables.insert(to, table);
            }
            Change::Exchange { a, b } => {
                let table_a = self.tables.remove(&a).expect("an exchanged table is there");
                let table_b = self.tables.insert(b, table_a).expect("an exchanged table is there");
                self.tables.insert(a, table_b);
            }
            Change::Insert { name, rows } => {
                self.tables.get_mut(&name).expect("rows go to a table that is there").rows.extend(rows);
            }
            Change::Truncate { name } => {
                self.tables.get_mut(&name).expect("a truncated table is there").rows.clear();
            }
            Change::Nothing => {}
        }
    }

    /// Judges a snapshot in which no commit is in flight: decides what became of the unanswered, then compares all.
    ///
    /// `may_lose`: a power cut may have taken acknowledged commits back.
    pub async fn judge(&mut self, snapshot: &Snapshot, may_lose: bool) {
        let journal = match snapshot.catalog.table("default", JOURNAL) {
            Some(def) => read(snapshot, def.id).await,
            None => Vec::new(),
        };
        let found: BTreeSet<u64> = journal.iter().map(|row| row.0).collect();
        assert_eq!(found.len(), journal.len(), "a commit happened twice");
        for (_, sent) in std::mem::take(&mut self.in_flight) {
            self.unanswered += 1;
            if found.contains(&sent.number) {
                self.happen(sent);
            }
        }
        let happened: BTreeSet<u64> = self.happened.keys().copied().collect();
        let lost: Vec<u64> = happened.difference(&found).copied().collect();
        assert!(may_lose || lost.is_empty(), "acknowledged commits are lost: {lost:?}");
        self.forget(&lost);
        let surplus: Vec<_> = found.difference(&happened).collect();
        assert!(surplus.is_empty(), "refused commits happened: {surplus:?}");
        self.compare_tables(snapshot).await;
    }

    async fn compare_tables(&self, snapshot: &Snapshot) {
        let names: Vec<String> =
            snapshot.catalog.tables_of("default").map(|def| def.name.to_string()).filter(|n| n != JOURNAL).collect();
        let expected: Vec<String> = self.tables.keys().cloned().collect();
        assert_eq!(names, expected, "other tables than those that were made");
        for (name, table) in &self.tables {
            let def = snapshot.catalog.table("default", name).expect("the names were compared");
            assert_eq!(read(snapshot, def.id).await, table.expected(), "rows of table {name}");
        }
    }
}
