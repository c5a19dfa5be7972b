//! A bounded number of seeds on every run; more with `SIMULATOR_SEEDS=n`, one with `SIMULATOR_SEED=n`.

mod ddl;

use simulator::driver::{assert_cuts_drop, run_seeds, seeds};
use simulator::{engine_half, store_half};

#[test]
fn store_keeps_what_it_acknowledged() {
    let report = run_seeds("store_keeps_what_it_acknowledged", store_half::run, seeds(16));
    println!("{report:#?}");
    if std::env::var("SIMULATOR_SEED").is_err() {
        assert_cuts_drop(&report);
    }
}

#[test]
fn views_are_their_queries() {
    let report = run_seeds("views_are_their_queries", engine_half::run, seeds(4));
    println!("{report:#?}");
    if std::env::var("SIMULATOR_SEED").is_err() {
        assert_cuts_drop(&report);
    }
}
