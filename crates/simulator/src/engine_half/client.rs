//! One client: random statements, one after another, in a session of its own.

use std::sync::Arc;
use std::time::Duration;

use engine::{Engine, Error, Request, Session};
use env::Rng;
use env::simulated::SeededRng;
use parking_lot::Mutex;
use store::CommitError;
use tokio::sync::RwLock;
use types::ErrorCode;

use super::model::{Model, Owned, Rows};
use super::tables::{AT_ONCE, AT_ONCE_SUBQUERIES, EXTRAS, MENDING, MERGED, extra, session, text};
use super::window::{Event, Line};
use crate::weather;

/// Keys of the base table.
const KEYS: u64 = 12;
/// Blocks that an insert is cut into, at most.
const BLOCKS_MAX: u64 = 6;
/// Event time moves on by this much an insert, on average.
const STEP_MS: i64 = 1_500;
/// Inserts after one that was left: faults hit some of them, a full disk all of a while.
const TRIES_MAX: usize = 40;
/// Between two of them.
const TRY_AGAIN: Duration = Duration::from_millis(30);

/// A client of one run of the program.
pub struct Client {
    /// Its number.
    pub number: u64,
    /// What it asks.
    pub engine: Engine,
    /// What all clients have done.
    pub model: Arc<Mutex<Model>>,
    /// Held alone by who goes away in the middle of an insert into the landing table: what comes behind it in the order
    /// of commits is then known.
    pub landing: Arc<RwLock<()>>,
    /// Its choices.
    pub rng: SeededRng,
}

/// Whether a client can go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Goes {
    On,
    /// The engine has stopped.
    Stops,
}

impl Client {
    /// Works until the engine stops or `steps` are done.
    pub async fn run(self, steps: u64) {
        let mut session = session(&self.engine);
        for _ in 0..steps {
            self.model.lock().operations += 1;
            let goes = match self.rng.below(36) {
                0 => self.optimize(&mut session).await,
                1..=3 => self.read(&mut session).await,
                4 => self.leave_base(&mut session).await,
                5 => self.leave_landing(&mut session).await,
                6..=11 => self.land(&mut session).await,
                12 => self.define(&mut session).await,
                13..=16 => self.own(&mut session).await,
                17 => self.disown(&mut session).await,
                18..=19 => self.send_again(&mut session).await,
                20..=25 => self.merge_rows(&mut session).await,
                26..=27 => self.mend(&mut session).await,
                _ => {
                    let (batch, request) = self.base();
                    self.insert_with_token(&mut session, batch, request).await
                }
            };
            if goes == Goes::Stops {
                return;
            }
        }
    }

    async fn optimize(&self, session: &mut Session) -> Goes {
        let table = MERGED[self.rng.below(MERGED.len() as u64) as usize];
        let end = if self.rng.chance(70) { " FINAL" } else { "" };
        // It may fail by an injected fault or give up; either way no answer changes.
        let _outcome = text(session, &format!("OPTIMIZE TABLE {table}{end}")).await;
        Goes::On
    }

    /// A reader sees base table and views of the same commit.
    async fn read(&self, session: &mut Session) -> Goes {
        let query = if self.rng.chance(10) { AT_ONCE_SUBQUERIES } else { AT_ONCE };
        match text(session, query).await {
            Ok(answer) => {
                let sides: std::collections::BTreeSet<&str> = answer.lines().collect();
                assert_eq!(sides.len(), 1, "a reader saw a base table without its views: {answer:?}");
                Goes::On
            }
            Err(error) => self.excuse(query, &error),
        }
    }

    /// Makes or drops a view over the base table, or changes a comment, while others insert.
    async fn define(&self, session: &mut Session) -> Goes {
        let number = self.rng.below(EXTRAS);
        let statement = match self.rng.below(4) {
            0 => format!("DROP VIEW IF EXISTS extra{number}"),
            1 => {
                // A change of the base table makes every view over it be planned again, which takes long.
                let table = if self.rng.chance(20) { "base" } else { "owned" };
                format!("ALTER TABLE {table} MODIFY COMMENT 'comment {}'", self.rng.below(1000))
            }
            _ => extra(number),
        };
        match text(session, &statement).await {
            Ok(_) => Goes::On,
            Err(error) if error.code() == ErrorCode::TABLE_ALREADY_EXISTS => Goes::On,
            // Another client dropped or altered the same meanwhile.
            Err(error) if error.code() == ErrorCode::UNKNOWN_TABLE => Goes::On,
            Err(error) => self.excuse(&statement, &error),
        }
    }

    /// Breaks or mends the view that puts rows aside, or takes what waits through it again.
    async fn mend(&self, session: &mut Session) -> Goes {
        let statement = MENDING[self.rng.below(MENDING.len() as u64) as usize];
        match text(session, statement).await {
            Ok(_) => Goes::On,
            // it is still broken: all of it waits on
            Err(error) if error.code() == ErrorCode::FUNCTION_THROW_IF_VALUE_IS_NON_ZERO => Goes::On,
            Err(error) => self.excuse(statement, &error),
        }
    }

    /// Inserts rows that may be deleted later.
    async fn own(&self, session: &mut Session) -> Goes {
        let rows = if self.rng.chance(20) { 150 } else { 1 + self.rng.below(5) };
        let batch = self.model.lock().send_owned(rows);
        let statement = if self.rng.chance(10) {
            format!("INSERT INTO owned SELECT {}, {batch}, number FROM numbers({rows})", self.number)
        } else {
            let values: Vec<_> = (0..rows).map(|row| format!("({}, {batch}, {row})", self.number)).collect();
            format!("INSERT INTO owned VALUES {}", values.join(", "))
        };
        self.change_owned(session, batch, &statement, [Owned::There, Owned::Gone]).await
    }

    /// Deletes the rows of an earlier insert.
    async fn disown(&self, session: &mut Session) -> Goes {
        let there = self.model.lock().owned_there();
        let Some(batch) = there.get(self.rng.below(there.len().max(1) as u64) as usize).copied() else {
            return Goes::On;
        };
        self.model.lock().set_owned(batch, Owned::Unknown);
        let statement = match self.rng.chance(50) {
            true => format!("ALTER TABLE owned DELETE WHERE batch = {batch}"),
            false => format!("DELETE FROM owned WHERE batch = {batch}"),
        };
        self.change_owned(session, batch, &statement, [Owned::Gone, Owned::There]).await
    }

    /// Runs a statement after which the rows are `done`, or `refused` when it is refused by name.
    async fn change_owned(&self, session: &mut Session, batch: u64, statement: &str, fates: [Owned; 2]) -> Goes {
        let [done, refused] = fates;
        match text(session, statement).await {
            Ok(_) => {
                self.model.lock().set_owned(batch, done);
                Goes::On
            }
            Err(error) => {
                if !matches!(commit_error(&error), Some(CommitError::Unknown(_))) {
                    self.model.lock().set_owned(batch, refused);
                }
                self.excuse(statement, &error)
            }
        }
    }

    /// Changes a key of one of the tables whose engines merge rows.
    async fn merge_rows(&self, session: &mut Session) -> Goes {
        let Some(change) = self.model.lock().rules.change(self.number, &self.rng) else { return Goes::On };
        let done = text(session, &change.statement).await;
        match &done {
            Err(error) if matches!(commit_error(error), Some(CommitError::Unknown(_))) => {}
            done => self.model.lock().rules.settle(&change, done.is_ok()),
        }
        done.map_or_else(|error| self.excuse(&change.statement, &error), |_| Goes::On)
    }

    /// Whether the client can go on after a refusal, which something must explain.
    fn excuse(&self, statement: &str, error: &Error) -> Goes {
        if matches!(commit_error(error), Some(CommitError::Unknown(_) | CommitError::Stopped(_))) {
            return Goes::Stops;
        }
        let message = error.to_string();
        let is_busy = matches!(error.code(), ErrorCode::CANNOT_ASSIGN_ALTER | ErrorCode::CANNOT_ASSIGN_OPTIMIZE);
        let expected = error.kind() == engine::ErrorKind::Retry
            || is_busy
            || commit_error(error).is_some_and(|error| error.code() == ErrorCode::NOT_ENOUGH_SPACE)
            || weather::explains(&message);
        assert!(expected, "{statement}: {error} ({:?})", error.code());
        Goes::On
    }

    /// An insert into the base table, at times with a token.
    async fn insert_with_token(&self, session: &mut Session, batch: u64, mut request: Request) -> Goes {
        if !self.rng.chance(40) {
            return self.insert(session, batch, request).await;
        }
        let token = format!("t{batch}");
        request.settings.push(("insert_deduplication_token".to_owned(), token.clone()));
        let statement = String::from_utf8_lossy(&request.text).into_owned();
        let goes = self.insert(session, batch, request).await;
        let mut model = self.model.lock();
        if model.has_happened(batch) {
            model.tokens.push((token, statement));
        }
        goes
    }

    /// Sends an insert that was acknowledged again, in this run of the program or a later one: nothing happens.
    async fn send_again(&self, session: &mut Session) -> Goes {
        let known = self.model.lock().tokens.clone();
        let Some((token, statement)) = known.get(self.rng.below(known.len().max(1) as u64) as usize) else {
            return Goes::On;
        };
        let mut request = Request::new(statement.clone());
        request.settings.push(("insert_deduplication_token".to_owned(), token.clone()));
        match session.execute(request).await {
            Ok(_) => Goes::On,
            Err(error) => self.excuse(statement, &error),
        }
    }

    async fn land(&self, session: &mut Session) -> Goes {
        let _together = self.landing.read().await;
        let (batch, request) = self.landing_insert();
        self.insert(session, batch, request).await
    }

    /// Sends an insert and tells the model.
    async fn insert(&self, session: &mut Session, batch: u64, request: Request) -> Goes {
        match session.execute(request).await {
            Ok(_done) => {
                self.model.lock().happened(batch);
                Goes::On
            }
            Err(error) => match commit_error(&error) {
                Some(CommitError::Unknown(_)) => Goes::Stops,
                Some(CommitError::Stopped(_)) => {
                    self.model.lock().refuse(batch);
                    Goes::Stops
                }
                _ => {
                    // Nothing but a fault of the disk may refuse an insert: definitions wait for it.
                    let is_lost = error.kind() == engine::ErrorKind::Retry;
                    assert!(!is_lost, "insert {batch} lost against a definition change: {error}");
                    self.model.lock().refuse(batch);
                    self.excuse("INSERT", &error)
                }
            },
        }
    }

    /// Goes away in the middle of an insert, as a client does whose connection breaks.
    async fn leave_base(&self, session: &mut Session) -> Goes {
        let (batch, request) = self.base();
        self.insert_and_leave(session, batch, request).await
    }

    /// The same into the landing table; what the next insert finds there is the truth.
    async fn leave_landing(&self, session: &mut Session) -> Goes {
        let _alone = self.landing.write().await;
        let (left, request) = self.landing_insert();
        self.model.lock().left_alone(left);
        if self.insert_and_leave(session, left, request).await == Goes::Stops {
            return Goes::Stops;
        }
        if !self.model.lock().is_unknown(left) {
            return Goes::On;
        }
        for _ in 0..TRIES_MAX {
            let (next, request) = self.landing_insert();
            if self.insert(session, next, request).await == Goes::Stops {
                return Goes::Stops;
            }
            if self.model.lock().has_happened(next) {
                return self.look_for(session, left).await;
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
        panic!("no insert into the landing table goes through any more");
    }

    /// Whether an insert without an answer happened: a later one has, so it can only be there or never.
    async fn look_for(&self, session: &mut Session, left: u64) -> Goes {
        for query in [
            format!("SELECT batch FROM landed WHERE batch = {left} LIMIT 1"),
            format!("SELECT raw FROM dead WHERE position(raw, 'b{left}x') > 0 LIMIT 1"),
        ] {
            let Ok(found) = text(session, &query).await else { return Goes::Stops };
            if !found.is_empty() {
                self.model.lock().happened(left);
                return Goes::On;
            }
        }
        self.model.lock().refuse(left);
        Goes::On
    }

    async fn insert_and_leave(&self, session: &mut Session, batch: u64, request: Request) -> Goes {
        let patience = Duration::from_micros(self.rng.below(8_000));
        match tokio::time::timeout(patience, self.insert(session, batch, request)).await {
            Ok(goes) => goes,
            Err(_left) => Goes::On,
        }
    }

    /// The next insert into the base table.
    fn base(&self) -> (u64, Request) {
        let mut model = self.model.lock();
        let batch = model.next_batch();
        let count = if self.rng.chance(10) { 200 } else { 1 + self.rng.below(6) };
        let rows: Vec<_> = (0..count)
            .map(|row| (batch * 1000 + row, self.rng.below(KEYS) as u32, self.rng.below(2001) as i64 - 1000))
            .collect();
        let mut request = if self.rng.chance(50) {
            let values = rows.iter().map(|(id, k, v)| format!("({batch}, {id}, {k}, {v})")).collect::<Vec<_>>();
            Request::new(format!("INSERT INTO base VALUES {}", values.join(", ")))
        } else {
            let lines = rows.iter().map(|(id, k, v)| format!(r#"{{"batch":{batch},"id":{id},"k":{k},"v":{v}}}"#));
            Request::new(format!("INSERT INTO base FORMAT JSONEachRow\n{}\n", lines.collect::<Vec<_>>().join("\n")))
        };
        self.cut_into_blocks(&mut request, count);
        model.send(batch, Rows::Base(rows));
        (batch, request)
    }

    /// The next insert into the landing table.
    fn landing_insert(&self) -> (u64, Request) {
        let mut model = self.model.lock();
        let batch = model.next_batch();
        let count = if self.rng.chance(10) { 60 } else { 1 + self.rng.below(8) };
        let lines: Vec<Line> = (0..count).map(|row| self.line(batch, row)).collect();
        let text = lines.iter().map(Line::text).collect::<Vec<_>>().join("\n");
        let mut request = Request::new(format!("INSERT INTO landing FORMAT JSONEachRow\n{text}\n"));
        self.cut_into_blocks(&mut request, count);
        model.send(batch, Rows::Landing(lines));
        (batch, request)
    }

    fn line(&self, batch: u64, row: u64) -> Line {
        if self.rng.chance(5) {
            return Line::Garbage(format!("b{batch}x row {row} is no row"));
        }
        let now_ms = batch as i64 * STEP_MS;
        // Ids come back soon, long after, or never.
        let id = match self.rng.below(10) {
            0 => format!("often{}", self.rng.below(20)),
            1 => format!("b{}x0", 1 + self.rng.below(batch)),
            _ => format!("b{batch}x{row}"),
        };
        let product = if self.rng.chance(5) { String::new() } else { format!("p{}", self.rng.below(4)) };
        let kind = if self.rng.chance(60) { "view" } else { "click" };
        let id = if product.is_empty() { format!("b{batch}x{row}") } else { id };
        let jitter_ms = if self.rng.chance(10) { self.rng.below(30_000) } else { self.rng.below(6_000) };
        Line::Event(Event { batch, id, product, kind, at_ms: (now_ms - jitter_ms as i64).max(0) })
    }

    /// At times a statement is several blocks, and one commit all the same.
    fn cut_into_blocks(&self, request: &mut Request, rows: u64) {
        if self.rng.chance(30) {
            let size = 1 + rows / BLOCKS_MAX + self.rng.below(6);
            request.settings.push(("max_insert_block_size".to_owned(), size.to_string()));
        }
    }
}

fn commit_error(error: &Error) -> Option<&CommitError> {
    match error {
        Error::Commit(error) | Error::Views(views::Error::Commit(error)) => Some(error),
        _ => None,
    }
}
