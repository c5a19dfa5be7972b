//! What a power cut takes, where a table says when its inserts are forced to the disk.

use std::path::Path;

use env::simulated::Machine;

use crate::testing::{code, config, done, rows, run};
use crate::{Credentials, Engine};

async fn open(machine: &Machine) -> (Engine, crate::Session) {
    let engine = Engine::open(machine.env(), Path::new("/db"), config()).await.unwrap();
    let session = engine.session(&Credentials::default()).unwrap();
    (engine, session)
}

/// Of how many of some machines a cut takes the row of an answered insert into a table of this mode.
async fn lost(mode: &str, statement: &str) -> usize {
    let mut lost = 0;
    for seed in 0..12 {
        let mut machine = Machine::new(seed, 1_763_000_000_000_000_000);
        let (engine, mut session) = open(&machine).await;
        done(&mut session, "CREATE TABLE safe (k UInt64) ENGINE = MergeTree ORDER BY k").await;
        let create = format!("CREATE TABLE t (k UInt64) ENGINE = MergeTree ORDER BY k SETTINGS fsync_mode = '{mode}'");
        done(&mut session, &create).await;
        done(&mut session, "INSERT INTO safe VALUES (1)").await;
        done(&mut session, &format!("INSERT INTO t {statement} VALUES (1)")).await;
        machine.cut_power();
        drop((engine, session));
        let (_engine, mut session) = open(&machine).await;
        assert_eq!(rows(&mut session, "SELECT count() FROM safe").await, ["1"]);
        lost += usize::from(rows(&mut session, "SELECT count() FROM t").await == ["0"]);
    }
    lost
}

#[test]
fn a_table_says_when_its_inserts_are_forced_to_the_disk() {
    run(async {
        assert_eq!(lost("always", "").await, 0);
        assert!(0 < lost("never", "").await);
        assert_eq!(lost("never", "SETTINGS fsync_mode = 'always'").await, 0, "the statement's word goes first");
    });
}

#[test]
fn the_mode_of_a_table_can_be_changed_and_is_one_of_three() {
    run(async {
        let machine = Machine::new(1, 1_763_000_000_000_000_000);
        let (engine, mut session) = open(&machine).await;
        let create = |mode: &str| {
            format!("CREATE TABLE t (k UInt64) ENGINE = MergeTree ORDER BY k SETTINGS fsync_mode = '{mode}'")
        };
        assert_eq!(code(&mut session, &create("sometimes")).await, 36);
        done(&mut session, &create("interval")).await;
        assert_eq!(code(&mut session, "ALTER TABLE t MODIFY SETTING fsync_mode = 'sometimes'").await, 36);
        done(&mut session, "ALTER TABLE t MODIFY SETTING fsync_mode = 'never'").await;
        done(&mut session, "INSERT INTO t VALUES (1)").await;
        assert_eq!(rows(&mut session, "SELECT count() FROM t").await, ["1"]);
        engine.close().await.unwrap();
    });
}
