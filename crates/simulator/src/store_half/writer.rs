//! One writer: random commits on its own tables, each with a row in the shared table at times and one in the journal.

use std::sync::Arc;

use env::Rng;
use env::simulated::SeededRng;
use parking_lot::Mutex;
use store::{Commit, CommitError, Conflict, Edit, MergeWork, QualifiedName, Store, TableDef};

use super::model::{Change, JOURNAL, Model, SHARED};
use super::tables::{Keeps, Row, shaped, table_def};

/// Tables of one writer.
const TABLES: u64 = 2;
/// Keys are few, so that ReplacingMergeTree has something to replace.
const KEYS: u64 = 40;

/// A writer of one run of the program.
pub struct Writer {
    /// Its number; the same writer owns the same tables in every run.
    pub number: usize,
    /// The store it writes to.
    pub store: Store,
    /// What it has done.
    pub model: Arc<Mutex<Model>>,
    /// Its choices.
    pub rng: SeededRng,
}

/// Whether a writer can go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Goes {
    On,
    /// The store has stopped.
    Stops,
}

impl Writer {
    /// Works until the store stops or `steps` are done.
    pub async fn run(self, steps: u64) {
        for _ in 0..steps {
            self.model.lock().operations += 1;
            let goes = match self.rng.below(20) {
                0 => self.checkpoint().await,
                1..=2 => self.merge().await,
                _ => self.commit().await,
            };
            if goes == Goes::Stops {
                return;
            }
        }
    }

    async fn checkpoint(&self) -> Goes {
        // A checkpoint may fail by an injected fault; then nothing is lost, which the oracle will see.
        let _failed = self.store.checkpoint().await;
        if self.store.stop_reason().is_some() { Goes::Stops } else { Goes::On }
    }

    async fn merge(&self) -> Goes {
        let snapshot = self.store.snapshot();
        let tables: Vec<_> = snapshot.parts.tables().filter(|(_, parts)| 0 < parts.count()).collect();
        let Some((table, parts)) = pick(&self.rng, &tables) else { return Goes::On };
        let partitions: Vec<_> = parts.partitions().collect();
        let Some(partition) = pick(&self.rng, &partitions) else { return Goes::On };
        for plan in store::MergePolicy.plan_whole(**table, parts, partition) {
            // Given up or failed: either way no answer changes.
            let _outcome = self.store.merge(&plan, &MergeWork::default()).await;
        }
        if self.store.stop_reason().is_some() { Goes::Stops } else { Goes::On }
    }

    async fn commit(&self) -> Goes {
        let mut changes = vec![self.choose()];
        if self.rng.chance(30) {
            changes.push(Change::Insert { name: SHARED.to_owned(), rows: self.rows() });
        }
        let number = self.model.lock().send(self.number, changes.clone());
        let commit = match self.edits(&changes, number).await {
            Ok(edits) => Commit::of(edits),
            // Staging failed: nothing was sent.
            Err(_) => {
                self.model.lock().refused(self.number);
                return Goes::On;
            }
        };
        self.answer(self.store.commit(commit.clone()).await, commit).await
    }

    /// Tells the model; sends an acknowledged commit with a token again at times.
    async fn answer(&self, answer: Result<store::Receipt, CommitError>, commit: Commit) -> Goes {
        match answer {
            Ok(receipt) => {
                self.model.lock().acknowledged(self.number, receipt);
                let has_token = commit.edits.iter().any(|edit| matches!(edit, Edit::Token { .. }));
                if has_token && self.rng.chance(50) {
                    return self.send_again(commit, receipt).await;
                }
                Goes::On
            }
            Err(CommitError::Unknown(_)) => Goes::Stops,
            Err(CommitError::Stopped(_)) => {
                self.model.lock().refused(self.number);
                Goes::Stops
            }
            Err(error) => {
                assert!(!matches!(error, CommitError::Conflict(Conflict::Malformed(_))), "{error}");
                self.model.lock().refused(self.number);
                Goes::On
            }
        }
    }

    async fn send_again(&self, commit: Commit, first: store::Receipt) -> Goes {
        match self.store.commit(commit).await {
            Err(CommitError::Conflict(Conflict::Duplicate(receipt))) => {
                assert_eq!(receipt, first, "a token gives the first receipt");
                Goes::On
            }
            Err(CommitError::Stopped(_)) => Goes::Stops,
            Err(CommitError::NoRoom { .. } | CommitError::NoSpace { .. } | CommitError::TooManyParts { .. }) => {
                Goes::On
            }
            other => panic!("a token was taken twice: {other:?}"),
        }
    }

    /// One of this writer's tables, by the name it has in a slot.
    fn name(&self, slot: u64) -> String {
        format!("w{}_{slot}", self.number)
    }

    fn rows(&self) -> Vec<Row> {
        let count = if self.rng.chance(20) { 300 } else { 1 + self.rng.below(8) };
        (0..count).map(|_| (self.rng.below(KEYS), self.rng.below(1_000_000) as i64)).collect()
    }

    fn choose(&self) -> Change {
        let model = self.model.lock();
        let (name, other) = match self.rng.below(TABLES) {
            0 => (self.name(0), self.name(1)),
            _ => (self.name(1), self.name(0)),
        };
        if model.table(&name).is_none() {
            let keeps = if self.rng.chance(50) { Keeps::All } else { Keeps::Last };
            return Change::Create { name, keeps };
        }
        match self.rng.below(40) {
            0 => Change::Drop { name },
            1..=2 => Change::Truncate { name },
            3 => Change::Nothing,
            4..=5 if model.table(&other).is_none() => Change::Rename { name, to: other },
            4..=5 => Change::Exchange { a: name, b: other },
            _ => Change::Insert { name, rows: self.rows() },
        }
    }

    /// The edits of these changes, staged, with the journal's row.
    async fn edits(&self, changes: &[Change], number: u64) -> store::Result<Vec<Edit>> {
        let mut edits = Vec::new();
        for change in changes {
            match change {
                Change::Create { name, keeps } => {
                    edits.push(Edit::CreateTable(Arc::new(table_def(self.store.new_table_id(), name, *keeps))));
                }
                Change::Drop { name } => edits.push(Edit::DropTable { table: self.table(name).id }),
                Change::Rename { name, to } => {
                    let to = QualifiedName::new("default", to.as_str());
                    edits.push(Edit::RenameTable { table: self.table(name).id, to });
                }
                Change::Exchange { a, b } => {
                    edits.push(Edit::ExchangeTables { a: self.table(a).id, b: self.table(b).id });
                }
                Change::Truncate { name } => {
                    edits.push(Edit::Truncate { table: self.table(name).id, partition: None });
                }
                Change::Insert { name, rows } => {
                    edits.push(self.insert(name, rows).await?);
                    if self.rng.chance(20) {
                        let token = format!("{number}-{name}").into();
                        edits.push(Edit::Token { table: self.table(name).id, token, window: None });
                    }
                }
                Change::Nothing => edits.extend(self.alter()),
            }
        }
        edits.push(self.insert(JOURNAL, &[(number, self.number as i64)]).await?);
        Ok(edits)
    }

    async fn insert(&self, name: &str, rows: &[Row]) -> store::Result<Edit> {
        let def = self.table(name);
        let schema = def.schema.as_ref().expect("every table here has a layout");
        let keeps = match schema.merge_mode {
            parts::MergeMode::Plain => Keeps::All,
            _ => Keeps::Last,
        };
        let part = self.store.stage(schema, &parts::Derived::default(), shaped(keeps, rows)).await?;
        Ok(Edit::Insert { table: def.id, version: def.version, parts: part.into_iter().collect() })
    }

    /// Changes a comment of one of the own tables.
    fn alter(&self) -> Option<Edit> {
        let snapshot = self.store.snapshot();
        let def = snapshot.catalog.table("default", &self.name(0))?;
        let comment = format!("comment {}", self.rng.below(1000)).into();
        Some(Edit::AlterTable(Arc::new(TableDef { comment, ..(**def).clone() })))
    }

    fn table(&self, name: &str) -> Arc<TableDef> {
        let snapshot = self.store.snapshot();
        Arc::clone(snapshot.catalog.table("default", name).expect("the model and the store have the same tables"))
    }
}

fn pick<'a, T>(rng: &SeededRng, items: &'a [T]) -> Option<&'a T> {
    items.get(usize::try_from(rng.below(items.len() as u64)).ok()?)
}
