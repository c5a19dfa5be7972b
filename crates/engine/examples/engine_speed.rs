//! How long a lookup and a plan take in this process: `cargo run --release -p engine --example engine_speed [KEYS]`.
//!
//! Prints, in microseconds, the median and the 99th percentile of a whole statement (text in, block out): a lookup by the
//! whole key, the same question through a plan that is kept, and through a plan that is made each time.

use std::time::Instant;

use engine::{Answer, Credentials, Engine, EngineConfig, Request, Session};

const ROUNDS: usize = 5_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let keys: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let folder = std::env::temp_dir().join(format!("everview-speed-{}", std::process::id()));
    let engine = Engine::open(env::real::env(), &folder, EngineConfig::server(&folder)).await?;
    let mut session = engine.session(&Credentials::default())?;
    for text in [
        "CREATE TABLE t (k UInt64, v String, ver UInt32) ENGINE = ReplacingMergeTree(ver) ORDER BY k".to_owned(),
        format!("INSERT INTO t SELECT number, toString(number), 1 FROM numbers({keys})"),
    ] {
        run(&mut session, text).await?;
    }
    let key = |round: usize| (round as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) % keys;
    let lookup = |round: usize| format!("SELECT v, ver FROM t FINAL WHERE k = {}", key(round));
    let kept = |_: usize| "SELECT v, ver FROM t FINAL WHERE k = 7 AND ver > 0".to_owned();
    let fresh = |round: usize| format!("SELECT v, ver FROM t FINAL WHERE k = {} AND ver > 0", key(round));
    // granules and the key index come into memory
    for round in 0..4 * ROUNDS {
        run(&mut session, lookup(round)).await?;
    }
    measure(&mut session, "lookup", lookup).await?;
    measure(&mut session, "kept plan", kept).await?;
    measure(&mut session, "fresh plan", fresh).await?;
    engine.close().await?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

async fn measure(session: &mut Session, what: &str, text: impl Fn(usize) -> String) -> engine::Result<()> {
    let mut times = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let text = text(round);
        let started = Instant::now();
        run(session, text).await?;
        times.push(started.elapsed().as_nanos() as f64 / 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!("{what}: p50 {:.1} µs, p99 {:.1} µs", times[ROUNDS / 2], times[ROUNDS * 99 / 100]);
    Ok(())
}

async fn run(session: &mut Session, text: String) -> engine::Result<()> {
    match session.execute(Request::new(text)).await? {
        Answer::Rows(rows) => rows.collect().await.map(drop),
        Answer::Done(_) => Ok(()),
    }
}
