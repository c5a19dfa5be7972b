//! Shapes of the tree that the binder and the engine rely on.

use sql::ast::*;

fn expr(text: &str) -> Expr {
    sql::parse_expression(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn statement(text: &str) -> StatementKind {
    sql::parse_statement(text).unwrap_or_else(|error| panic!("{text}: {error}")).kind
}

#[test]
fn operators_bind_as_in_clickhouse() {
    for (text, same) in [
        ("a OR b AND NOT c = d + e * -f", "a OR (b AND (NOT (c = (d + (e * (-f))))))"),
        ("a BETWEEN b + 1 AND c AND d", "((a >= (b + 1)) AND (a <= c)) AND d"),
        ("NOT a IS NULL", "NOT (a IS NULL)"),
        ("a = b IS NULL", "(a = b) IS NULL"),
        ("a || b LIKE c", "(a || b) LIKE c"),
        ("a - b - c", "(a - b) - c"),
        ("-a[1].2::Int8", "-(((a[1]).2)::Int8)"),
        ("INTERVAL 1 DAY * 2", "(INTERVAL 1 DAY) * 2"),
        ("x -> x + 1", "x -> (x + 1)"),
        ("a ? b : c ? d : e", "a ? b : (c ? d : e)"),
    ] {
        assert_eq!(expr(text), expr(same), "{text}");
    }
}

#[test]
fn sugar_is_rewritten() {
    for (text, same) in [
        ("CASE WHEN a THEN 1 END", "multiIf(a, 1, NULL)"),
        ("count(DISTINCT a) FILTER (WHERE b)", "countDistinctIf(a, b)"),
        ("EXTRACT(YEAR FROM a)", "toYear(a)"),
        ("a = ANY (SELECT 1)", "a IN (SELECT 1)"),
        ("DATE_ADD(DAY, 1, a)", "plus(a, toIntervalDay(1))"),
        ("INTERVAL '1 day 2 hours'", "(toIntervalDay(1), toIntervalHour(2))"),
        ("tuple(a, b)", "(a, b)"),
        ("CAST(a, 'UInt8')", "a::UInt8"),
        ("1.10::Decimal(3, 2)", "CAST('1.10' AS Decimal(3, 2))"),
        ("tupleElement(f(x), 'y')", "f(x).y"),
        ("a IS NOT DISTINCT FROM b", "a <=> b"),
    ] {
        assert_eq!(expr(text), expr(same), "{text}");
    }
}

#[test]
fn an_identifier_keeps_its_parts_and_position() {
    let ExprKind::Identifier(parts) = expr("  db.t.`a b`").kind else { panic!("no identifier") };
    let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["db", "t", "a b"]);
    assert_eq!(parts[2].span.range(), 7..12);
}

#[test]
fn names_that_are_keywords_elsewhere_are_columns() {
    for name in
        ["date", "timestamp", "interval", "key", "values", "format", "end", "order", "exists", "cast", "left", "case"]
    {
        assert_eq!(expr(name), Expr::column(name), "{name}");
    }
    let StatementKind::Query(query) = statement("SELECT a, FROM t") else { panic!("no query") };
    assert_eq!(query.as_select().map(|select| select.items.len()), Some(1));
}

/// The bytes of the data of the one INSERT in `text`.
fn data(text: &str) -> (String, String) {
    let StatementKind::Insert(insert) = statement(text) else { panic!("no insert") };
    let InsertSource::Data(data) = insert.source else { panic!("no data") };
    (data.format.name, text[data.data.range()].to_owned())
}

#[test]
fn data_of_an_insert_is_found_not_read() {
    for (text, format, expected) in [
        ("INSERT INTO t VALUES (1, 'a;)'), (2, ']')", "Values", "(1, 'a;)'), (2, ']')"),
        ("INSERT INTO t (a) VALUES  (1) ; ", "Values", "(1)"),
        ("INSERT INTO t VALUES", "Values", ""),
        ("INSERT INTO t FORMAT CSV\n1,2\n;,'\n", "CSV", "1,2\n;,'\n"),
        ("INSERT INTO t FORMAT TSV  \r\n\t2\n", "TSV", "\t2\n"),
        ("INSERT INTO t FORMAT JSONEachRow {\"a\": 1}", "JSONEachRow", "{\"a\": 1}"),
        ("INSERT INTO t FORMAT CSV", "CSV", ""),
        ("INSERT INTO t FORMAT CSV ;", "CSV", ""),
        ("INSERT INTO t SETTINGS async_insert = 1 VALUES (1)", "Values", "(1)"),
        ("INSERT INTO t FORMAT Values (1)", "Values", "(1)"),
    ] {
        assert_eq!(data(text), (format.to_owned(), expected.to_owned()), "{text}");
    }
}

#[test]
fn binary_data_after_a_statement_is_left_alone() {
    let bytes = b"INSERT INTO t FORMAT RowBinary\n\xff\xfe\x00';";
    let statement = sql::parse_statement_bytes(bytes).expect("the statement is text");
    let StatementKind::Insert(insert) = statement.kind else { panic!("no insert") };
    let InsertSource::Data(data) = insert.source else { panic!("no data") };
    assert_eq!(&bytes[data.data.range()], b"\xff\xfe\x00';");
    let error = sql::parse_statement_bytes(b"SELECT '\xff'").expect_err("not text");
    assert_eq!(error.code(), sql::SYNTAX_ERROR);
}

#[test]
fn a_script_is_cut_at_its_semicolons() {
    let text = "-- first\nCREATE TABLE t (a String) ENGINE = Null;\nINSERT INTO t VALUES ('x;'), (concat('a', ';'));;\n\
                INSERT INTO t FORMAT CSV\na;b\n\"c\";\nSELECT 1 /* ; */ ; SELECT '\\';'";
    let statements = sql::parse_statements(text).expect("a script");
    let texts: Vec<&str> = statements.iter().map(|(_, span)| &text[span.range()]).collect();
    assert_eq!(
        texts,
        [
            "CREATE TABLE t (a String) ENGINE = Null",
            "INSERT INTO t VALUES ('x;'), (concat('a', ';'))",
            "INSERT INTO t FORMAT CSV\na;b\n\"c\"",
            "SELECT 1",
            "SELECT '\\';'",
        ]
    );
    assert_eq!(sql::parse_statements(" ; -- nothing").expect("nothing"), []);
}

#[test]
fn settings_stand_where_they_were_written() {
    let parsed = sql::parse_statement("SELECT 1 SETTINGS a = 1 FORMAT CSV SETTINGS b = 2").expect("valid");
    assert_eq!(parsed.tail.settings[0].name.name, "b");
    let StatementKind::Query(query) = parsed.kind else { panic!("no query") };
    assert_eq!(query.as_select().map(|select| select.settings[0].name.name.as_str()), Some("a"));
}

#[test]
fn a_key_is_a_list_of_expressions() {
    for (key, items) in [("a", 1), ("(a)", 1), ("(a, b)", 2), ("tuple()", 0), ("(a DESC, b)", 2), ("toDate(a)", 1)] {
        let text = format!("CREATE TABLE t (a Int8) ENGINE = MergeTree ORDER BY {key} SETTINGS x = 1");
        let StatementKind::CreateTable(table) = statement(&text) else { panic!("no table") };
        assert_eq!(table.storage.order_by.map(|key| key.items.len()), Some(items), "{text}");
    }
}

#[test]
fn an_expression_of_values_ends_where_the_next_begins() {
    for (text, length) in [("1 + 2, 3)", 5), ("{'a': now()})", 12), ("now() - INTERVAL 1 DAY)", 22), ("'x' , 2", 3)] {
        let (_, end) = sql::parse_expression_prefix(text).expect(text);
        assert_eq!(end, length, "{text}");
    }
}
