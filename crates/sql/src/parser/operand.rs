//! What operators stand between: constants, names, brackets, and words that begin something special.

use super::expr::{NEGATE, NOT};
use super::{Parse, Parser};
use crate::ast::{
    ApplyFunction, Asterisk, ColumnTransformer, Columns, ColumnsSelector, Expr, ExprKind, Function, Ident,
    IntervalUnit, Lambda, Literal, UnaryOperator,
};
use crate::literal;
use crate::token::{Token, TokenKind};

impl Parser<'_> {
    pub(super) fn operand(&mut self) -> Parse<Expr> {
        let token = self.token();
        let start = token.start;
        match token.kind {
            TokenKind::Word => self.word_operand(token),
            TokenKind::QuotedName => self.name_operand(),
            TokenKind::Number => self.number(false, start),
            TokenKind::String => {
                let bytes = self.string()?;
                Ok(self.node(ExprKind::Literal(Literal::String(bytes)), start))
            }
            TokenKind::OpenRound => self.round_operand(),
            TokenKind::OpenSquare => {
                self.advance();
                let items = if self.kind() == TokenKind::CloseSquare { Vec::new() } else { self.exprs()? };
                self.expect(TokenKind::CloseSquare, "]")?;
                Ok(self.node(ExprKind::Array(items), start))
            }
            TokenKind::OpenCurly => self.curly_operand(),
            TokenKind::Star => {
                self.advance();
                self.asterisk(Vec::new(), start)
            }
            TokenKind::Minus => self.negative(start),
            TokenKind::Plus => {
                self.advance();
                self.expr_above(NEGATE)
            }
            _ => self.unexpected("expression"),
        }
    }

    fn number(&mut self, negative: bool, start: u32) -> Parse<Expr> {
        let token = self.advance();
        match literal::decode_number(self.text_of(token), negative) {
            Some(literal) => Ok(self.node(ExprKind::Literal(literal), start)),
            None => self.because(token, "Wrong number"),
        }
    }

    /// `-5` is a constant, `-a` an operator.
    fn negative(&mut self, start: u32) -> Parse<Expr> {
        self.advance();
        let token = self.token();
        if token.kind == TokenKind::Number {
            return self.number(true, start);
        }
        if token.kind == TokenKind::Word && is_infinity(self.text_of(token)) && !self.begins_call_or_path() {
            self.advance();
            return Ok(self.node(ExprKind::Literal(Literal::Float(f64::NEG_INFINITY)), start));
        }
        let operand = self.expr_above(NEGATE)?;
        Ok(self.node(ExprKind::Unary(UnaryOperator::Negate, Box::new(operand)), start))
    }

    fn begins_call_or_path(&mut self) -> bool {
        matches!(self.peek(1).kind, TokenKind::OpenRound | TokenKind::Dot)
    }

    /// A word: a constant, a construct of its own, or a name.
    fn word_operand(&mut self, token: Token) -> Parse<Expr> {
        let text = self.text_of(token);
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        let constant = match text.len() {
            3 if is("nan") => Some(Literal::Float(f64::NAN)),
            3 | 8 if is_infinity(text) => Some(Literal::Float(f64::INFINITY)),
            4 if is("NULL") => Some(Literal::Null),
            4 if is("TRUE") => Some(Literal::Bool(true)),
            5 if is("FALSE") => Some(Literal::Bool(false)),
            _ => None,
        };
        if let Some(constant) = constant
            && !self.begins_call_or_path()
        {
            self.advance();
            return Ok(self.node(ExprKind::Literal(constant), token.start));
        }
        if is("FROM") && matches!(self.peek(1).kind, TokenKind::Word | TokenKind::QuotedName) {
            return self.unexpected("expression");
        }
        let special = match text.len() {
            3 if is("NOT") && !self.ends_operand(1) => Some(self.not_operand()),
            4 if is("CASE") && self.is_case() => Some(self.case_operand()),
            4 if is("DATE") => self.typed_string("toDate"),
            4 if is("CAST") && self.begins_call() => Some(self.cast_call()),
            6 if is("EXISTS") && self.begins_call() => Some(self.exists_call()),
            7 if is("COLUMNS") && self.begins_call() => Some(self.columns(Vec::new(), token.start)),
            8 if is("INTERVAL") && self.is_interval() => Some(self.interval()),
            9 if is("TIMESTAMP") => self.typed_string("toDateTime"),
            _ => None,
        };
        match special {
            Some(result) => result,
            None => self.name_operand(),
        }
    }

    pub(super) fn begins_call(&mut self) -> bool {
        self.peek(1).kind == TokenKind::OpenRound
    }

    /// Whether the token after `ahead` others cannot begin an operand: then a word before it is only a name.
    fn ends_operand(&mut self, ahead: usize) -> bool {
        matches!(
            self.peek(ahead).kind,
            TokenKind::Comma
                | TokenKind::CloseRound
                | TokenKind::CloseSquare
                | TokenKind::Dot
                | TokenKind::End
                | TokenKind::Semicolon
                | TokenKind::Equals
                | TokenKind::Arrow
        )
    }

    /// At the word CASE: whether it is the operator, not a column or function of that name.
    fn is_case(&mut self) -> bool {
        if !self.begins_call() {
            return !self.ends_operand(1);
        }
        let after = self.after_bracket(1);
        !self.ends_operand(after)
    }

    fn not_operand(&mut self) -> Parse<Expr> {
        let start = self.start();
        self.advance();
        let operand = self.expr_above(NOT)?;
        Ok(self.node(ExprKind::Unary(UnaryOperator::Not, Box::new(operand)), start))
    }

    /// `DATE '2025-01-01'`. None when no string follows.
    fn typed_string(&mut self, function: &'static str) -> Option<Parse<Expr>> {
        if self.peek(1).kind != TokenKind::String {
            return None;
        }
        let start = self.start();
        self.advance();
        let argument = self.operand();
        Some(argument.map(|argument| self.node(Expr::call(function, vec![argument]).kind, start)))
    }

    fn case_operand(&mut self) -> Parse<Expr> {
        let start = self.start();
        self.advance();
        let mut arguments = Vec::new();
        let has_operand = !self.at("WHEN");
        if has_operand {
            arguments.push(self.expr()?);
        }
        self.expect_words("WHEN")?;
        loop {
            arguments.push(self.expr()?);
            self.expect_words("THEN")?;
            arguments.push(self.expr()?);
            if !self.accept("WHEN") {
                break;
            }
        }
        let otherwise = if self.accept("ELSE") { self.expr()? } else { Expr::literal(Literal::Null) };
        arguments.push(otherwise);
        self.expect_words("END")?;
        let name = if has_operand { "caseWithExpression" } else { "multiIf" };
        Ok(self.node(Expr::call(name, arguments).kind, start))
    }

    /// `INTERVAL 1 DAY`, `INTERVAL '1 day 2 hour'`.
    fn interval(&mut self) -> Parse<Expr> {
        let start = self.start();
        self.advance();
        let value = self.expr()?;
        if let Some(unit) = self.interval_unit() {
            return Ok(self.node(Expr::call(unit.function_name(), vec![value]).kind, start));
        }
        let parts = match &value.kind {
            ExprKind::Literal(Literal::String(text)) => interval_parts(text),
            _ => None,
        };
        let Some(parts) = parts else { return self.unexpected("interval unit") };
        let mut items = Vec::with_capacity(parts.len());
        for (count, unit) in parts {
            let count = Expr::at(ExprKind::Literal(count), value.span);
            items.push(self.node(Expr::call(unit.function_name(), vec![count]).kind, start));
        }
        if let [_] = items.as_slice() {
            return items.pop().map_or_else(|| self.unexpected("interval"), Ok);
        }
        Ok(self.node(ExprKind::Tuple(items), start))
    }

    /// `DAY`, `days`, `SQL_TSI_DAY`.
    pub(super) fn interval_unit(&mut self) -> Option<IntervalUnit> {
        let token = self.token();
        let unit = (token.kind == TokenKind::Word).then(|| unit_of(self.text_of(token))).flatten();
        match unit {
            Some(_) => drop(self.advance()),
            None => self.want("interval unit"),
        }
        unit
    }

    /// `(a)`, `(a, b)`, `()`, `(SELECT …)`.
    fn round_operand(&mut self) -> Parse<Expr> {
        let start = self.start();
        self.advance();
        if self.eat(TokenKind::CloseRound, ")") {
            return Ok(self.node(ExprKind::Tuple(Vec::new()), start));
        }
        if self.begins_query(0) {
            let query = self.bracketed_query()?;
            return Ok(self.node(ExprKind::Subquery(Box::new(query)), start));
        }
        let first = self.expr_alias()?;
        if self.eat(TokenKind::CloseRound, ")") {
            let mut expr = first;
            expr.parenthesized = true;
            // An operand of `::` must know where it ends; the brackets belong to it now.
            expr.span = self.span_from(start);
            return Ok(expr);
        }
        let mut items = vec![first];
        while self.comma() {
            if items.len() == 1 && self.kind() == TokenKind::CloseRound {
                break;
            }
            items.push(self.expr_alias()?);
        }
        self.close()?;
        Ok(self.node(ExprKind::Tuple(items), start))
    }

    /// A query and the bracket that closes it.
    pub(super) fn bracketed_query(&mut self) -> Parse<crate::ast::Query> {
        let query = self.query()?;
        self.close()?;
        Ok(query)
    }

    /// Whether a query begins after `ahead` tokens, inside of a bracket that is read already. With brackets of its own
    /// (`((SELECT 1) UNION ALL …)`) it must fill them: `((SELECT 1) + 1)` is an expression.
    ///
    /// Decided by looking ahead, never by trying: tries inside of tries would take exponential time.
    pub(super) fn begins_query(&mut self, ahead: usize) -> bool {
        let mut brackets = 0usize;
        while self.peek(ahead + brackets).kind == TokenKind::OpenRound {
            brackets += 1;
        }
        let mut at = ahead + brackets;
        let is_name = matches!(self.peek(at + 1).kind, TokenKind::CloseRound | TokenKind::Comma | TokenKind::Dot);
        if is_name || !["SELECT", "WITH", "FROM"].iter().any(|word| self.is_word(at, word)) {
            return false;
        }
        let mut depth = brackets;
        while depth > 0 {
            match self.peek(at).kind {
                TokenKind::OpenRound => depth += 1,
                TokenKind::CloseRound => {
                    depth -= 1;
                    if depth < brackets && !self.continues_query(at + 1) {
                        return false;
                    }
                }
                // The query itself will say what is missing.
                TokenKind::End | TokenKind::Semicolon | TokenKind::Bad(_) => return true,
                _ => {}
            }
            at += 1;
        }
        true
    }

    /// What may follow a bracketed query inside of another one.
    fn continues_query(&mut self, ahead: usize) -> bool {
        self.peek(ahead).kind == TokenKind::CloseRound
            || ["UNION", "EXCEPT", "INTERSECT"].iter().any(|word| self.is_word(ahead, word))
    }

    /// The number of tokens up to the one after the bracket that closes the one at `ahead`.
    fn after_bracket(&mut self, ahead: usize) -> usize {
        let (mut at, mut depth) = (ahead, 0usize);
        loop {
            match self.peek(at).kind {
                TokenKind::OpenRound => depth += 1,
                TokenKind::CloseRound => depth = depth.saturating_sub(1),
                TokenKind::End | TokenKind::Semicolon | TokenKind::Bad(_) => return at,
                _ => {}
            }
            at += 1;
            if depth == 0 {
                return at;
            }
        }
    }

    /// At the word INTERVAL: whether it is the operator, not a column or function of that name.
    fn is_interval(&mut self) -> bool {
        if self.begins_call() {
            let after = self.after_bracket(1);
            let token = self.peek(after);
            return token.kind == TokenKind::Word && unit_of(self.text_of(token)).is_some();
        }
        matches!(
            self.peek(1).kind,
            TokenKind::Number | TokenKind::String | TokenKind::Minus | TokenKind::QuotedName | TokenKind::OpenCurly
        ) || self.peek(1).kind == TokenKind::Word && !self.is_alias_word(1)
    }

    /// `AS`, `FROM` and others that follow a name.
    fn is_alias_word(&mut self, ahead: usize) -> bool {
        super::expr::NO_ALIAS.iter().any(|word| self.is_word(ahead, word))
    }

    /// `{name:Type}`, `{'key': value}`.
    fn curly_operand(&mut self) -> Parse<Expr> {
        let start = self.start();
        if self.peek(1).kind == TokenKind::Word && self.peek(2).kind == TokenKind::Colon {
            if self.is_word(3, "Identifier") {
                return self.name_operand();
            }
            self.advance();
            let token = self.advance();
            let span = crate::ast::Span::new(token.start, token.end);
            let name = Ident { name: self.text_of(token).to_owned(), is_parameter: false, span };
            self.expect(TokenKind::Colon, ":")?;
            let data_type = self.data_type()?;
            self.expect(TokenKind::CloseCurly, "}")?;
            return Ok(self.node(ExprKind::Parameter(name, Box::new(data_type)), start));
        }
        if !self.map_literals {
            self.advance();
            return self.unexpected("parameter name");
        }
        self.advance();
        let mut arguments = Vec::new();
        if self.kind() != TokenKind::CloseCurly {
            loop {
                arguments.push(self.expr()?);
                self.expect(TokenKind::Colon, ":")?;
                arguments.push(self.expr()?);
                if !self.comma() {
                    break;
                }
            }
        }
        self.expect(TokenKind::CloseCurly, "}")?;
        Ok(self.node(Expr::call("map", arguments).kind, start))
    }

    /// `a`, `t.a`, `t.*`, `f(…)`.
    fn name_operand(&mut self) -> Parse<Expr> {
        let start = self.start();
        let first = self.ident()?;
        if self.kind() == TokenKind::OpenRound {
            return self.call(first, start);
        }
        let mut parts = vec![first];
        while self.kind() == TokenKind::Dot {
            let after = self.peek(1).kind;
            if matches!(after, TokenKind::Colon | TokenKind::Caret) {
                parts.push(self.json_part()?);
                continue;
            }
            if after == TokenKind::Star {
                self.advance();
                self.advance();
                return self.asterisk(parts, start);
            }
            if !matches!(after, TokenKind::Word | TokenKind::QuotedName | TokenKind::OpenCurly) {
                break;
            }
            self.advance();
            if self.is_word(0, "COLUMNS") && self.begins_call() {
                return self.columns(parts, start);
            }
            parts.push(self.ident()?);
        }
        Ok(self.node(ExprKind::Identifier(parts), start))
    }

    /// `.:Int64`, `.^path` of a JSON column: one part, spelled as ClickHouse names the subcolumn.
    fn json_part(&mut self) -> Parse<Ident> {
        let start = self.start();
        self.advance();
        let sign = if self.advance().kind == TokenKind::Colon { ':' } else { '^' };
        let name = match self.kind() {
            TokenKind::QuotedName => self.ident()?.name,
            _ if sign == ':' => self.data_type()?.to_string(),
            _ => self.ident()?.name,
        };
        Ok(Ident { name: format!("{sign}`{name}`"), is_parameter: false, span: self.span_from(start) })
    }

    fn asterisk(&mut self, qualifier: Vec<Ident>, start: u32) -> Parse<Expr> {
        let transformers = self.transformers()?;
        Ok(self.node(ExprKind::Asterisk(Box::new(Asterisk { qualifier, transformers })), start))
    }

    /// At the word COLUMNS before a bracket.
    fn columns(&mut self, qualifier: Vec<Ident>, start: u32) -> Parse<Expr> {
        self.advance();
        self.open()?;
        let selector = if self.kind() == TokenKind::String {
            ColumnsSelector::Regex(self.string_text()?)
        } else {
            ColumnsSelector::List(self.exprs()?)
        };
        self.close()?;
        let transformers = self.transformers()?;
        Ok(self.node(ExprKind::Columns(Box::new(Columns { qualifier, selector, transformers })), start))
    }

    fn transformers(&mut self) -> Parse<Vec<ColumnTransformer>> {
        let mut transformers = Vec::new();
        loop {
            // `* EXCEPT SELECT …` is a set operation.
            let set_operation = self.at("EXCEPT")
                && (["SELECT", "ALL", "DISTINCT", "WITH"].iter().any(|word| self.is_word(1, word))
                    || self.peek(1).kind == TokenKind::OpenRound && self.is_word(2, "SELECT"));
            if self.accept("APPLY") {
                transformers.push(ColumnTransformer::Apply(self.apply()?));
            } else if !set_operation && self.accept("EXCEPT") {
                transformers.push(self.except()?);
            } else if self.accept("REPLACE") {
                transformers.push(self.replace()?);
            } else {
                return Ok(transformers);
            }
        }
    }

    fn apply(&mut self) -> Parse<ApplyFunction> {
        let bracketed = self.eat(TokenKind::OpenRound, "(");
        let is_lambda = self.peek(1).kind == TokenKind::Arrow || self.kind() == TokenKind::OpenRound;
        let function = if is_lambda {
            let token = self.token();
            match self.expr()?.kind {
                ExprKind::Lambda(lambda) if lambda.parameters.len() == 1 => ApplyFunction::Lambda(lambda),
                _ => return self.because(token, "APPLY takes a lambda of one argument"),
            }
        } else {
            let name = self.ident()?;
            let has_parameters = self.kind() == TokenKind::OpenRound;
            let parameters = if has_parameters { self.bracketed(Self::expr)? } else { Vec::new() };
            ApplyFunction::Named(name, parameters)
        };
        if bracketed {
            self.close()?;
        }
        Ok(function)
    }

    fn except(&mut self) -> Parse<ColumnTransformer> {
        let strict = self.accept("STRICT");
        let bracketed = self.eat(TokenKind::OpenRound, "(");
        let transformer = if self.kind() == TokenKind::String {
            ColumnTransformer::ExceptRegex(self.string_text()?)
        } else {
            let columns = if bracketed { self.list(Self::dotted_ident)? } else { vec![self.dotted_ident()?] };
            ColumnTransformer::Except { strict, columns }
        };
        if bracketed {
            self.close()?;
        }
        Ok(transformer)
    }

    fn replace(&mut self) -> Parse<ColumnTransformer> {
        let strict = self.accept("STRICT");
        let bracketed = self.eat(TokenKind::OpenRound, "(");
        let item = |parser: &mut Self| -> Parse<(Expr, Ident)> {
            let expr = parser.expr()?;
            parser.expect_words("AS")?;
            Ok((expr, parser.ident()?))
        };
        let items = if bracketed { self.list(item)? } else { vec![item(self)?] };
        if bracketed {
            self.close()?;
        }
        Ok(ColumnTransformer::Replace { strict, items })
    }

    /// Function, or one of the shapes that the tree has for it.
    pub(super) fn function_node(&mut self, function: Function, start: u32) -> Expr {
        let plain = function.parameters.is_empty() && function.nulls.is_none() && function.over.is_none();
        let named = |name: &str| plain && function.name.name == name;
        let kind = if named("tuple") {
            ExprKind::Tuple(function.arguments)
        } else if named("array") {
            ExprKind::Array(function.arguments)
        } else if named("tupleElement") {
            return self.tuple_element(function, start);
        } else {
            ExprKind::Function(Box::new(function))
        };
        self.node(kind, start)
    }

    /// `tupleElement(t, 'name')` is `t.name`, which needs no other spelling than this one.
    fn tuple_element(&mut self, mut function: Function, start: u32) -> Expr {
        let name = match function.arguments.as_slice() {
            [_, Expr { kind: ExprKind::Literal(Literal::String(name)), .. }] => String::from_utf8(name.clone()).ok(),
            _ => None,
        };
        let tuple = if name.is_some() { function.arguments.drain(..).next() } else { None };
        let kind = match (tuple, name) {
            (Some(tuple), Some(name)) if !name.is_empty() => {
                ExprKind::TupleElement(Box::new(tuple), crate::ast::TupleIndex::Name(Ident::new(name)))
            }
            _ => ExprKind::Function(Box::new(function)),
        };
        self.node(kind, start)
    }

    /// A lambda and nothing else, as CREATE FUNCTION wants it.
    pub(super) fn lambda_expr(&mut self) -> Parse<Lambda> {
        let token = self.token();
        match self.expr()?.kind {
            ExprKind::Lambda(lambda) => Ok(*lambda),
            _ => self.because(token, "A lambda is wanted: (x) -> expression"),
        }
    }
}

fn is_infinity(word: &str) -> bool {
    word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("infinity")
}

/// `DAY`, `days`, `SQL_TSI_DAY`.
pub(super) fn unit_of(word: &str) -> Option<IntervalUnit> {
    let word = match word.split_at_checked(8) {
        Some((prefix, unit)) if prefix.eq_ignore_ascii_case("SQL_TSI_") => unit,
        _ => word,
    };
    let singular = word.strip_suffix(['S', 's']).unwrap_or(word);
    let found = IntervalUnit::ALL
        .iter()
        .find(|(_, name, _)| word.eq_ignore_ascii_case(name) || singular.eq_ignore_ascii_case(name));
    found.map(|(unit, _, _)| *unit).or_else(|| short_unit(word))
}

/// `d`, `hh`, `yyyy`: what ClickHouse takes for a unit, too.
fn short_unit(word: &str) -> Option<IntervalUnit> {
    Some(match word.to_ascii_lowercase().as_str() {
        "ns" => IntervalUnit::Nanosecond,
        "ms" => IntervalUnit::Millisecond,
        "s" | "ss" => IntervalUnit::Second,
        "n" | "mi" => IntervalUnit::Minute,
        "h" | "hh" => IntervalUnit::Hour,
        "d" | "dd" => IntervalUnit::Day,
        "wk" | "ww" => IntervalUnit::Week,
        "m" | "mm" => IntervalUnit::Month,
        "q" | "qq" => IntervalUnit::Quarter,
        "yy" | "yyyy" => IntervalUnit::Year,
        _ => return None,
    })
}

/// `1 day 2 hour` → its parts.
pub(super) fn interval_parts(text: &[u8]) -> Option<Vec<(Literal, IntervalUnit)>> {
    let text = std::str::from_utf8(text).ok()?;
    let mut words = text.split_ascii_whitespace();
    let mut parts = Vec::new();
    while let Some(count) = words.next() {
        let (digits, negative) = count.strip_prefix('-').map_or((count, false), |digits| (digits, true));
        let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let count = all_digits.then(|| literal::decode_number(digits, negative)).flatten()?;
        parts.push((count, unit_of(words.next()?)?));
    }
    (!parts.is_empty()).then_some(parts)
}
