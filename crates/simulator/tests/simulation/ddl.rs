//! Definition changes and inserts that meet: each lets the other pass, and neither fails because of it.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use engine::{Answer, Engine, EngineConfig, Request, Session};
use env::simulated::Machine;
use tokio::sync::mpsc;

const TABLES: &[&str] = &[
    "CREATE TABLE t (k UInt64, v UInt64) ENGINE = MergeTree ORDER BY k",
    "CREATE MATERIALIZED VIEW sums ENGINE = SummingMergeTree ORDER BY k AS SELECT k, sum(v) AS v FROM t GROUP BY k",
];

const COUNTS: &str = "CREATE MATERIALIZED VIEW counts ENGINE = SummingMergeTree ORDER BY k AS SELECT k, count() AS n FROM t \
     GROUP BY k";

async fn engine() -> Engine {
    let machine = Machine::new(1, 1_763_769_600_000_000_000);
    let engine = Engine::open(machine.env(), Path::new("/data"), EngineConfig::default()).await.unwrap();
    for definition in TABLES {
        ask(&engine, definition).await.unwrap();
    }
    engine
}

fn session(engine: &Engine) -> Session {
    engine.session(&engine::Credentials::default()).unwrap()
}

async fn ask(engine: &Engine, query: &str) -> engine::Result<String> {
    run(engine, Request::new(query.to_owned())).await
}

async fn run(engine: &Engine, request: Request) -> engine::Result<String> {
    match session(engine).execute(request).await? {
        Answer::Rows(rows) => Ok(String::from_utf8_lossy(&rows.encode_all().await?).into_owned()),
        Answer::Done(_) => Ok(String::new()),
    }
}

/// An insert whose rows come when they are sent.
fn slow_insert(engine: &Engine) -> (mpsc::Sender<&'static str>, tokio::task::JoinHandle<engine::Result<String>>) {
    let (sender, receiver) = mpsc::channel::<&'static str>(1);
    let data = futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|line| (Ok(Bytes::from(line)), receiver))
    });
    let request = Request { data: Some(Box::pin(data)), ..Request::new("INSERT INTO t FORMAT CSV\n") };
    let engine = engine.clone();
    (sender, tokio::spawn(async move { run(&engine, request).await }))
}

fn statement(engine: &Engine, text: &'static str) -> tokio::task::JoinHandle<engine::Result<String>> {
    let engine = engine.clone();
    tokio::spawn(async move { ask(&engine, text).await })
}

async fn settle() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_view_waits_for_the_insert_under_way_and_sees_all_later_ones() {
    let engine = engine().await;
    let (rows, insert) = slow_insert(&engine);
    rows.send("1,10\n").await.unwrap();
    settle().await;
    let create = statement(&engine, COUNTS);
    settle().await;
    let later = statement(&engine, "INSERT INTO t VALUES (2, 20)");
    settle().await;
    assert!(!create.is_finished() && !later.is_finished());
    rows.send("1,11\n").await.unwrap();
    drop(rows);
    insert.await.unwrap().expect("the insert that was first goes through");
    create.await.unwrap().expect("the view is made");
    later.await.unwrap().expect("the insert that came later goes through");
    assert_eq!(ask(&engine, "SELECT k, v FROM t ORDER BY v").await.unwrap(), "1\t10\n1\t11\n2\t20\n");
    assert_eq!(ask(&engine, "SELECT k, v FROM sums FINAL ORDER BY k").await.unwrap(), "1\t21\n2\t20\n");
    assert_eq!(ask(&engine, "SELECT k, n FROM counts FINAL").await.unwrap(), "2\t1\n");
}

#[tokio::test(start_paused = true)]
async fn an_insert_that_was_overtaken_is_made_again() {
    let engine = engine().await;
    let (rows, insert) = slow_insert(&engine);
    rows.send("1,10\n").await.unwrap();
    settle().await;
    // It waits its second, then goes first.
    let mut request = Request::new(COUNTS);
    request.settings.push(("lock_acquire_timeout".to_owned(), "1".to_owned()));
    run(&engine, request).await.expect("the view is made while the insert still waits for rows");
    drop(rows);
    insert.await.unwrap().expect("it holds its rows: it is made again, through the new view as well");
    assert_eq!(ask(&engine, "SELECT k, v FROM t").await.unwrap(), "1\t10\n");
    assert_eq!(ask(&engine, "SELECT k, v FROM sums FINAL").await.unwrap(), "1\t10\n");
    assert_eq!(ask(&engine, "SELECT k, n FROM counts FINAL").await.unwrap(), "1\t1\n");
}

#[tokio::test(start_paused = true)]
async fn an_insert_into_a_table_that_is_dropped_meanwhile_says_that_it_is_gone() {
    let engine = engine().await;
    let (rows, insert) = slow_insert(&engine);
    rows.send("1,10\n").await.unwrap();
    settle().await;
    let mut request = Request::new("DROP TABLE t");
    request.settings.push(("lock_acquire_timeout".to_owned(), "0".to_owned()));
    run(&engine, request).await.unwrap();
    drop(rows);
    let error = insert.await.unwrap().unwrap_err();
    assert_eq!(error.code(), types::ErrorCode::UNKNOWN_TABLE, "{error}");
}
