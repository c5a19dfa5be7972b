//! The tables, views and queries of the click-through pipeline, as the benches share them.

use engine::{Request, Session};

use super::peer::Peer;
use crate::error::Result;

pub(super) const PIPELINE: &str = include_str!("../../../../examples/ctr/pipeline.sql");
const QUERIES: &str = include_str!("../../../../examples/ctr/queries.sql");
/// What is inserted into the base table.
pub(super) const COLUMNS: &str = "product_id, ctr, impressions, clicks, window_start, window_end";
/// What the four queries of one product are called.
pub(super) const ASKED: [&str; 4] = ["latest", "last hour", "last day", "last week"];
/// The product that they ask for as they are written.
const PRODUCT: &str = "product-123";
/// The last hour of all products, from the view by minute.
pub(super) const ALL_PRODUCTS: &str = "SELECT product_id, avgMerge(avg_ctr_state) AS avg_ctr, sumMerge(total_impr_state) AS \
    total_impressions, sumMerge(total_clicks_state) AS total_clicks FROM ctr_ml_view \
    WHERE window_minute >= now() - INTERVAL 1 HOUR GROUP BY product_id ORDER BY product_id";

/// The queries of one product.
pub(super) fn queries() -> Result<Vec<&'static str>> {
    let texts = engine::statements(QUERIES)?;
    Ok(texts.into_iter().map(|text| text.trim().trim_end_matches(';')).collect())
}

/// The query for one of the products.
pub(super) fn of_product(query: &str, number: u128) -> String {
    query.replace(PRODUCT, &format!("product-{}", number + 1))
}

/// Everything of a file in one INSERT.
pub(super) fn insert_file(file: &str) -> String {
    format!("INSERT INTO ctr_results_raw ({COLUMNS}) SELECT {COLUMNS} FROM file('{file}')")
}

/// An empty database on the peer, with the tables.
pub(super) fn create_peer_tables(peer: &mut Peer) -> Result<()> {
    let mut sql: Vec<String> =
        ["DROP DATABASE IF EXISTS bench SYNC", "CREATE DATABASE bench", "USE bench"].map(str::to_owned).to_vec();
    // the real engine refuses a version column that the view does not give
    sql.extend(tables()?.iter().map(|table| table.replace("MergeTree(window_end)", "MergeTree(latest_window_end)")));
    peer.run(&sql)?;
    Ok(())
}

/// The base table and the views over it.
pub(super) fn tables() -> Result<Vec<&'static str>> {
    let is_asked =
        |text: &&str| text.starts_with("CREATE TABLE ctr_results_raw") || text.starts_with("CREATE MATERIALIZED VIEW");
    Ok(engine::statements(PIPELINE)?.into_iter().map(str::trim).filter(is_asked).collect())
}

/// Makes them.
pub(super) async fn set_up(session: &mut Session) -> Result<()> {
    for table in tables()? {
        session.execute(Request::new(table.to_owned())).await?;
    }
    Ok(())
}

/// The same rows, floats up to what the order of additions changes.
pub(super) fn is_same(ours: &str, peer: &str) -> bool {
    let cells =
        |text: &str| text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect::<Vec<Vec<_>>>();
    let is_same_cell = |(a, b): (&String, &String)| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
        _ => a == b,
    };
    let (ours, peer) = (cells(ours), cells(peer));
    ours.len() == peer.len()
        && ours.iter().zip(&peer).all(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(is_same_cell))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_floats_may_differ_in_their_last_digits() {
        assert!(is_same("a\t0.1\n", "a\t0.10000000000001\n"));
        assert!(!is_same("a\t0.1\n", "a\t0.11\n") && !is_same("a\t1\n", "b\t1\n") && !is_same("a\n", "a\na\n"));
    }

    #[test]
    fn the_tables_are_the_base_and_its_two_views() {
        assert_eq!(tables().unwrap().len(), 3);
    }
}
