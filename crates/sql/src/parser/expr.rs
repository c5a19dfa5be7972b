//! Expressions: operators by binding power, aliases, lambdas.
//!
//! ```text
//! ->  1   ?:  2   OR  3   AND  4   NOT  5   IS  6   BETWEEN  7   = < LIKE IN  9
//! ||  10  + - 11  * / % 12   unary -  13   [] . ::  14
//! ```

use super::{Failure, Parse, Parser};
use crate::DEPTH_MAX;
use crate::ast::{
    Binary, BinaryOperator, Cast, ChainOperator, Expr, ExprKind, Ident, In, Lambda, Literal, Query, Select, Span,
    TableRef, TableSource, TupleIndex,
};
use crate::token::TokenKind;

/// Binds less than every operator: a whole expression.
const LOOSEST: u8 = 0;
const LAMBDA: u8 = 1;
const TERNARY: u8 = 2;
const OR: u8 = 3;
const AND: u8 = 4;
pub(super) const NOT: u8 = 5;
const IS: u8 = 6;
const BETWEEN: u8 = 7;
const COMPARE: u8 = 9;
const CONCAT: u8 = 10;
const ADD: u8 = 11;
const MULTIPLY: u8 = 12;
pub(super) const NEGATE: u8 = 13;
const POSTFIX: u8 = 14;

/// Words after an expression that are no alias without AS.
pub(super) const NO_ALIAS: &[&str] = &[
    "ALL",
    "AND",
    "ANTI",
    "ANY",
    "ARRAY",
    "AS",
    "ASC",
    "ASOF",
    "BETWEEN",
    "BY",
    "COLLATE",
    "CROSS",
    "DESC",
    "DIV",
    "ELSE",
    "END",
    "EXCEPT",
    "FETCH",
    "FINAL",
    "FORMAT",
    "FROM",
    "FULL",
    "GLOBAL",
    "GROUP",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER",
    "INTERSECT",
    "INTO",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "LOCAL",
    "MOD",
    "NATURAL",
    "NOT",
    "OFFSET",
    "ON",
    "ONLY",
    "OR",
    "ORDER",
    "PARALLEL",
    "PASTE",
    "PREWHERE",
    "QUALIFY",
    "REGEXP",
    "RIGHT",
    "SAMPLE",
    "SELECT",
    "SEMI",
    "SETTINGS",
    "THEN",
    "UNION",
    "USING",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
];

/// An operator that comes after an operand.
#[derive(Clone, Copy)]
enum Infix {
    Lambda,
    Ternary,
    Chain(ChainOperator),
    Binary(BinaryOperator),
    Concat,
    IntDiv,
    Regexp,
    Is,
    Between { negated: bool },
    In { negated: bool, global: bool },
    Index,
    Element,
    Cast,
}

impl Parser<'_> {
    /// A whole expression without an alias.
    pub(super) fn expr(&mut self) -> Parse<Expr> {
        self.expr_above(LOOSEST)
    }

    /// An expression that may be followed by `AS alias`.
    pub(super) fn expr_alias(&mut self) -> Parse<Expr> {
        let expr = self.expr()?;
        if self.accept("AS") {
            let alias = self.ident()?;
            return self.alias(expr, alias);
        }
        Ok(expr)
    }

    /// An expression that may be followed by an alias, with or without AS.
    pub(super) fn expr_item(&mut self) -> Parse<Expr> {
        let expr = self.expr_alias()?;
        if matches!(expr.kind, ExprKind::Alias(..)) {
            return Ok(expr);
        }
        match self.bare_alias()? {
            Some(alias) => self.alias(expr, alias),
            None => Ok(expr),
        }
    }

    /// An alias without AS: any name that cannot begin what may follow.
    pub(super) fn bare_alias(&mut self) -> Parse<Option<Ident>> {
        let token = self.token();
        let is_alias = match token.kind {
            TokenKind::QuotedName => true,
            TokenKind::Word => {
                let word = self.text_of(token);
                // `… AS SELECT a COMMENT 'of the view'`
                let is_comment = word.eq_ignore_ascii_case("COMMENT") && self.peek(1).kind == TokenKind::String;
                let is_generation = word.eq_ignore_ascii_case("GENERATION") && self.at_generation();
                !is_comment && !is_generation && !NO_ALIAS.iter().any(|reserved| word.eq_ignore_ascii_case(reserved))
            }
            _ => false,
        };
        if is_alias { self.ident().map(Some) } else { Ok(None) }
    }

    fn alias(&mut self, expr: Expr, alias: Ident) -> Parse<Expr> {
        let start = expr.span.start;
        self.grow()?;
        Ok(self.node(ExprKind::Alias(Box::new(expr), alias), start))
    }

    /// Expressions with aliases, commas between them; at least one.
    pub(super) fn exprs(&mut self) -> Parse<Vec<Expr>> {
        self.list(Self::expr_alias)
    }

    /// The expression just read becomes the child of another one.
    pub(super) fn grow(&mut self) -> Parse<()> {
        self.height += 1;
        if self.height > DEPTH_MAX {
            return Err(Failure::TooDeep(DEPTH_MAX, self.start()));
        }
        self.check_size()
    }

    /// An expression of operators that bind at least as strongly as `power`.
    pub(super) fn expr_above(&mut self, power: u8) -> Parse<Expr> {
        let outer = std::mem::take(&mut self.height);
        let expr = self.nested(|parser| parser.operators(power))?;
        self.grow()?;
        self.height = self.height.max(outer);
        Ok(expr)
    }

    fn operators(&mut self, power: u8) -> Parse<Expr> {
        let nodes_before = self.nodes;
        let mut left = self.operand()?;
        while let Some((infix, own_power)) = self.infix() {
            if own_power < power {
                break;
            }
            let start = left.span.start;
            let Some(kind) = self.infix_expr(infix, &mut left, own_power, nodes_before)? else { break };
            left = self.node(kind, start);
            self.grow()?;
        }
        Ok(left)
    }

    /// The operator that comes next, if one does, and how strongly it binds. Takes nothing.
    fn infix(&mut self) -> Option<(Infix, u8)> {
        use BinaryOperator as B;
        let found = match self.kind() {
            TokenKind::Arrow => (Infix::Lambda, LAMBDA),
            TokenKind::Question => (Infix::Ternary, TERNARY),
            TokenKind::Equals => (Infix::Binary(B::Equals), COMPARE),
            TokenKind::NotEquals => (Infix::Binary(B::NotEquals), COMPARE),
            TokenKind::Less => (Infix::Binary(B::Less), COMPARE),
            TokenKind::LessOrEquals => (Infix::Binary(B::LessOrEquals), COMPARE),
            TokenKind::Greater => (Infix::Binary(B::Greater), COMPARE),
            TokenKind::GreaterOrEquals => (Infix::Binary(B::GreaterOrEquals), COMPARE),
            TokenKind::NullSafeEquals => (Infix::Binary(B::IsNotDistinctFrom), IS),
            TokenKind::Concat => (Infix::Concat, CONCAT),
            TokenKind::Plus => (Infix::Binary(B::Plus), ADD),
            TokenKind::Minus => (Infix::Binary(B::Minus), ADD),
            TokenKind::Star => (Infix::Binary(B::Multiply), MULTIPLY),
            TokenKind::Slash => (Infix::Binary(B::Divide), MULTIPLY),
            TokenKind::Percent => (Infix::Binary(B::Modulo), MULTIPLY),
            TokenKind::OpenSquare => (Infix::Index, POSTFIX),
            TokenKind::Dot => (Infix::Element, POSTFIX),
            TokenKind::DoubleColon => (Infix::Cast, POSTFIX),
            TokenKind::Word => return self.word_infix(),
            _ => {
                self.want("operator");
                return None;
            }
        };
        Some(found)
    }

    fn word_infix(&mut self) -> Option<(Infix, u8)> {
        use BinaryOperator as B;
        let text = self.text_of(self.token());
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        if is("AND") {
            return Some((Infix::Chain(ChainOperator::And), AND));
        }
        if is("OR") {
            return Some((Infix::Chain(ChainOperator::Or), OR));
        }
        if is("IN") {
            // `UPDATE a = 1 IN PARTITION p WHERE …`
            if self.is_word(1, "PARTITION") {
                self.want("IN PARTITION");
                return None;
            }
            return Some((Infix::In { negated: false, global: false }, COMPARE));
        }
        if is("LIKE") {
            return Some((Infix::Binary(B::Like), COMPARE));
        }
        if is("BETWEEN") {
            return Some((Infix::Between { negated: false }, BETWEEN));
        }
        if is("IS") {
            return Some((Infix::Is, IS));
        }
        if is("NOT") {
            return self.negated_infix();
        }
        if is("ILIKE") {
            return Some((Infix::Binary(B::ILike), COMPARE));
        }
        if is("GLOBAL") {
            let in_at = if self.is_word(1, "NOT") { 2 } else { 1 };
            let found = (Infix::In { negated: in_at == 2, global: true }, COMPARE);
            return self.is_word(in_at, "IN").then_some(found);
        }
        if is("DIV") {
            return Some((Infix::IntDiv, MULTIPLY));
        }
        if is("MOD") {
            return Some((Infix::Binary(B::Modulo), MULTIPLY));
        }
        if is("REGEXP") {
            return Some((Infix::Regexp, COMPARE));
        }
        self.want("operator");
        None
    }

    fn negated_infix(&mut self) -> Option<(Infix, u8)> {
        let found = if self.is_word(1, "IN") {
            (Infix::In { negated: true, global: false }, COMPARE)
        } else if self.is_word(1, "LIKE") {
            (Infix::Binary(BinaryOperator::NotLike), COMPARE)
        } else if self.is_word(1, "ILIKE") {
            (Infix::Binary(BinaryOperator::NotILike), COMPARE)
        } else if self.is_word(1, "BETWEEN") {
            (Infix::Between { negated: true }, BETWEEN)
        } else {
            return None;
        };
        Some(found)
    }

    /// Takes the operator and what follows it. None: it was none after all, nothing was taken.
    fn infix_expr(&mut self, infix: Infix, left: &mut Expr, power: u8, nodes: u32) -> Parse<Option<ExprKind>> {
        // Taken from here on, put back where it is not used; an empty tuple allocates nothing.
        let operand = std::mem::replace(left, Expr::new(ExprKind::Tuple(Vec::new())));
        let kind = match infix {
            Infix::Lambda => self.lambda(operand)?,
            Infix::Ternary => self.ternary(operand)?,
            Infix::Chain(op) => self.chain(op, operand, power)?,
            Infix::Binary(op) => {
                self.advance();
                if matches!(op, BinaryOperator::NotLike | BinaryOperator::NotILike) {
                    self.advance();
                }
                self.binary(operand, op, power)?
            }
            Infix::Concat => self.concat(operand, power)?,
            Infix::IntDiv => self.named_operator(operand, "intDiv", power)?,
            Infix::Regexp => self.named_operator(operand, "match", power)?,
            Infix::Is => self.is(operand)?,
            Infix::Between { negated } => {
                // The operand will stand twice in the tree. Counted, or nested BETWEENs would double it without limit.
                self.nodes = self.nodes.saturating_add(self.nodes - nodes);
                self.check_size()?;
                self.between(operand, negated)?
            }
            Infix::In { negated, global } => {
                for _ in 0..1 + usize::from(negated) + usize::from(global) {
                    self.advance();
                }
                let right = self.expr_above(COMPARE + 1)?;
                ExprKind::In(Box::new(In { left: operand, right, negated, global }))
            }
            Infix::Index => {
                self.advance();
                let index = self.expr_alias()?;
                self.expect(TokenKind::CloseSquare, "]")?;
                ExprKind::ArrayElement(Box::new(operand), Box::new(index))
            }
            Infix::Element => {
                let Some(index) = self.attempt(Self::tuple_index)? else {
                    *left = operand;
                    return Ok(None);
                };
                ExprKind::TupleElement(Box::new(operand), index)
            }
            Infix::Cast => {
                self.advance();
                let data_type = self.data_type()?;
                let operand = self.cast_operand(operand);
                ExprKind::Cast(Box::new(Cast { operand, data_type }))
            }
        };
        Ok(Some(kind))
    }

    fn lambda(&mut self, parameters: Expr) -> Parse<ExprKind> {
        let arrow = self.token();
        let parameters = match parameters.kind {
            ExprKind::Tuple(items) => items,
            _ => vec![parameters],
        };
        let names = parameters.into_iter().map(|item| match item.kind {
            ExprKind::Identifier(mut parts) if parts.len() == 1 => parts.pop(),
            _ => None,
        });
        let Some(parameters) = names.collect::<Option<Vec<Ident>>>() else {
            return self.because(arrow, "Parameters of a lambda must be names");
        };
        self.advance();
        let body = self.expr_above(LAMBDA)?;
        Ok(ExprKind::Lambda(Box::new(Lambda { parameters, body })))
    }

    fn ternary(&mut self, condition: Expr) -> Parse<ExprKind> {
        self.advance();
        let yes = self.expr_above(TERNARY)?;
        self.expect(TokenKind::Colon, ":")?;
        let no = self.expr_above(TERNARY)?;
        Ok(Expr::call("if", vec![condition, yes, no]).kind)
    }

    /// `a AND b AND c` is one node; a chain in brackets stays apart.
    fn chain(&mut self, op: ChainOperator, left: Expr, power: u8) -> Parse<ExprKind> {
        let word = if op == ChainOperator::And { "AND" } else { "OR" };
        let mut operands = Vec::with_capacity(4);
        operands.push(left);
        while self.accept(word) {
            operands.push(self.expr_above(power + 1)?);
        }
        Ok(ExprKind::Chain(op, operands))
    }

    fn concat(&mut self, left: Expr, power: u8) -> Parse<ExprKind> {
        let mut operands = vec![left];
        while self.eat(TokenKind::Concat, "||") {
            operands.push(self.expr_above(power + 1)?);
        }
        Ok(Expr::call("concat", operands).kind)
    }

    fn binary(&mut self, left: Expr, op: BinaryOperator, power: u8) -> Parse<ExprKind> {
        let quantifier = ["ANY", "SOME", "ALL"].into_iter().find(|word| self.is_word(0, word));
        if let Some(quantifier) = quantifier
            && self.peek(1).kind == TokenKind::OpenRound
            && self.begins_query(2)
        {
            self.advance();
            self.advance();
            let query = self.bracketed_query()?;
            return self.quantified(left, op, quantifier == "ALL", query);
        }
        let right = self.expr_above(power + 1)?;
        Ok(ExprKind::Binary(Box::new(Binary { op, left, right })))
    }

    /// `a > ANY (SELECT …)`, as ClickHouse rewrites it: through IN, or the least or greatest value.
    fn quantified(&mut self, left: Expr, op: BinaryOperator, all: bool, query: Query) -> Parse<ExprKind> {
        use BinaryOperator as B;
        let (aggregate, negated) = match (op, all) {
            (B::Equals, false) => (None, false),
            (B::NotEquals, true) => (None, true),
            (B::Equals, true) => (Some("singleValueOrNull"), false),
            (B::NotEquals, false) => (Some("singleValueOrNull"), true),
            (B::Less | B::LessOrEquals, false) | (B::Greater | B::GreaterOrEquals, true) => (Some("max"), false),
            (B::Greater | B::GreaterOrEquals, false) | (B::Less | B::LessOrEquals, true) => (Some("min"), false),
            _ => return self.unexpected("comparison before ANY or ALL"),
        };
        let query = match aggregate {
            None => query,
            Some(name) => {
                let source = TableSource::Subquery(Box::new(query));
                let all_columns = Expr::new(ExprKind::Asterisk(Box::default()));
                Query::select(Select {
                    items: vec![Expr::call(name, vec![all_columns])],
                    from: Some(TableRef::of(source)),
                    ..Select::default()
                })
            }
        };
        let start = left.span.start;
        let right = self.node(ExprKind::Subquery(Box::new(query)), start);
        Ok(match op {
            B::Equals | B::NotEquals => ExprKind::In(Box::new(In { left, right, negated, global: false })),
            _ => ExprKind::Binary(Box::new(Binary { op, left, right })),
        })
    }

    /// An operator that ClickHouse prints as the function it is.
    fn named_operator(&mut self, left: Expr, name: &'static str, power: u8) -> Parse<ExprKind> {
        self.advance();
        let right = self.expr_above(power + 1)?;
        Ok(Expr::call(name, vec![left, right]).kind)
    }

    fn is(&mut self, operand: Expr) -> Parse<ExprKind> {
        use BinaryOperator as B;
        self.advance();
        let negated = self.accept("NOT");
        if self.accept("NULL") || self.accept("UNKNOWN") {
            return Ok(ExprKind::IsNull { operand: Box::new(operand), negated });
        }
        let distinct = self.accept("DISTINCT FROM");
        let right = match distinct {
            true => self.expr_above(IS + 1)?,
            false if self.accept("TRUE") => Expr::literal(Literal::Bool(true)),
            false => {
                self.expect_words("FALSE")?;
                Expr::literal(Literal::Bool(false))
            }
        };
        let op = if negated == distinct { B::IsNotDistinctFrom } else { B::IsDistinctFrom };
        Ok(ExprKind::Binary(Box::new(Binary { op, left: operand, right })))
    }

    fn between(&mut self, operand: Expr, negated: bool) -> Parse<ExprKind> {
        use BinaryOperator as B;
        self.advance();
        if negated {
            self.advance();
        }
        let low = self.expr_above(BETWEEN + 1)?;
        self.expect_words("AND")?;
        let high = self.expr_above(BETWEEN + 1)?;
        self.height += 1;
        let again = operand.clone();
        let (op, first, second) = match negated {
            false => (ChainOperator::And, B::GreaterOrEquals, B::LessOrEquals),
            true => (ChainOperator::Or, B::Less, B::Greater),
        };
        Ok(ExprKind::Chain(op, vec![Expr::binary(operand, first, low), Expr::binary(again, second, high)]))
    }

    fn tuple_index(&mut self) -> Parse<TupleIndex> {
        self.expect(TokenKind::Dot, ".")?;
        match self.kind() {
            TokenKind::Number => Ok(TupleIndex::Position(self.unsigned()?)),
            TokenKind::Minus => {
                self.advance();
                Ok(TupleIndex::FromEnd(self.unsigned()?))
            }
            _ => Ok(TupleIndex::Name(self.ident()?)),
        }
    }

    /// `1.5::Decimal(3, 2)` converts the text of the number, so that no digit is lost on the way.
    fn cast_operand(&mut self, operand: Expr) -> Expr {
        match &operand.kind {
            ExprKind::Literal(Literal::UInt(_) | Literal::Int(_) | Literal::Float(_)) if !operand.parenthesized => {
                let text = self.text.get(operand.span.range()).unwrap_or("");
                let text: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
                Expr::at(ExprKind::Literal(Literal::String(text)), operand.span)
            }
            _ => operand,
        }
    }

    /// A name of one part as an expression.
    pub(super) fn column(&mut self, ident: Ident) -> Expr {
        let span: Span = ident.span;
        self.nodes += 1;
        Expr::at(ExprKind::Identifier(vec![ident]), span)
    }
}
