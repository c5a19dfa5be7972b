//! No input overflows the stack, takes exponential time or more memory than its size allows.
//!
//! Test threads have 2 MB of stack, as the threads of the server; a debug build has the larger frames.

use sql::{DEPTH_MAX, Error, NESTING_MAX};

fn repeated(open: &str, middle: &str, close: &str, count: usize) -> String {
    format!("SELECT {}{middle}{}", open.repeat(count), close.repeat(count))
}

#[test]
fn deep_nesting_is_refused_by_name() {
    let shapes = [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("f(", "1", ")"),
        ("-(", "1", ")"),
        ("NOT ", "1", ""),
        ("- ", "a", ""),
        ("(SELECT ", "1", ")"),
        ("(SELECT 1 FROM (SELECT ", "1", "))"),
        ("CASE WHEN ", "1", " THEN 1 END"),
        ("a -> ", "1", ""),
        ("1 IN (", "1", ")"),
        ("INTERVAL (", "1", ") DAY"),
        ("substring(", "'a'", " FROM 1)"),
        ("position(", "'a'", " IN 'b')"),
        ("date_add(DAY, 1, ", "a", ")"),
        ("CAST(", "a", " AS UInt8)"),
        ("EXISTS (SELECT ", "1", ")"),
        ("a = ANY (SELECT ", "1", ")"),
        ("view(SELECT ", "1", ")"),
        ("((SELECT ", "1", ") + 1)"),
        ("a ? b : ", "1", ""),
    ];
    for (open, middle, close) in shapes {
        let error = sql::parse_statement(&repeated(open, middle, close, 10_000)).expect_err(open);
        assert!(matches!(error, Error::TooDeep { max: NESTING_MAX, .. }), "{open}: {error}");
        assert_eq!(error.code(), sql::TOO_DEEP_RECURSION);
    }
}

#[test]
fn long_chains_of_operators_are_refused_before_the_tree_is_too_deep() {
    for operator in [" + 1", "[1]", ".1", "::Int8", " = 1", " IS NULL", " IN (1)", " UNION ALL SELECT 1 UNION SELECT 1"]
    {
        let error = sql::parse_statement(&format!("SELECT a{}", operator.repeat(5_000))).expect_err(operator);
        assert!(matches!(error, Error::TooDeep { max: DEPTH_MAX, .. }), "{operator}: {error}");
    }
}

#[test]
fn chains_that_are_one_node_may_be_long() {
    for text in [
        format!("SELECT a{}", " AND a = 1".repeat(5_000)),
        format!("SELECT a{}", " OR b".repeat(5_000)),
        format!("SELECT a{}", " || b".repeat(5_000)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(5_000)),
        format!("SELECT a IN (1{})", ", 1".repeat(50_000)),
        format!("SELECT a FROM t{}", ", t".repeat(5_000)),
    ] {
        let statement = sql::parse_statement(&text).expect("long but flat");
        assert_eq!(sql::parse_statement(&statement.to_string()).expect("printed"), statement);
    }
}

#[test]
fn trees_at_the_limit_can_be_printed_compared_and_dropped() {
    for (open, middle, close) in
        [("(", "1", ")"), ("f(", "1", ")"), ("(SELECT ", "1", ")"), ("CASE WHEN ", "1", " THEN 1 END")]
    {
        let deepest = (1..DEPTH_MAX as usize)
            .rev()
            .find_map(|count| sql::parse_statement(&repeated(open, middle, close, count)).ok())
            .expect("some depth is allowed");
        let text = deepest.to_pretty();
        assert_eq!(deepest.clone(), sql::parse_statement(&text).expect("as deep as before"));
    }
}

#[test]
fn deep_types_are_refused() {
    let text = format!("{}UInt8{}", "Array(".repeat(10_000), ")".repeat(10_000));
    assert!(matches!(sql::parse_data_type(&text), Err(Error::TooDeep { .. })));
}

/// BETWEEN doubles its operand: without a count of nodes this would take 2^60 of them.
#[test]
fn doubling_is_counted() {
    let error = sql::parse_statement(&format!("SELECT a{}", " BETWEEN 1 AND 2".repeat(60))).expect_err("too many");
    assert!(matches!(error, Error::TooManyNodes { .. }), "{error}");
    assert_eq!(error.code(), sql::TOO_BIG_AST);
}

/// Each of these took exponential time where a rule was tried and read again when it failed.
#[test]
fn nothing_is_read_again_inside_of_itself() {
    for (open, middle, close) in [
        ("((SELECT ", "1", ") + 1)"),
        ("(SELECT ", "]", ")"),
        ("interval(", "a", ")"),
        ("INTERVAL (", "]", ") DAY"),
        ("date_add(day, ", "a", ")"),
        ("substring(", "a", ", 1)"),
        ("substring(", "]", ", 1)"),
        ("position(", "a", ", 1)"),
        ("extract(", "a", ", 1)"),
        ("trim(", "]", ")"),
        ("a = ANY (SELECT ", "]", ")"),
        ("CAST(", "]", " AS UInt8)"),
        ("* APPLY(", "]", ")"),
        ("(a, ", "]", ")"),
        ("{'a': ", "1", "}"),
        ("view(SELECT ", "]", ")"),
        ("exists(SELECT ", "]", ")"),
    ] {
        for count in [20, 60] {
            let _ = sql::parse_statement(&repeated(open, middle, close, count));
            let text = format!("SELECT 1 FROM {}{middle}{}", open.repeat(count), close.repeat(count));
            let _ = sql::parse_statement(&text);
        }
    }
    for head in ["WITH a AS (", "SELECT * FROM (", "SELECT * FROM (a JOIN ("] {
        let _ = sql::parse_statement(&format!("{}SELECT ]", head.repeat(60)));
    }
}

#[test]
fn a_statement_of_too_many_bytes_is_refused() {
    let text = format!("SELECT '{}', 1, (2)", "x".repeat(sql::STATEMENT_BYTES_MAX));
    let error = sql::parse_statement(&text).expect_err("too long");
    assert!(matches!(error, Error::TooLong { .. }), "{error}");
}

#[test]
fn data_of_an_insert_does_not_count() {
    let text = format!("INSERT INTO t FORMAT CSV\n{}", "x".repeat(sql::STATEMENT_BYTES_MAX + 10));
    sql::parse_statement(&text).expect("the data is not read");
}
