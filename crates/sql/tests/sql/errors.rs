//! What is refused, where, and what the user is told.

/// Statements that the real engine refuses with SYNTAX_ERROR too, and the byte where ours says so, from 1.
const REFUSED: &[(&str, usize)] = &[
    ("", 1),
    ("SELEC 1", 1),
    ("SELECT 1 +", 11),
    ("SELECT FROM t", 8),
    ("SELECT (1, 2", 13),
    ("SELECT 'abc", 8),
    ("SELECT `abc", 8),
    ("SELECT 1 /* open", 10),
    ("SELECT {'a': 1}", 9),
    ("SELECT ~a", 8),
    ("SELECT a FROM t WHERE a,", 24),
    ("SELECT a FROM t1 JOIN t2", 25),
    ("SELECT a FROM a.b.c", 18),
    ("SELECT 1; SELECT 2", 11),
    ("SELECT a FROM e-commerce.t", 16),
    ("DELETE FROM t", 14),
    ("ALTER TABLE t UPDATE a = 1", 27),
    ("INSERT t VALUES (1)", 1),
    ("CREATE TABLE t (a)", 18),
    ("CREATE TABLE t (a Int8) ORDER BY a ENGINE = MergeTree", 36),
    ("CREATE MATERIALIZED VIEW ctr_ml_view ...", 39),
    ("CREATE MATERIALIZED VIEW v TO t ENGINE = Memory AS SELECT 1", 33),
    ("CREATE MATERIALIZED VIEW v TO t EMPTY AS SELECT 1", 33),
    ("CREATE MATERIALIZED VIEW v REFRESH EVERY 1.5 HOUR TO t AS SELECT 1", 42),
    ("CREATE MATERIALIZED VIEW v REFRESH EVERY -1 DAY TO t AS SELECT 1", 42),
    ("CREATE MATERIALIZED VIEW v REFRESH EVERY '1' DAY TO t AS SELECT 1", 42),
    ("CREATE MATERIALIZED VIEW v REFRESH EVERY INTERVAL 1 DAY TO t AS SELECT 1", 42),
    ("CREATE MATERIALIZED VIEW v REFRESH AFTER 1 DAY OFFSET 1 HOUR TO t AS SELECT 1", 48),
    ("CREATE MATERIALIZED VIEW v REFRESH EVERY 1 DAY EMPTY TO t AS SELECT 1", 54),
    ("CREATE MATERIALIZED VIEW v REFRESH EVERY 1 DAY APPEND EMPTY TO t AS SELECT 1", 61),
    ("CREATE MATERIALIZED VIEW v REFRESH EVERY 1 DAY ENGINE = Memory POPULATE AS SELECT 1", 64),
    ("CREATE MATERIALIZED VIEW v REFRESH TO t AS SELECT 1", 36),
    ("SELECT 1e999", 8),
    ("SELECT 1.5abc", 8),
    ("SELECT a FROM t ORDER BY a,", 28),
    ("SELECT f(a,)", 12),
    ("SELECT [1, 2,]", 14),
    ("CREATE TABLE t (a Array(Int8)", 30),
    ("SYSTEM", 7),
    ("DROP MATERIALIZED VIEW v", 6),
];

#[test]
fn refused_where_it_is_wrong() {
    for (text, byte) in REFUSED {
        let error = sql::parse_statement(text).expect_err(text);
        assert_eq!(error.code(), sql::SYNTAX_ERROR, "{text}");
        assert_eq!(error.position().offset + 1, *byte, "{text}: {error}");
    }
}

#[test]
fn an_error_tells_position_token_and_what_could_stand_there() {
    let error = sql::parse_statement("SELECT a\nFROM t WHER b").expect_err("a typo");
    let text = error.to_string();
    assert!(
        text.starts_with("syntax error: failed at position 22 (b) (line 2, col 13): b. Expected one of: "),
        "{text}"
    );
    let error = sql::parse_statement("SELECT '한글', ]").expect_err("a bracket");
    assert_eq!((error.position().line, error.position().column), (1, 14), "{error}");
    let error = sql::parse_statement("ALTER TABLE t DROP COLUM a").expect_err("a typo");
    assert!(error.to_string().contains("Maybe you meant: COLUMN"), "{error}");
    let error = sql::parse_statement("SELEC 1").expect_err("a typo");
    assert!(error.to_string().contains("Maybe you meant: SELECT"), "{error}");
    let error = sql::parse_statement("SELECT 1 +").expect_err("the end");
    assert!(error.to_string().contains("(end of query)"), "{error}");
}

#[test]
fn an_error_shows_only_the_beginning_of_what_follows() {
    let error = sql::parse_statement(&format!("SELECT ] {}", "가".repeat(1_000))).expect_err("a bracket");
    assert!(error.to_string().len() < 600, "{error}");
}
