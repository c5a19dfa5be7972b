//! SELECT, its clauses, and set operations.

use super::{Parse, Parser};
use crate::ast::{
    Cte, Expr, ExprKind, GroupBy, GroupByKeys, GroupByModifier, InterpolateItem, Limit, LimitBy, LimitByKeys, Literal,
    NamedWindow, NullsOrder, OrderBy, OrderByItem, OrderByKeys, Query, QueryBody, Select, SetOperation, SetOperator,
    SetQuantifier, SortDirection, With, WithFill, WithItem,
};
use crate::token::TokenKind;

impl Parser<'_> {
    /// Queries joined by UNION and EXCEPT, which bind alike, to the left.
    pub(super) fn query(&mut self) -> Parse<Query> {
        self.nested(|parser| {
            let start = parser.start();
            let mut body = parser.intersection()?;
            while let Some(op) = parser.union_or_except() {
                let quantifier = parser.set_quantifier();
                let right = parser.intersection()?;
                body = parser.joined(body, op, quantifier, right)?;
            }
            Ok(Query { body, span: parser.span_from(start) })
        })
    }

    fn union_or_except(&mut self) -> Option<SetOperator> {
        if self.accept("UNION") {
            return Some(SetOperator::Union);
        }
        self.accept("EXCEPT").then_some(SetOperator::Except)
    }

    fn intersection(&mut self) -> Parse<QueryBody> {
        let mut body = self.query_term()?;
        while self.accept("INTERSECT") {
            let quantifier = self.set_quantifier();
            let right = self.query_term()?;
            body = self.joined(body, SetOperator::Intersect, quantifier, right)?;
        }
        Ok(body)
    }

    fn set_quantifier(&mut self) -> Option<SetQuantifier> {
        if self.accept("ALL") {
            return Some(SetQuantifier::All);
        }
        self.accept("DISTINCT").then_some(SetQuantifier::Distinct)
    }

    /// One more operand of the same operation, or a new operation around the left side.
    fn joined(
        &mut self,
        left: QueryBody,
        op: SetOperator,
        quantifier: Option<SetQuantifier>,
        right: QueryBody,
    ) -> Parse<QueryBody> {
        if let QueryBody::Set(mut operation) = left {
            if operation.op == op && operation.quantifier == quantifier {
                operation.operands.push(right);
                return Ok(QueryBody::Set(operation));
            }
            self.grow()?;
            let operands = vec![QueryBody::Set(operation), right];
            return Ok(QueryBody::Set(Box::new(SetOperation { op, quantifier, operands })));
        }
        Ok(QueryBody::Set(Box::new(SetOperation { op, quantifier, operands: vec![left, right] })))
    }

    fn query_term(&mut self) -> Parse<QueryBody> {
        if self.kind() == TokenKind::OpenRound {
            return self.nested(|parser| {
                parser.advance();
                Ok(parser.bracketed_query()?.body)
            });
        }
        if !["SELECT", "WITH", "FROM"].iter().any(|word| self.at(word)) {
            self.want("SELECT");
            self.want("WITH");
            return self.unexpected("FROM");
        }
        Ok(QueryBody::Select(self.select()?))
    }

    /// One SELECT, at its first word.
    pub(super) fn select(&mut self) -> Parse<Box<Select>> {
        let with = match self.pending_with.take() {
            Some(with) => Some(with),
            None => self.with()?,
        };
        let mut select = Box::<Select>::default();
        select.with = with;
        let from_first = self.at("FROM");
        if from_first {
            self.from(&mut select)?;
        }
        self.expect_words("SELECT")?;
        self.select_head(&mut select)?;
        if !from_first {
            self.from(&mut select)?;
        }
        self.select_filters(&mut select)?;
        if self.accept("ORDER BY") {
            select.order_by = Some(self.order_by()?);
        }
        self.limits(&mut select)?;
        if self.accept("SETTINGS") {
            select.settings = self.settings()?;
        }
        Ok(select)
    }

    pub(super) fn with(&mut self) -> Parse<Option<With>> {
        if !self.accept("WITH") {
            return Ok(None);
        }
        let recursive = self.at("RECURSIVE") && !self.is_word(1, "AS") && self.accept("RECURSIVE");
        Ok(Some(With { recursive, items: self.list(Self::with_item)? }))
    }

    fn with_item(&mut self) -> Parse<WithItem> {
        if matches!(self.kind(), TokenKind::Word | TokenKind::QuotedName)
            && let Some(cte) = self.attempt(Self::cte)?
        {
            return Ok(WithItem::Cte(cte));
        }
        Ok(WithItem::Expr(self.expr_alias()?))
    }

    fn cte(&mut self) -> Parse<Cte> {
        let name = self.ident()?;
        let columns = if self.kind() == TokenKind::OpenRound { self.bracketed(Self::ident)? } else { Vec::new() };
        self.expect_words("AS")?;
        let materialized = self.accept("MATERIALIZED");
        self.open()?;
        Ok(Cte { name, columns, materialized, query: self.bracketed_query()? })
    }

    /// `[DISTINCT [ON (…)]|ALL] [TOP n [WITH TIES]] items`.
    fn select_head(&mut self, select: &mut Select) -> Parse<()> {
        if self.accept("DISTINCT ON") {
            let keys = LimitByKeys::Exprs(self.bracketed(Self::expr)?);
            let count = Expr::literal(Literal::UInt(1));
            select.limit_by = Some(LimitBy { count, offset: None, keys });
        } else if !self.accept("ALL") {
            select.distinct = self.accept("DISTINCT");
        }
        if self.at("TOP") && matches!(self.peek(1).kind, TokenKind::Number | TokenKind::OpenRound) {
            self.advance();
            let count = self.operand()?;
            let with_ties = self.accept("WITH TIES");
            select.limit = Some(Limit { count: Some(count), offset: None, with_ties });
        }
        loop {
            select.items.push(self.expr_item()?);
            // A comma before FROM is forgiven.
            if !self.comma() || self.at("FROM") {
                return Ok(());
            }
        }
    }

    fn select_filters(&mut self, select: &mut Select) -> Parse<()> {
        if self.accept("PREWHERE") {
            select.prewhere = Some(self.expr_alias()?);
        }
        if self.accept("WHERE") {
            select.filter = Some(self.expr_alias()?);
        }
        select.group_by = self.group_by()?;
        if self.accept("HAVING") {
            select.having = Some(self.expr_alias()?);
        }
        if self.accept("WINDOW") {
            select.windows = self.list(|parser| {
                let name = parser.ident()?;
                parser.expect_words("AS")?;
                Ok(NamedWindow { name, spec: parser.window_spec()? })
            })?;
        }
        if self.accept("QUALIFY") {
            select.qualify = Some(self.expr_alias()?);
        }
        Ok(())
    }

    fn group_by(&mut self) -> Parse<Option<GroupBy>> {
        let mut group_by = GroupBy { keys: GroupByKeys::Exprs(Vec::new()), modifier: None, totals: false };
        let written = self.accept("GROUP BY");
        if written {
            self.group_by_keys(&mut group_by)?;
        }
        let modifiers = [("WITH ROLLUP", GroupByModifier::Rollup), ("WITH CUBE", GroupByModifier::Cube)];
        for (words, modifier) in modifiers {
            if written && group_by.modifier.is_none() && self.accept(words) {
                group_by.modifier = Some(modifier);
            }
        }
        group_by.totals = self.accept("WITH TOTALS");
        Ok((written || group_by.totals).then_some(group_by))
    }

    fn group_by_keys(&mut self, group_by: &mut GroupBy) -> Parse<()> {
        if self.at("ALL") && !self.begins_call() {
            self.advance();
            group_by.keys = GroupByKeys::All;
            return Ok(());
        }
        if self.accept("GROUPING SETS") {
            let sets = self.bracketed(|parser| {
                if parser.kind() == TokenKind::OpenRound {
                    return parser.bracketed(Self::expr_alias);
                }
                Ok(vec![parser.expr_alias()?])
            })?;
            group_by.keys = GroupByKeys::GroupingSets(sets);
            return Ok(());
        }
        for (word, modifier) in [("ROLLUP", GroupByModifier::Rollup), ("CUBE", GroupByModifier::Cube)] {
            if self.at(word) && self.begins_call() {
                self.advance();
                self.open()?;
                group_by.keys = GroupByKeys::Exprs(self.exprs()?);
                self.close()?;
                group_by.modifier = Some(modifier);
                return Ok(());
            }
        }
        group_by.keys = GroupByKeys::Exprs(self.exprs()?);
        Ok(())
    }

    fn order_by(&mut self) -> Parse<OrderBy> {
        let keys = if self.at("ALL") && !self.begins_call() {
            self.advance();
            let direction = self.sort_direction();
            OrderByKeys::All(direction, self.nulls_order()?)
        } else {
            OrderByKeys::Items(self.list(Self::order_by_item)?)
        };
        let interpolate = if self.accept("INTERPOLATE") { Some(self.interpolate()?) } else { None };
        Ok(OrderBy { keys, interpolate })
    }

    pub(super) fn sort_direction(&mut self) -> SortDirection {
        if self.accept("DESC") || self.accept("DESCENDING") {
            return SortDirection::Descending;
        }
        if !self.accept("ASC") {
            self.accept("ASCENDING");
        }
        SortDirection::Ascending
    }

    fn nulls_order(&mut self) -> Parse<Option<NullsOrder>> {
        if self.accept("NULLS FIRST") {
            return Ok(Some(NullsOrder::First));
        }
        Ok(self.accept("NULLS LAST").then_some(NullsOrder::Last))
    }

    pub(super) fn order_by_item(&mut self) -> Parse<OrderByItem> {
        let expr = self.expr_alias()?;
        let direction = self.sort_direction();
        let nulls = self.nulls_order()?;
        let collation = if self.accept("COLLATE") { Some(self.string_text()?) } else { None };
        let fill = if self.accept("WITH FILL") { Some(Box::new(self.fill()?)) } else { None };
        Ok(OrderByItem { expr, direction, nulls, collation, fill })
    }

    fn fill(&mut self) -> Parse<WithFill> {
        let mut fill = WithFill::default();
        if self.accept("FROM") {
            fill.from = Some(self.expr()?);
        }
        if self.accept("TO") {
            fill.to = Some(self.expr()?);
        }
        if self.accept("STEP") {
            fill.step = Some(self.expr()?);
        }
        if self.accept("STALENESS") {
            fill.staleness = Some(self.expr()?);
        }
        Ok(fill)
    }

    fn interpolate(&mut self) -> Parse<Vec<InterpolateItem>> {
        if self.kind() != TokenKind::OpenRound {
            return Ok(Vec::new());
        }
        self.bracketed(|parser| {
            let column = parser.ident()?;
            let expr = if parser.accept("AS") { parser.expr()? } else { parser.column(column.clone()) };
            Ok(InterpolateItem { column, expr })
        })
    }

    /// `LIMIT [o,] n [OFFSET o] [BY …|WITH TIES]`, twice when the first has BY; `OFFSET n [ROWS] [FETCH …]`.
    fn limits(&mut self, select: &mut Select) -> Parse<()> {
        if self.accept("LIMIT") {
            let limit = self.limit()?;
            if !limit.with_ties && self.accept("BY") {
                let keys = if self.at("ALL") && !self.begins_call() {
                    self.advance();
                    LimitByKeys::All
                } else {
                    LimitByKeys::Exprs(self.exprs()?)
                };
                let Limit { count: Some(count), offset, .. } = limit else { return self.unexpected("LIMIT") };
                select.limit_by = Some(LimitBy { count, offset, keys });
                if self.accept("LIMIT") {
                    select.limit = Some(self.limit()?);
                }
            } else {
                select.limit = Some(limit);
            }
        }
        if select.limit.as_ref().is_none_or(|limit| limit.offset.is_none()) {
            self.offset_fetch(select)?;
        }
        Ok(())
    }

    fn limit(&mut self) -> Parse<Limit> {
        let first = self.expr()?;
        let (count, offset) = if self.comma() {
            (self.expr()?, Some(first))
        } else if self.accept("OFFSET") {
            (first, Some(self.expr()?))
        } else {
            (first, None)
        };
        Ok(Limit { count: Some(count), offset, with_ties: self.accept("WITH TIES") })
    }

    fn offset_fetch(&mut self, select: &mut Select) -> Parse<()> {
        let mut offset = None;
        if self.accept("OFFSET") {
            offset = Some(self.expr()?);
            let _rows = self.accept("ROWS") || self.accept("ROW");
        }
        let mut fetched = None;
        if select.limit.is_none() && self.accept("FETCH") {
            if !self.accept("FIRST") {
                self.expect_words("NEXT")?;
            }
            let count = if self.at("ROW") || self.at("ROWS") {
                Expr::new(ExprKind::Literal(Literal::UInt(1)))
            } else {
                self.expr()?
            };
            if !self.accept("ROWS") {
                self.expect_words("ROW")?;
            }
            let with_ties = self.accept("WITH TIES");
            if !with_ties {
                self.expect_words("ONLY")?;
            }
            fetched = Some((count, with_ties));
        }
        match (&mut select.limit, fetched) {
            (None, None) if offset.is_none() => {}
            (Some(limit), _) => limit.offset = offset,
            (None, fetched) => {
                let (count, with_ties) = fetched.map_or((None, false), |(count, ties)| (Some(count), ties));
                select.limit = Some(Limit { count, offset, with_ties });
            }
        }
        Ok(())
    }
}
