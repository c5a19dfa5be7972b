//! Dropped tables come back while their time lasts, over starts, and give their space back afterwards.

use std::path::Path;
use std::time::Duration;

use env::simulated::Machine;

use crate::testing::{code, config, done, rows, run};
use crate::{Credentials, Engine, EngineConfig, Session};

const DELAY: Duration = Duration::from_secs(480);

async fn open(machine: &Machine) -> (Engine, Session) {
    let engine = Engine::open(machine.env(), Path::new("/db"), EngineConfig { drop_delay: DELAY, ..config() }).await;
    let engine = engine.unwrap();
    let session = engine.session(&Credentials::default()).unwrap();
    (engine, session)
}

fn files(machine: &Machine) -> usize {
    machine.disk.paths().into_iter().filter(|path| path.parent() == Some("/db/parts".as_ref())).count()
}

async fn create(session: &mut Session) {
    done(session, "CREATE TABLE t (k UInt64, s String) ENGINE = MergeTree ORDER BY k").await;
    done(session, "INSERT INTO t SELECT number, repeat('x', 100) FROM numbers(100)").await;
}

#[test]
fn a_dropped_table_ends_after_the_delay_and_not_before() {
    run(async {
        let mut machine = Machine::new(7, 1_763_000_000_000_000_000);
        let (engine, mut session) = open(&machine).await;
        create(&mut session).await;
        done(&mut session, "DROP TABLE t").await;
        engine.env().clock.sleep(DELAY - Duration::from_secs(20)).await;
        // the age is that of the table, not of the process
        machine.cut_power();
        drop((engine, session));
        let (engine, mut session) = open(&machine).await;
        engine.env().clock.sleep(Duration::from_secs(10)).await;
        assert_eq!(rows(&mut session, "SELECT table FROM system.dropped_tables").await, ["t"]);
        done(&mut session, "UNDROP TABLE t").await;
        assert_eq!(rows(&mut session, "SELECT count(), sum(k) FROM t").await, ["100\t4950"]);
        done(&mut session, "DROP TABLE t").await;
        assert_ne!(files(&machine), 0);
        engine.env().clock.sleep(DELAY + Duration::from_secs(10)).await;
        assert_eq!(rows(&mut session, "SELECT table FROM system.dropped_tables").await, [""; 0]);
        assert_eq!(code(&mut session, "UNDROP TABLE t").await, 60);
        assert_eq!(files(&machine), 0, "its space is free");
        engine.close().await.unwrap();
    });
}

#[test]
fn space_is_free_at_once_with_sync_and_without_a_delay() {
    run(async {
        let machine = Machine::new(7, 1_763_000_000_000_000_000);
        let (engine, mut session) = open(&machine).await;
        create(&mut session).await;
        done(&mut session, "DROP TABLE t SYNC").await;
        engine.env().clock.sleep(Duration::from_secs(1)).await;
        assert_eq!(files(&machine), 0);
        engine.close().await.unwrap();
        drop((engine, session));
        let engine = Engine::open(machine.env(), Path::new("/db"), config()).await.unwrap();
        let mut session = engine.session(&Credentials::default()).unwrap();
        create(&mut session).await;
        done(&mut session, "DROP TABLE t").await;
        assert_eq!(code(&mut session, "UNDROP TABLE t").await, 60);
        engine.close().await.unwrap();
    });
}

#[test]
fn a_database_that_is_made_again_has_its_dropped_tables() {
    run(async {
        let machine = Machine::new(7, 1_763_000_000_000_000_000);
        let (engine, mut session) = open(&machine).await;
        done(&mut session, "CREATE DATABASE d").await;
        done(&mut session, "CREATE TABLE d.t (k UInt64) ENGINE = MergeTree ORDER BY k").await;
        done(&mut session, "INSERT INTO d.t VALUES (1)").await;
        done(&mut session, "DROP DATABASE d").await;
        assert_eq!(code(&mut session, "UNDROP TABLE d.t").await, 81);
        done(&mut session, "CREATE DATABASE d").await;
        done(&mut session, "UNDROP TABLE d.t").await;
        assert_eq!(rows(&mut session, "SELECT * FROM d.t").await, ["1"]);
        engine.close().await.unwrap();
    });
}
