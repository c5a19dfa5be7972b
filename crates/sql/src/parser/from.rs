//! FROM: tables, table functions, subqueries, joins.

use super::{Parse, Parser};
use crate::ast::{
    ArrayJoin, Expr, ExprKind, Ident, Join, JoinConstraint, JoinKind, JoinLocality, JoinStep, JoinStrictness, Query,
    Ratio, Sample, Select, TableFunction, TableRef, TableSource,
};
use crate::token::TokenKind;

impl Parser<'_> {
    /// `[FROM table] joins`.
    pub(super) fn from(&mut self, select: &mut Select) -> Parse<()> {
        if self.accept("FROM") {
            select.from = Some(self.table_ref()?);
        }
        if select.from.is_none() {
            return Ok(());
        }
        while let Some(step) = self.join_step()? {
            select.joins.push(step);
            self.nodes += 1;
            self.check_size()?;
        }
        Ok(())
    }

    /// One table with everything that may follow it.
    pub(super) fn table_ref(&mut self) -> Parse<TableRef> {
        let start = self.start();
        let mut table = TableRef::of(self.nested(Self::table_source)?);
        table.alias = if self.accept("AS") { Some(self.ident()?) } else { self.bare_alias()? };
        if table.alias.is_some() && self.kind() == TokenKind::OpenRound {
            table.column_aliases = self.bracketed(Self::ident)?;
        }
        table.is_final = self.accept("FINAL");
        if self.accept("SAMPLE") {
            let ratio = self.ratio()?;
            let offset = if self.accept("OFFSET") { Some(self.ratio()?) } else { None };
            table.sample = Some(Sample { ratio, offset });
        }
        if self.at_generation() {
            self.advance();
            table.generation = Some(self.signed()?);
            if table.alias.is_none() {
                table.alias = if self.accept("AS") { Some(self.ident()?) } else { self.bare_alias()? };
            }
        }
        table.span = self.span_from(start);
        Ok(table)
    }

    /// `GENERATION -1`; without a number it is a name like any other.
    pub(super) fn at_generation(&mut self) -> bool {
        let next = self.peek(1).kind;
        self.at("GENERATION")
            && (next == TokenKind::Number || next == TokenKind::Minus && self.peek(2).kind == TokenKind::Number)
    }

    fn table_source(&mut self) -> Parse<TableSource> {
        if self.kind() == TokenKind::OpenRound {
            self.advance();
            if self.at("VALUES") {
                return self.standard_values();
            }
            if self.begins_query(0) {
                return Ok(TableSource::Subquery(Box::new(self.bracketed_query()?)));
            }
            // `(a JOIN b …)` is `(SELECT * FROM a JOIN b …)`.
            let mut select = Select { from: Some(self.table_ref()?), ..Select::default() };
            self.from(&mut select)?;
            self.close()?;
            select.items = vec![Expr::new(ExprKind::Asterisk(Box::default()))];
            return Ok(TableSource::Subquery(Box::new(Query::select(select))));
        }
        let name = self.object_name()?;
        if !name.name.is_parameter && self.kind() == TokenKind::OpenRound {
            let function = self.table_function(name.name)?;
            return Ok(TableSource::Function(TableFunction { database: name.database, ..function }));
        }
        Ok(TableSource::Table(name))
    }

    /// `(VALUES (1, 2), (3, 4))`, after the bracket.
    fn standard_values(&mut self) -> Parse<TableSource> {
        self.advance();
        let arguments = self.exprs()?;
        self.close()?;
        let function =
            TableFunction { database: None, name: Ident::new("SQLStandardValues"), arguments, settings: Vec::new() };
        let select = Select {
            items: vec![Expr::new(ExprKind::Asterisk(Box::default()))],
            from: Some(TableRef::of(TableSource::Function(function))),
            ..Select::default()
        };
        Ok(TableSource::Subquery(Box::new(Query::select(select))))
    }

    /// `name(arguments [, SETTINGS …])`, at the bracket.
    pub(super) fn table_function(&mut self, name: Ident) -> Parse<TableFunction> {
        let mut function = TableFunction { database: None, name, arguments: Vec::new(), settings: Vec::new() };
        self.open()?;
        if self.at("SELECT") || self.at("WITH") {
            let start = self.start();
            let query = self.query()?;
            function.arguments.push(self.node(ExprKind::Subquery(Box::new(query)), start));
        } else if self.kind() != TokenKind::CloseRound {
            loop {
                if self.at("SETTINGS") && self.peek(1).kind == TokenKind::Word {
                    self.advance();
                    function.settings = self.settings()?;
                    break;
                }
                function.arguments.push(self.expr_alias()?);
                if !self.comma() {
                    break;
                }
            }
        }
        self.close()?;
        Ok(function)
    }

    /// `0.1`, `1/10`, `1000`.
    fn ratio(&mut self) -> Parse<Ratio> {
        let token = self.expect(TokenKind::Number, "number")?;
        let Some(mut ratio) = ratio_of(self.text_of(token)) else { return self.because(token, "Wrong ratio") };
        if self.eat(TokenKind::Slash, "/") {
            let below = self.expect(TokenKind::Number, "number")?;
            let divided = ratio_of(self.text_of(below)).and_then(|below| {
                Some(Ratio {
                    numerator: ratio.numerator.checked_mul(below.denominator)?,
                    denominator: ratio.denominator.checked_mul(below.numerator).filter(|product| *product != 0)?,
                })
            });
            let Some(divided) = divided else { return self.because(below, "Wrong ratio") };
            ratio = divided;
        }
        Ok(ratio)
    }

    // ---- joins ----

    fn join_step(&mut self) -> Parse<Option<JoinStep>> {
        if self.at("ARRAY JOIN") || self.at("LEFT ARRAY JOIN") || self.at("INNER ARRAY JOIN") {
            let left = self.accept("LEFT");
            self.accept("INNER");
            self.expect_words("ARRAY JOIN")?;
            return Ok(Some(JoinStep::ArrayJoin(ArrayJoin { left, items: self.list(Self::expr_item)? })));
        }
        if self.comma() {
            let table = self.table_ref()?;
            let join = Join {
                locality: None,
                natural: false,
                strictness: None,
                kind: JoinKind::Comma,
                table,
                constraint: None,
            };
            return Ok(Some(JoinStep::Join(Box::new(join))));
        }
        self.join().map(|join| join.map(|join| JoinStep::Join(Box::new(join))))
    }

    fn join(&mut self) -> Parse<Option<Join>> {
        let begin = self.next;
        let locality = self.join_locality();
        let natural = self.accept("NATURAL");
        let before = self.join_strictness();
        let kind = self.join_kind();
        let strictness = before.or_else(|| self.join_strictness());
        if !self.accept("JOIN") {
            self.next = begin;
            return Ok(None);
        }
        let one_sided = matches!(strictness, Some(JoinStrictness::Semi | JoinStrictness::Anti));
        let kind = kind.unwrap_or(if one_sided { JoinKind::Left } else { JoinKind::Inner });
        let table = self.table_ref()?;
        let constraint = if natural || matches!(kind, JoinKind::Cross | JoinKind::Paste) {
            None
        } else if self.accept("USING") {
            Some(JoinConstraint::Using(self.using()?))
        } else {
            self.expect_words("ON")?;
            Some(JoinConstraint::On(self.expr_alias()?))
        };
        Ok(Some(Join { locality, natural, strictness, kind, table, constraint }))
    }

    fn join_locality(&mut self) -> Option<JoinLocality> {
        if self.accept("GLOBAL") {
            return Some(JoinLocality::Global);
        }
        self.accept("LOCAL").then_some(JoinLocality::Local)
    }

    fn join_strictness(&mut self) -> Option<JoinStrictness> {
        let all = [
            ("ANY", JoinStrictness::Any),
            ("ALL", JoinStrictness::All),
            ("ASOF", JoinStrictness::Asof),
            ("SEMI", JoinStrictness::Semi),
            ("ANTI", JoinStrictness::Anti),
            ("ONLY", JoinStrictness::Anti),
        ];
        all.into_iter().find(|(word, _)| self.accept(word)).map(|(_, strictness)| strictness)
    }

    fn join_kind(&mut self) -> Option<JoinKind> {
        let all = [
            ("INNER", JoinKind::Inner),
            ("LEFT", JoinKind::Left),
            ("RIGHT", JoinKind::Right),
            ("FULL", JoinKind::Full),
            ("CROSS", JoinKind::Cross),
            ("PASTE", JoinKind::Paste),
        ];
        let kind = all.into_iter().find(|(word, _)| self.accept(word)).map(|(_, kind)| kind);
        if matches!(kind, Some(JoinKind::Left | JoinKind::Right | JoinKind::Full)) {
            self.accept("OUTER");
        }
        kind
    }

    fn using(&mut self) -> Parse<Vec<Expr>> {
        if self.kind() == TokenKind::OpenRound {
            return self.bracketed(Self::expr_alias);
        }
        self.exprs()
    }
}

/// `0.25` → 25 / 100, in lowest terms.
fn ratio_of(text: &str) -> Option<Ratio> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i32 = exponent.parse().ok()?;
    let digits: u64 = format!("{whole}{fraction}").parse().ok()?;
    let scale = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let power = 10u64.checked_pow(scale.unsigned_abs())?;
    let (numerator, denominator) = if scale < 0 { (digits, power) } else { (digits.checked_mul(power)?, 1) };
    let divisor = greatest_common_divisor(numerator, denominator);
    Some(Ratio { numerator: numerator / divisor, denominator: denominator / divisor })
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}
