//! CHECK TABLE over parts that decayed.

use std::path::{Path, PathBuf};

use env::simulated::Machine;

use crate::testing::{config, done, rows, run};
use crate::{Credentials, Engine};

#[test]
fn a_part_that_decayed_is_a_row_that_says_so_and_the_others_pass() {
    run(async {
        let machine = Machine::new(7, 1_763_000_000_000_000_000);
        let engine = Engine::open(machine.env(), Path::new("/db"), config()).await.unwrap();
        let mut session = engine.session(&Credentials::default()).unwrap();
        let session = &mut session;
        done(session, "CREATE TABLE t (p UInt8, k UInt64) ENGINE = MergeTree PARTITION BY p ORDER BY k").await;
        done(session, "INSERT INTO t SELECT number % 2, cityHash64(number) FROM numbers(20000)").await;
        done(session, "OPTIMIZE TABLE t FINAL").await;
        assert_eq!(rows(session, "CHECK TABLE t SETTINGS check_query_single_value_result = 1").await, ["1"]);

        let files = machine.disk.paths();
        let is_part = |path: &&PathBuf| path.extension().is_some_and(|end| end == "parquet");
        let part = files.iter().find(is_part).expect("a merge writes files");
        let len = machine.disk.peek(part).unwrap().len() as u64;
        machine.disk.flip_bit(part, len / 2, 3);

        let mut found = rows(session, "CHECK TABLE t SETTINGS check_query_single_value_result = 0").await;
        found.sort_by_key(|row| row.contains("\t1\t"));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("\t0\tchecksum of part file"), "{found:?}");
        assert!(found[1].ends_with("\t1\t"), "{found:?}");
        assert_eq!(rows(session, "CHECK TABLE t SETTINGS check_query_single_value_result = 1").await, ["0"]);
        // CHECK changes nothing: the sound partition goes on
        assert_eq!(rows(session, "SELECT count() FROM t").await, ["20000"]);
        engine.close().await.unwrap();
    });
}
