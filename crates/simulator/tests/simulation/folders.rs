//! Folders that programs of earlier days wrote (`tests/folders`, one of each version of a format) open, and hold what they
//! held.

use std::fs;
use std::path::Path;

use engine::{Answer, Engine, EngineConfig, Request, Session};

/// Queries and what every folder answers.
const ANSWERS: &[(&str, &str)] = &[
    ("SELECT count(), sum(v), max(k) FROM events", "2001\t1998999\t1000\n"),
    // Read from a projection, where the program of that day wrote one.
    (
        "SELECT sum(v), count() FROM events WHERE k < 10 SETTINGS preferred_optimize_projection_name = 'p'",
        "190900\t200\n",
    ),
    (
        "SELECT sum(t), sum(u) FROM (SELECT sumMerge(total) AS t, uniqExactMerge(u) AS u FROM sums GROUP BY k)",
        "1998999\t2001\n",
    ),
    // The token was seen by the program of that day.
    ("INSERT INTO events SETTINGS insert_deduplication_token = 'once' VALUES (7, 7, 'x')", ""),
    ("SELECT count() FROM events", "2001\n"),
    // Windows were open: one before the last checkpoint, one that the log knows of.
    ("INSERT INTO clicks VALUES ('a', '2025-11-22 00:01:00')", ""),
    (
        "SELECT p, n, start FROM results ORDER BY start, p",
        "a\t1\t2025-11-22 00:00:00\nb\t1\t2025-11-22 00:00:00\na\t2\t2025-11-22 00:00:10\n",
    ),
    ("OPTIMIZE TABLE events FINAL", ""),
    ("SELECT count(), sum(v) FROM events", "2001\t1998999\n"),
];

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

async fn ask(session: &mut Session, query: &str) -> String {
    match session.execute(Request::new(query.to_owned())).await.unwrap_or_else(|error| panic!("{query}: {error}")) {
        Answer::Rows(rows) => String::from_utf8_lossy(&rows.encode_all().await.unwrap()).into_owned(),
        Answer::Done(_) => String::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_folder_that_was_ever_written_opens() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/folders");
    let mut folders: Vec<_> = fs::read_dir(kept).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    assert!(2 <= folders.len());
    for folder in folders {
        let home = tempfile::tempdir().unwrap();
        copy(&folder, home.path());
        let report = store::check(&env::real::env(), home.path()).await.unwrap();
        assert_eq!((report.problems.len(), report.parts), (0, 2), "{folder:?}: {report:?}");
        // Twice: the second time after a checkpoint of today.
        for (start, answers) in [ANSWERS, &ANSWERS[7..]].into_iter().enumerate() {
            let engine = Engine::open(env::real::env(), home.path(), EngineConfig::server(home.path())).await.unwrap();
            let mut session = engine.session(&engine::Credentials::default()).unwrap();
            for (query, answer) in answers {
                assert_eq!(ask(&mut session, query).await, *answer, "{folder:?}, start {start}: {query}");
            }
            drop(session);
            engine.close().await.unwrap();
        }
    }
}
