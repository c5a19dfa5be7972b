//! The tables and views of a history, and the pairs of queries that must agree.

use std::path::{Path, PathBuf};

use engine::{Answer, Engine, Request, Session};

/// Where the engine lives.
pub fn folder() -> PathBuf {
    Path::new("/data").to_path_buf()
}

/// What is made at the start.
pub const DEFINITIONS: &[&str] = &[
    "CREATE TABLE base (batch UInt64, id UInt64, k UInt32, v Int64, \
     PROJECTION p (SELECT k, count(), sum(v), uniqExact(v) GROUP BY k)) \
     ENGINE = MergeTree PARTITION BY k % 3 ORDER BY (k, id)",
    "CREATE TABLE sums (k UInt32, n UInt64, total Int64) ENGINE = SummingMergeTree ORDER BY k",
    "CREATE MATERIALIZED VIEW sums_view TO sums AS SELECT k, count() AS n, sum(v) AS total FROM base GROUP BY k",
    "CREATE MATERIALIZED VIEW states ENGINE = AggregatingMergeTree ORDER BY k AS SELECT k, uniqExactState(v) AS u, \
     avgState(v) AS a, maxSimpleState(v) AS m FROM base GROUP BY k",
    "CREATE TABLE latest (k UInt32, id UInt64, v Int64) ENGINE = ReplacingMergeTree(id) ORDER BY k",
    "CREATE MATERIALIZED VIEW latest_view TO latest AS SELECT k, id, v FROM base",
    "CREATE TABLE groups (g UInt32, n UInt64, total Int64) ENGINE = SummingMergeTree ORDER BY g",
    "CREATE MATERIALIZED VIEW groups_view TO groups AS SELECT k % 4 AS g, sum(n) AS n, sum(total) AS total FROM sums \
     GROUP BY g",
    "CREATE TABLE dead (source String, position UInt64, reason LowCardinality(String), raw String) ENGINE = MergeTree \
     ORDER BY position",
    "CREATE TABLE landing (batch UInt64, event_id String, product String, kind String, at Int64, \
     CONSTRAINT product CHECK product != '') ENGINE = Null SETTINGS dead_letter_table = 'dead'",
    "CREATE MATERIALIZED VIEW landed ENGINE = MergeTree ORDER BY batch AS SELECT batch, event_id FROM landing",
    "CREATE TABLE late (batch UInt64, event_id String, product String, kind String, at Int64) ENGINE = MergeTree \
     ORDER BY event_id",
    "CREATE TABLE results (product String, views UInt64, clicks UInt64, start DateTime64(3, 'UTC')) ENGINE = MergeTree \
     ORDER BY (start, product)",
    "CREATE WINDOW VIEW windows TO results LATE TO late DEDUPLICATE BY event_id WATERMARK = INTERVAL '5' SECOND AS \
     SELECT product, countIf(kind = 'view') AS views, countIf(kind = 'click') AS clicks, tumbleStart(win) AS start \
     FROM landing GROUP BY product, tumble(fromUnixTimestamp64Milli(at, 'UTC'), INTERVAL '10' SECOND) AS win",
    "CREATE TABLE picky (k UInt32, n UInt64, total Int64) ENGINE = SummingMergeTree ORDER BY k",
    "CREATE MATERIALIZED VIEW picky_view TO picky ON ERROR QUARANTINE AS SELECT k, count() AS n, \
     sum(v + throwIf(v % 50 = 7)) AS total FROM base GROUP BY k",
    "CREATE TABLE owned (client UInt32, batch UInt64, v UInt64) ENGINE = MergeTree ORDER BY (client, batch)",
];

/// Breaks the view that puts rows aside, mends it, and takes through it what was put aside.
pub const MENDING: [&str; 3] = [
    "ALTER TABLE picky_view MODIFY QUERY SELECT k, count() AS n, sum(v + throwIf(v % 50 = 7)) AS total FROM base GROUP BY k",
    "ALTER TABLE picky_view MODIFY QUERY SELECT k, count() AS n, sum(v) AS total FROM base GROUP BY k",
    "SYSTEM REPAIR VIEW picky_view",
];

/// What the view that puts rows aside must give when nothing waits any more.
pub const PICKY_QUERY: &str = "SELECT k, sum(n), sum(total) FROM picky GROUP BY k ORDER BY k";

/// Views that come and go.
pub const EXTRAS: u64 = 3;

/// Makes the view `extra…` of that number while others insert.
pub fn extra(number: u64) -> String {
    format!("CREATE MATERIALIZED VIEW extra{number} ENGINE = SummingMergeTree ORDER BY k POPULATE AS {EXTRA_SELECT}")
}

const EXTRA_SELECT: &str = "SELECT k, count() AS n, sum(v) AS total FROM base GROUP BY k";

/// What such a view must give.
pub const EXTRA_QUERY: &str = "SELECT k, count(), sum(v) FROM base GROUP BY k ORDER BY k";

/// Tables that OPTIMIZE is asked for.
pub const MERGED: &[&str] = &[
    "base",
    "sums",
    "states",
    "latest",
    "groups",
    "picky",
    "picky_view_errors",
    "dead",
    "late",
    "results",
    "landed",
    "owned",
    "replacing",
    "collapsing",
    "versioned",
    "coalescing",
];

/// A view (or projection) as it is asked, and its query over the base table.
pub const EQUAL: &[(&str, &str)] = &[
    (
        "SELECT k, sum(n), sum(total) FROM sums GROUP BY k ORDER BY k",
        "SELECT k, count(), sum(v) FROM base GROUP BY k ORDER BY k",
    ),
    ("SELECT k, n, total FROM sums FINAL ORDER BY k", "SELECT k, count(), sum(v) FROM base GROUP BY k ORDER BY k"),
    (
        "SELECT k, uniqExactMerge(u), avgMerge(a), max(m) FROM states GROUP BY k ORDER BY k",
        "SELECT k, uniqExact(v), avg(v), max(v) FROM base GROUP BY k ORDER BY k",
    ),
    (
        "SELECT k, id, v FROM latest FINAL ORDER BY k",
        "SELECT k, max(id), argMax(v, id) FROM base GROUP BY k ORDER BY k",
    ),
    (
        "SELECT g, sum(n), sum(total) FROM groups GROUP BY g ORDER BY g",
        "SELECT k % 4 AS g, count(), sum(v) FROM base GROUP BY g ORDER BY g",
    ),
    // each row came through the view once or waits
    (
        "SELECT k, sum(n), sum(total) FROM (SELECT k, n, total FROM picky UNION ALL \
         SELECT k, toUInt64(1), v FROM picky_view_errors) GROUP BY k ORDER BY k",
        "SELECT k, count(), sum(v) FROM base GROUP BY k ORDER BY k",
    ),
    (
        "SELECT k, count(), sum(v), uniqExact(v) FROM base GROUP BY k ORDER BY k \
         SETTINGS preferred_optimize_projection_name = 'p'",
        "SELECT k, count(), sum(v), uniqExact(v) FROM base GROUP BY k ORDER BY k SETTINGS optimize_use_projections = 0",
    ),
];

/// All rows of this are the same, whatever else goes on: they are of one snapshot.
pub const AT_ONCE: &str = "SELECT count(), sum(v) FROM base UNION ALL SELECT sum(n), sum(total) FROM sums \
     UNION ALL SELECT sum(n), sum(total) FROM groups UNION ALL SELECT sum(n), sum(total) FROM \
     (SELECT n, total FROM picky UNION ALL SELECT toUInt64(1), v FROM picky_view_errors)";

/// The same of scalar subqueries, which must not be shared by queries of the same text at the same time.
pub const AT_ONCE_SUBQUERIES: &str = "SELECT arrayJoin([(SELECT (count(), sum(v)) FROM base), \
     (SELECT (sum(n), sum(total)) FROM sums), (SELECT (sum(n), sum(total)) FROM groups)])";

/// A session of the only user.
pub fn session(engine: &Engine) -> Session {
    engine.session(&engine::Credentials::default()).expect("no passwords are set")
}

/// The answer as TabSeparated text.
pub async fn text(session: &mut Session, query: &str) -> engine::Result<String> {
    match session.execute(Request::new(query.to_owned())).await? {
        Answer::Rows(rows) => Ok(String::from_utf8_lossy(&rows.encode_all().await?).into_owned()),
        Answer::Done(_) => Ok(String::new()),
    }
}
