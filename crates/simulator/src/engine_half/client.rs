//! One client: random statements, one after another, in a session of its own.

use std::sync::Arc;
use std::time::Duration;

use engine::{Engine, Error, Request, Session};
use env::Rng;
use env::simulated::SeededRng;
use parking_lot::Mutex;
use store::CommitError;
use tokio::sync::RwLock;

use super::model::{Model, Rows};
use super::tables::{AT_ONCE, MERGED, session, text};
use super::window::{Event, Line};

/// Keys of the base table.
const KEYS: u64 = 12;
/// Event time moves on by this much an insert, on average.
const STEP_MS: i64 = 1_500;
/// Inserts after one that was left; a fault hits one of them at most.
const TRIES_MAX: usize = 4;

/// A client of one run of the program.
pub struct Client {
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
            let goes = match self.rng.below(20) {
                0 => self.optimize(&mut session).await,
                1..=2 => self.read(&mut session).await,
                3 => self.leave_base(&mut session).await,
                4 => self.leave_landing(&mut session).await,
                5..=11 => self.land(&mut session).await,
                _ => {
                    let (batch, request) = self.base();
                    self.insert(&mut session, batch, request).await
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
        let query = AT_ONCE[self.rng.below(AT_ONCE.len() as u64) as usize];
        match text(session, query).await {
            Ok(answer) => {
                let sides: std::collections::BTreeSet<&str> = answer.lines().collect();
                assert_eq!(sides.len(), 1, "a reader saw a base table without its views: {answer:?}");
                Goes::On
            }
            Err(error) if error.kind() == engine::ErrorKind::Internal => Goes::Stops,
            Err(error) => panic!("{query}: {error}"),
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
                    // Nothing but a fault of the disk or a conflict may refuse an insert.
                    let message = error.to_string();
                    let is_fault = ["input/output error", "no space left"].iter().any(|fault| message.contains(fault));
                    let expected =
                        error.kind() == engine::ErrorKind::Retry || commit_error(&error).is_some() || is_fault;
                    assert!(expected, "insert {batch}: {error} ({:?})", error.code());
                    self.model.lock().refuse(batch);
                    Goes::On
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
        }
        panic!("no insert into the landing table goes through any more");
    }

    /// Whether an insert without an answer happened: a later one has, so it can only be there or never.
    async fn look_for(&self, session: &mut Session, left: u64) -> Goes {
        let query = format!(
            "SELECT (SELECT count() FROM landed WHERE batch = {left}) + (SELECT count() FROM dead WHERE \
             position(raw, 'b{left}x') > 0)"
        );
        let Ok(count) = text(session, &query).await else { return Goes::Stops };
        match count.trim() {
            "0" => self.model.lock().refuse(left),
            _ => self.model.lock().happened(left),
        }
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
        self.cut_into_blocks(&mut request);
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
        self.cut_into_blocks(&mut request);
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

    /// At times a statement is many blocks, and one commit all the same.
    fn cut_into_blocks(&self, request: &mut Request) {
        if self.rng.chance(30) {
            request.settings.push(("max_insert_block_size".to_owned(), (1 + self.rng.below(20)).to_string()));
        }
    }
}

fn commit_error(error: &Error) -> Option<&CommitError> {
    match error {
        Error::Commit(error) | Error::Views(views::Error::Commit(error)) => Some(error),
        _ => None,
    }
}
