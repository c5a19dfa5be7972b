//! Names follow wherever they can stand, and nothing else changes.

use store::{Readiness, ViewDef};
use types::{Column, DataType, Header, TableId};

use super::*;

fn name(database: &str, name: &str) -> QualifiedName {
    QualifiedName::new(database, name)
}

/// A table of these columns, or what the text says it is.
fn def(database: &str, table: &str, columns: &[&str], text: &str) -> Arc<TableDef> {
    let is_view = text.contains("VIEW");
    Arc::new(TableDef {
        id: TableId(1),
        database: database.into(),
        name: table.into(),
        uuid: 1,
        version: 0,
        sql: text.into(),
        engine: if is_view { "View".into() } else { "MergeTree".into() },
        kind: if is_view { TableKind::View } else { TableKind::MergeTree },
        columns: Header::new(columns.iter().map(|name| Column::new(*name, DataType::UInt32)).collect::<Vec<_>>()),
        schema: None,
        view: is_view.then_some(ViewDef::Plain),
        visibility: Visibility::Listed,
        readiness: Readiness::Ready,
        comment: "".into(),
        created_ns: 0,
    })
}

fn known(wanted: &QualifiedName) -> Option<Arc<TableDef>> {
    let tables: [(&str, &[&str]); 7] = [
        ("events", &["k", "v", "list"]),
        ("latest", &["k", "s"]),
        ("chosen", &["k"]),
        ("list", &["k"]),
        ("one", &["k"]),
        ("known", &["k", "s"]),
        ("names", &["k", "s"]),
    ];
    let found = tables.iter().find(|(table, _)| *table == &*wanted.name && &*wanted.database == "shop");
    found.map(|(table, columns)| def("shop", table, columns, "CREATE TABLE t (k UInt32) ENGINE = Null"))
}

/// The text of `shop.x` after the renames, canonical as the one before.
fn followed(renames: &Renames, text: &str) -> Result<String> {
    let text = sql::parse_statement(text).unwrap().to_string();
    Ok(renames.definition(&def("shop", "x", &[], &text), &known)?.sql.to_string())
}

fn to_copy() -> Renames {
    let mut renames = Renames::default();
    renames.database(&"shop".into(), &"copy".into()).unwrap();
    renames
}

/// Each table by itself: events and the view itself go elsewhere, all else stays.
fn one_by_one() -> Renames {
    let mut renames = Renames::default();
    renames.table(name("shop", "events"), name("copy", "log")).unwrap();
    renames.table(name("shop", "x"), name("copy", "y")).unwrap();
    renames
}

fn check(renames: &Renames, head: &str, cases: &[(&str, &str)]) {
    for (before, after) in cases {
        let expected = sql::parse_statement(&format!("CREATE VIEW {head} AS {after}")).unwrap().to_string();
        let given = followed(renames, &format!("CREATE VIEW shop.x AS {before}")).unwrap();
        assert_eq!(given, expected, "{before}");
    }
}

#[test]
fn a_database_takes_every_name_in_it_along() {
    check(
        &to_copy(),
        "copy.x",
        &[
            ("SELECT k FROM shop.events", "SELECT k FROM copy.events"),
            ("SELECT k FROM shop.nobody_knows", "SELECT k FROM copy.nobody_knows"),
            ("SELECT k FROM other.events", "SELECT k FROM other.events"),
            ("SELECT shop.events.k, events.v FROM shop.events", "SELECT copy.events.k, events.v FROM copy.events"),
            ("SELECT shop.events.* FROM shop.events", "SELECT copy.events.* FROM copy.events"),
            (
                "SELECT a.k FROM shop.events AS a JOIN shop.latest AS b ON a.k = b.k",
                "SELECT a.k FROM copy.events AS a JOIN copy.latest AS b ON a.k = b.k",
            ),
            (
                "WITH c AS (SELECT k FROM shop.events) SELECT k FROM c WHERE k IN (SELECT k FROM shop.latest)",
                "WITH c AS (SELECT k FROM copy.events) SELECT k FROM c WHERE k IN (SELECT k FROM copy.latest)",
            ),
            ("SELECT k FROM shop.events WHERE k IN shop.chosen", "SELECT k FROM copy.events WHERE k IN copy.chosen"),
            ("SELECT k FROM shop.events WHERE k IN chosen", "SELECT k FROM copy.events WHERE k IN chosen"),
            ("SELECT k FROM shop.events WHERE k IN list", "SELECT k FROM copy.events WHERE k IN list"),
            (
                "SELECT dictGet('shop.known', 's', k) AS s, joinGet(shop.names, 's', k) AS n, 'shop.known' AS t \
                 FROM shop.events",
                "SELECT dictGet('copy.known', 's', k) AS s, joinGet(copy.names, 's', k) AS n, 'shop.known' AS t \
                 FROM copy.events",
            ),
            (
                "SELECT arrayMap(x -> dictGet('shop.known', 's', x), list), k IN shop.chosen, (SELECT max(k) FROM shop.latest), \
                 k IN (SELECT k FROM shop.latest) FROM shop.events",
                "SELECT arrayMap(x -> dictGet('copy.known', 's', x), list) AS \
                 `arrayMap(lambda(tuple(x), dictGet('shop.known', 's', x)), list)`, \
                 k IN copy.chosen AS `in(k, shop.chosen)`, (SELECT max(k) FROM copy.latest), \
                 k IN (SELECT k FROM copy.latest) FROM copy.events",
            ),
            (
                "SELECT * REPLACE (dictGet('shop.known', 's', k) AS v) FROM shop.events",
                "SELECT * REPLACE (dictGet('copy.known', 's', k) AS v) FROM copy.events",
            ),
            (
                "WITH RECURSIVE events AS (SELECT 1 AS k UNION ALL SELECT k + 1 FROM events WHERE k < 9) SELECT k FROM events",
                "WITH RECURSIVE events AS (SELECT 1 AS k UNION ALL SELECT k + 1 FROM events WHERE k < 9) SELECT k FROM events",
            ),
            ("SELECT k FROM merge('shop', '^e')", "SELECT k FROM merge('copy', '^e')"),
            ("SELECT k FROM merge('^e')", "SELECT k FROM merge('^e')"),
            ("SELECT k FROM merge(REGEXP('shop'), '^e')", "SELECT k FROM merge(REGEXP('shop'), '^e')"),
            ("SELECT k FROM dictionary('shop.known')", "SELECT k FROM dictionary('copy.known')"),
            ("SELECT k FROM shop.one(key = 1)", "SELECT k FROM copy.one(key = 1)"),
            ("SELECT number FROM numbers(10)", "SELECT number FROM numbers(10)"),
            (
                "SELECT k FROM mysql('h', 'd', (SELECT k FROM shop.events), 'u', 'p')",
                "SELECT k FROM mysql('h', 'd', (SELECT k FROM shop.events), 'u', 'p')",
            ),
            (
                "SELECT k FROM shop.events UNION ALL SELECT k FROM (SELECT k FROM shop.latest GROUP BY k)",
                "SELECT k FROM copy.events UNION ALL SELECT k FROM (SELECT k FROM copy.latest GROUP BY k)",
            ),
        ],
    );
}

#[test]
fn one_table_takes_its_own_name_along_and_columns_keep_theirs() {
    check(
        &one_by_one(),
        "copy.y",
        &[
            ("SELECT k FROM shop.events, shop.latest", "SELECT k FROM copy.log AS events, shop.latest"),
            ("SELECT k FROM shop.events", "SELECT k FROM copy.log"),
            ("SELECT events.k FROM shop.events", "SELECT events.k FROM copy.log AS events"),
            ("SELECT shop.events.k FROM shop.events", "SELECT copy.log.k FROM copy.log"),
            ("SELECT e.k FROM shop.events AS e", "SELECT e.k FROM copy.log AS e"),
            // a name without a database meant the one in `shop`
            ("SELECT k FROM shop.latest WHERE k IN chosen", "SELECT k FROM shop.latest WHERE k IN shop.chosen"),
            ("SELECT k FROM shop.latest WHERE k IN events", "SELECT k FROM shop.latest WHERE k IN copy.log"),
            ("SELECT k FROM shop.events WHERE k IN list", "SELECT k FROM copy.log WHERE k IN list"),
            ("SELECT k FROM merge('^e')", "SELECT k FROM merge('shop', '^e')"),
            ("SELECT k FROM merge('shop', '^e')", "SELECT k FROM merge('shop', '^e')"),
            ("SELECT k FROM one(key = 1)", "SELECT k FROM shop.one(key = 1)"),
            (
                "SELECT dictGet('known', 's', k) AS s FROM shop.latest",
                "SELECT dictGet('shop.known', 's', k) AS s FROM shop.latest",
            ),
            // the column goes on being called by its text
            (
                "SELECT dictGet('events', 's', latest.k) FROM shop.latest",
                "SELECT dictGet('copy.log', 's', latest.k) AS `dictGet('events', 's', k)` FROM shop.latest",
            ),
        ],
    );
}

#[test]
fn other_clauses_follow_too() {
    for (before, after) in [
        (
            "CREATE TABLE shop.x (k UInt32 DEFAULT dictGet('shop.known', 's', 1)) ENGINE = MergeTree ORDER BY k \
             SETTINGS dead_letter_table = 'shop.bad'",
            "CREATE TABLE copy.x (k UInt32 DEFAULT dictGet('copy.known', 's', 1)) ENGINE = MergeTree ORDER BY k \
             SETTINGS dead_letter_table = 'copy.bad'",
        ),
        (
            "CREATE TABLE shop.x (k UInt32) ENGINE = Buffer('shop', 'kept', 1, 1, 1, 1, 1, 1, 1)",
            "CREATE TABLE copy.x (k UInt32) ENGINE = Buffer('copy', 'kept', 1, 1, 1, 1, 1, 1, 1)",
        ),
        (
            "CREATE TABLE shop.x (k UInt32) ENGINE = Merge('shop', '^a$')",
            "CREATE TABLE copy.x (k UInt32) ENGINE = Merge('copy', '^a$')",
        ),
        (
            "CREATE TABLE shop.x (k UInt32) ENGINE = Dictionary('shop.known')",
            "CREATE TABLE copy.x (k UInt32) ENGINE = Dictionary('copy.known')",
        ),
        (
            "CREATE MATERIALIZED VIEW shop.x REFRESH EVERY 1 HOUR DEPENDS ON shop.a, other.b TO shop.t AS SELECT 1",
            "CREATE MATERIALIZED VIEW copy.x REFRESH EVERY 1 HOUR DEPENDS ON copy.a, other.b TO copy.t AS SELECT 1",
        ),
        (
            "CREATE WINDOW VIEW shop.x TO shop.t LATE TO late WATERMARK = INTERVAL '1' SECOND AS SELECT 1 FROM shop.e",
            "CREATE WINDOW VIEW copy.x TO copy.t LATE TO late WATERMARK = INTERVAL '1' SECOND AS SELECT 1 FROM copy.e",
        ),
        (
            "CREATE DICTIONARY shop.x (k UInt64, s String) PRIMARY KEY k SOURCE(CLICKHOUSE(DB 'shop' TABLE 'latest' \
             WHERE 'k IN shop.chosen')) LAYOUT(FLAT()) LIFETIME(0)",
            "CREATE DICTIONARY copy.x (k UInt64, s String) PRIMARY KEY k SOURCE(CLICKHOUSE(DB 'copy' TABLE 'latest' \
             WHERE 'k IN (copy.chosen)')) LAYOUT(FLAT()) LIFETIME(0)",
        ),
        (
            "CREATE DICTIONARY shop.x (k UInt64, s String) PRIMARY KEY k SOURCE(CLICKHOUSE(QUERY 'SELECT k, s FROM \
             shop.latest')) LAYOUT(FLAT()) LIFETIME(0)",
            "CREATE DICTIONARY copy.x (k UInt64, s String) PRIMARY KEY k SOURCE(CLICKHOUSE(QUERY 'SELECT k, s FROM \
             copy.latest')) LAYOUT(FLAT()) LIFETIME(0)",
        ),
    ] {
        let expected = sql::parse_statement(after).unwrap().to_string();
        assert_eq!(followed(&to_copy(), before).unwrap(), expected, "{before}");
    }
    let before = "CREATE DICTIONARY shop.x (k UInt64) PRIMARY KEY k SOURCE(CLICKHOUSE(TABLE 'latest')) LAYOUT(FLAT())";
    let after = followed(&one_by_one(), before).unwrap();
    assert!(after.contains("TABLE 'latest' DB 'shop'"), "{after}");
}

#[test]
fn what_cannot_follow_is_refused_and_two_names_for_one_are() {
    let key = "CREATE TABLE shop.x (k UInt32) ENGINE = MergeTree ORDER BY dictGet('shop.known', 's', k)";
    assert_eq!(followed(&to_copy(), key).unwrap_err().code(), ErrorCode::NOT_IMPLEMENTED);
    let apply = "CREATE VIEW shop.x AS SELECT COLUMNS('k') APPLY(x -> dictGet('shop.known', 's', x)) FROM shop.events";
    assert_eq!(followed(&to_copy(), apply).unwrap_err().code(), ErrorCode::NOT_IMPLEMENTED);
    let joined = "CREATE VIEW shop.x AS SELECT dictGet('shop.known', 's', a.k) FROM shop.events AS a JOIN shop.latest AS b \
                  ON a.k = b.k";
    assert_eq!(followed(&to_copy(), joined).unwrap_err().code(), ErrorCode::NOT_IMPLEMENTED);
    let mut renames = to_copy();
    assert_eq!(
        renames.database(&"shop".into(), &"b".into()).unwrap_err().code(),
        ErrorCode::WRONG_DDL_RENAMING_SETTINGS
    );
    renames.table(name("shop", "t"), name("a", "t")).unwrap();
    assert_eq!(renames.of(&name("shop", "t")), name("a", "t"), "a table goes before its database");
    assert!(renames.table(name("shop", "t"), name("b", "t")).is_err());
}

#[test]
fn what_is_not_called_otherwise_keeps_its_text() {
    let text = "CREATE VIEW shop.x AS SELECT   events.k FROM shop.events";
    let mut renames = Renames::default();
    renames.table(name("shop", "x"), name("shop", "x")).unwrap();
    assert_eq!(&*renames.definition(&def("shop", "x", &[], text), &known).unwrap().sql, text);
    renames.table(name("shop", "other"), name("shop", "y")).unwrap();
    assert_eq!(&*renames.definition(&def("shop", "x", &[], text), &known).unwrap().sql, text);
}
