//! A statement that nobody reads any more does not hold its snapshot for ever.

use std::path::Path;
use std::time::Duration;

use env::simulated::Machine;

use crate::testing::{config, done, rows, run};
use crate::{Answer, Credentials, Engine, Request};

#[test]
fn a_forgotten_snapshot_is_ended() {
    run(async {
        let mut config = config();
        config.snapshot_age_max = Some(Duration::from_secs(60));
        let env = Machine::new(7, 1_763_000_000_000_000_000).env();
        let engine = Engine::open(env, Path::new("/db"), config).await.unwrap();
        let mut session = engine.session(&Credentials::default()).unwrap();
        done(&mut session, "CREATE TABLE t (k UInt32) ENGINE = MergeTree ORDER BY k").await;
        done(&mut session, "INSERT INTO t SELECT number FROM numbers(100000)").await;
        let request = Request { query_id: Some("forgotten".to_owned()), ..Request::new("SELECT k + 1 FROM t") };
        let Answer::Rows(mut forgotten) = session.execute(request).await.unwrap() else { panic!("rows") };
        assert!(forgotten.next_block().await.unwrap().is_ok());
        let age = "SELECT value >= 30 FROM system.asynchronous_metrics WHERE metric = 'oldest_snapshot_age'";
        let cancelled = "SELECT is_cancelled FROM system.processes WHERE query_id = 'forgotten'";
        engine.env().clock.sleep(Duration::from_secs(30)).await;
        assert_eq!(rows(&mut session, age).await, ["1"]);
        assert_eq!(rows(&mut session, cancelled).await, ["0"]);
        engine.env().clock.sleep(Duration::from_secs(40)).await;
        assert_eq!(rows(&mut session, cancelled).await, ["1"]);
        assert_eq!(forgotten.next_block().await.unwrap().unwrap_err().code().0, 394);
        drop(forgotten);
        assert_eq!(rows(&mut session, age).await, ["0"]);
        engine.close().await.unwrap();
    });
}
