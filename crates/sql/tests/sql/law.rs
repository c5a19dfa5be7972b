//! `parse(print(x)) == x`, and no text makes the parser panic.

use crate::cases;
use proptest::prelude::*;
use sql::ast::*;

fn name() -> impl Strategy<Value = Ident> {
    let words = [
        "a",
        "b",
        "count",
        "key",
        "date",
        "end",
        "order",
        "from",
        "select",
        "Null",
        "interval",
        "not",
        "case",
        "in",
        "values",
        "final",
        "a b",
        "x`y",
        "1a",
        "é",
        "tab\there",
        "exists",
        "as",
        "distinct",
        "top",
        "format",
        "with",
    ];
    prop_oneof![
        9 => proptest::sample::select(words.to_vec()).prop_map(Ident::new),
        1 => "[^:^\\x00]{1,6}".prop_map(Ident::new),
    ]
}

fn function_name() -> impl Strategy<Value = Ident> {
    proptest::sample::select(vec!["f", "sum", "if", "toDate", "plus", "left", "weird name", "and", "map"])
        .prop_map(Ident::new)
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Bool),
        any::<u64>().prop_map(Literal::UInt),
        (i64::MIN..0).prop_map(Literal::Int),
        any::<f64>().prop_filter("nan has one spelling", |value| !value.is_nan()).prop_map(Literal::Float),
        proptest::collection::vec(any::<u8>(), 0..8).prop_map(Literal::String),
    ]
}

fn data_type() -> impl Strategy<Value = DataType> {
    let simple =
        proptest::sample::select(vec!["UInt8", "String", "DOUBLE PRECISION", "Decimal"]).prop_map(DataType::simple);
    simple.prop_recursive(3, 12, 3, |inner| {
        let argument = prop_oneof![
            inner.clone().prop_map(TypeArgument::Type),
            (0u64..99).prop_map(|n| TypeArgument::Literal(Literal::UInt(n))),
            (proptest::sample::select(vec!["x", "select", "a.b", "a b"]), inner.clone())
                .prop_map(|(name, inner)| TypeArgument::Named(Ident::new(name), inner)),
            (proptest::collection::vec(any::<u8>(), 0..4), any::<i64>())
                .prop_map(|(name, n)| TypeArgument::EnumValue(name, n)),
        ];
        (proptest::sample::select(vec!["Array", "Tuple", "Nullable", "Map"]), proptest::collection::vec(argument, 1..3))
            .prop_map(|(name, arguments)| DataType { arguments, ..DataType::simple(name) })
    })
}

fn boxed(expr: Expr) -> Box<Expr> {
    Box::new(expr)
}

fn binary_operator() -> impl Strategy<Value = BinaryOperator> {
    use BinaryOperator::*;
    proptest::sample::select(vec![
        Plus,
        Minus,
        Multiply,
        Divide,
        Modulo,
        Equals,
        NotEquals,
        Less,
        LessOrEquals,
        Greater,
        GreaterOrEquals,
        Like,
        NotLike,
        ILike,
        NotILike,
        IsDistinctFrom,
        IsNotDistinctFrom,
    ])
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        literal().prop_map(ExprKind::Literal),
        proptest::collection::vec(name(), 1..3).prop_map(ExprKind::Identifier),
        data_type().prop_map(|data_type| ExprKind::Parameter(Ident::new("p"), Box::new(data_type))),
    ];
    leaf.prop_map(Expr::new).prop_recursive(4, 32, 4, |inner| {
        let many = proptest::collection::vec(inner.clone(), 0..4);
        let some = proptest::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            inner.clone().prop_map(|e| ExprKind::Unary(UnaryOperator::Not, boxed(e))),
            inner.clone().prop_map(|e| ExprKind::Unary(UnaryOperator::Negate, boxed(e))),
            (inner.clone(), binary_operator(), inner.clone())
                .prop_map(|(left, op, right)| ExprKind::Binary(Box::new(Binary { op, left, right }))),
            some.clone().prop_map(|items| ExprKind::Chain(ChainOperator::And, items)),
            some.prop_map(|items| ExprKind::Chain(ChainOperator::Or, items)),
            (inner.clone(), inner.clone(), any::<bool>(), any::<bool>()).prop_map(|(left, right, negated, global)| {
                ExprKind::In(Box::new(In { left, right, negated, global }))
            }),
            (inner.clone(), any::<bool>()).prop_map(|(e, negated)| ExprKind::IsNull { operand: boxed(e), negated }),
            (inner.clone(), data_type())
                .prop_map(|(operand, data_type)| ExprKind::Cast(Box::new(Cast { operand, data_type }))),
            many.clone().prop_map(ExprKind::Array),
            many.clone().prop_map(ExprKind::Tuple),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| ExprKind::ArrayElement(boxed(a), boxed(b))),
            (inner.clone(), any::<u64>()).prop_map(|(e, n)| ExprKind::TupleElement(boxed(e), TupleIndex::Position(n))),
            (inner.clone(), 1u64..9).prop_map(|(e, n)| ExprKind::TupleElement(boxed(e), TupleIndex::FromEnd(n))),
            (inner.clone(), name()).prop_map(|(e, n)| ExprKind::TupleElement(boxed(e), TupleIndex::Name(n))),
            (proptest::collection::vec(name(), 0..3), inner.clone())
                .prop_map(|(parameters, body)| ExprKind::Lambda(Box::new(Lambda { parameters, body }))),
            (inner.clone(), name()).prop_map(|(e, n)| ExprKind::Alias(boxed(e), n)),
            (function_name(), many, window()).prop_map(|(name, arguments, over)| {
                ExprKind::Function(Box::new(Function { over, ..Function::plain(name, arguments) }))
            }),
            inner.clone().prop_map(|e| ExprKind::Subquery(Box::new(Query::select(simple_select(e))))),
            inner.prop_map(|e| ExprKind::Exists(Box::new(Query::select(simple_select(e))))),
        ]
        .prop_map(Expr::new)
    })
}

fn window() -> impl Strategy<Value = Option<WindowRef>> {
    prop_oneof![
        4 => Just(None),
        1 => name().prop_map(|name| Some(WindowRef::Named(name))),
        1 => name().prop_map(|column| {
            let frame = WindowFrame { unit: FrameUnit::Rows, start: FrameBound::UnboundedPreceding, end: FrameBound::CurrentRow };
            let expr = Expr::new(ExprKind::Identifier(vec![column]));
            Some(WindowRef::Inline(Box::new(WindowSpec {
                base: None,
                partition_by: vec![expr.clone()],
                order_by: vec![OrderByItem::ascending(expr)],
                frame: Some(frame),
            })))
        }),
    ]
}

fn simple_select(item: Expr) -> Select {
    Select { items: vec![item], ..Select::default() }
}

prop_compose! {
    fn select()(
        items in proptest::collection::vec(expr(), 1..3),
        distinct in any::<bool>(),
        table in name(),
        alias in proptest::option::of(name()),
        filter in proptest::option::of(expr()),
        keys in proptest::collection::vec(expr(), 0..3),
        having in proptest::option::of(expr()),
        order in proptest::option::of(expr()),
        limit in proptest::option::of(0u64..99),
        kind in proptest::sample::select(vec![JoinKind::Inner, JoinKind::Left, JoinKind::Full, JoinKind::Right]),
        condition in proptest::option::of(expr()),
    ) -> Select {
        let name = ObjectName { database: None, name: table };
        let mut from = TableRef::table(name.clone());
        from.alias = alias;
        let joins = condition.map(|condition| JoinStep::Join(Box::new(Join {
            locality: None, natural: false, strictness: None, kind,
            table: TableRef::table(name), constraint: Some(JoinConstraint::On(condition)),
        })));
        let group_by = (!keys.is_empty()).then_some(GroupBy { keys: GroupByKeys::Exprs(keys), modifier: None, totals: true });
        Select {
            items, distinct, from: Some(from), joins: joins.into_iter().collect(), filter, group_by, having,
            order_by: order.map(|key| OrderBy { keys: OrderByKeys::Items(vec![OrderByItem::ascending(key)]), interpolate: None }),
            limit: limit.map(|count| Limit { count: Some(Expr::literal(Literal::UInt(count))), offset: None, with_ties: false }),
            ..Select::default()
        }
    }
}

fn assert_same(statement: &Statement) -> Result<(), TestCaseError> {
    for text in [statement.to_string(), statement.to_pretty()] {
        match sql::parse_statement(&text) {
            Ok(again) => prop_assert_eq!(&again, statement, "{}", text),
            Err(error) => prop_assert!(false, "{text}\n{error}"),
        }
    }
    Ok(())
}

fn corpus() -> Vec<String> {
    let files = ["conformance.txt", "select.txt", "statements.txt", "layout.txt"];
    files.iter().flat_map(|file| cases::read(file)).map(|case| case.query).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_expression_survives_its_text(expr in expr()) {
        let text = expr.to_string();
        match sql::parse_expression(&text) {
            Ok(again) => prop_assert_eq!(again, expr, "{}", text),
            Err(error) => prop_assert!(false, "{text}\n{error}"),
        }
    }

    #[test]
    fn a_query_survives_its_text(select in select()) {
        assert_same(&Statement::new(StatementKind::Query(Box::new(Query::select(select)))))?;
    }

    #[test]
    fn a_type_survives_its_text(data_type in data_type()) {
        let text = data_type.to_string();
        prop_assert_eq!(sql::parse_data_type(&text).expect(&text), data_type);
    }

    #[test]
    fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = sql::parse_statement_bytes(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        let _ = sql::parse_statements(&text);
        let _ = sql::parse_expression_prefix(&text);
        let _ = sql::parse_data_type(&text);
    }

    #[test]
    fn tokens_never_panic(tokens in proptest::collection::vec(proptest::sample::select(vec![
        "SELECT", "FROM", "WHERE", "(", ")", "[", "]", "{", "}", ",", ".", "*", "a", "1", "'x'", "AS", "IN", "NOT",
        "BETWEEN", "AND", "CASE", "WHEN", "THEN", "END", "INTERVAL", "DAY", "CAST", "::", "->", "UNION", "ALL", "INSERT INTO",
        "VALUES", "CREATE TABLE", "MATERIALIZED VIEW", "REFRESH", "EVERY", "ALTER TABLE", "MODIFY", "COLUMN", "TTL", "ORDER BY",
        "PARTITION", "OVER", "EXISTS", "JOIN", "ON", "USING", "`q`", "\"q", "--", "/*", "$$", ";", "-", "=", ":", "?",
    ]), 0..40)) {
        let text = tokens.join(" ");
        if let Ok(statements) = sql::parse_statements(&text) {
            for (statement, _) in statements {
                assert_same(&statement)?;
            }
        }
    }

    /// A statement with a piece cut out, doubled or put elsewhere is refused or obeys the law.
    #[test]
    fn mutated_statements_obey_the_law(pick in any::<prop::sample::Index>(), cut in any::<(prop::sample::Index, prop::sample::Index)>(), put in any::<prop::sample::Index>()) {
        let corpus = CORPUS.with(Clone::clone);
        let chars: Vec<char> = pick.get(&corpus).chars().collect();
        let (from, to) = (cut.0.index(chars.len() + 1), cut.1.index(chars.len() + 1));
        let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 24));
        let piece: String = chars[from..to].iter().collect();
        let rest: Vec<char> = chars[..from].iter().chain(&chars[to..]).copied().collect();
        let put = put.index(rest.len() + 1);
        let moved: String = rest[..put].iter().collect::<String>() + &piece + &rest[put..].iter().collect::<String>();
        let cut: String = rest.iter().collect();
        for text in [cut, moved] {
            if let Ok(statement) = sql::parse_statement(&text) {
                assert_same(&statement)?;
            }
        }
    }
}

thread_local! {
    static CORPUS: std::rc::Rc<Vec<String>> = std::rc::Rc::new(corpus());
}
