//! Calls: arguments, windows, and the functions with a grammar of their own.

use super::{Parse, Parser};
use crate::ast::{
    Cast, DataType, Expr, ExprKind, FrameBound, FrameUnit, Function, Ident, IntervalUnit, Literal, NullsTreatment,
    WindowFrame, WindowRef, WindowSpec,
};
use crate::token::TokenKind;

impl Parser<'_> {
    /// `name(…)`, at the bracket.
    pub(super) fn call(&mut self, name: Ident, start: u32) -> Parse<Expr> {
        if !name.is_parameter
            && let Some(result) = self.special_call(&name, start)?
        {
            return Ok(result);
        }
        self.open()?;
        let (mut distinct, mut arguments) = self.arguments()?;
        let mut parameters = Vec::new();
        if self.kind() == TokenKind::OpenRound && !distinct && !arguments.is_empty() {
            self.advance();
            let (distinct_too, real) = self.arguments()?;
            distinct = distinct_too;
            parameters = std::mem::replace(&mut arguments, real);
        }
        let mut function = Function { name, parameters, arguments, nulls: None, over: None };
        if distinct {
            function.name.name.push_str("Distinct");
        }
        self.call_tail(&mut function)?;
        Ok(self.function_node(function, start))
    }

    /// After the opening bracket: `[DISTINCT|ALL] arguments)`.
    fn arguments(&mut self) -> Parse<(bool, Vec<Expr>)> {
        if self.eat(TokenKind::CloseRound, ")") {
            return Ok((false, Vec::new()));
        }
        // `f(distinct)` and `f(distinct, a)` have a column of that name.
        let follows = self.peek(1).kind;
        let is_keyword = !matches!(follows, TokenKind::Comma | TokenKind::CloseRound | TokenKind::Dot);
        let distinct = is_keyword && self.accept("DISTINCT");
        if !distinct && is_keyword && self.at("ALL") && follows != TokenKind::OpenRound {
            self.advance();
        }
        let arguments = self.exprs()?;
        self.close()?;
        Ok((distinct, arguments))
    }

    /// `[FILTER (WHERE …)] [RESPECT|IGNORE NULLS] [OVER …]`, NULLs and FILTER in either order.
    fn call_tail(&mut self, function: &mut Function) -> Parse<()> {
        self.nulls_treatment(function);
        if self.at("FILTER") && self.begins_call() {
            self.advance();
            self.open()?;
            self.expect_words("WHERE")?;
            function.arguments.push(self.expr()?);
            self.close()?;
            function.name.name.push_str("If");
        }
        self.nulls_treatment(function);
        if self.at("OVER") && (self.begins_call() || self.peek(1).kind != TokenKind::End && !self.is_alias_end(1)) {
            self.advance();
            function.over = Some(self.window_ref()?);
        }
        Ok(())
    }

    /// Whether a name before the token after `ahead` others was the whole alias.
    fn is_alias_end(&mut self, ahead: usize) -> bool {
        !matches!(self.peek(ahead).kind, TokenKind::Word | TokenKind::QuotedName) || self.is_word(ahead, "FROM")
    }

    fn nulls_treatment(&mut self, function: &mut Function) {
        if self.at("RESPECT NULLS") || self.at("IGNORE NULLS") {
            let ignore = self.at("IGNORE");
            self.advance();
            self.advance();
            function.nulls = Some(if ignore { NullsTreatment::Ignore } else { NullsTreatment::Respect });
        }
    }

    fn window_ref(&mut self) -> Parse<WindowRef> {
        if self.kind() == TokenKind::OpenRound {
            return Ok(WindowRef::Inline(Box::new(self.window_spec()?)));
        }
        Ok(WindowRef::Named(self.ident()?))
    }

    pub(super) fn window_spec(&mut self) -> Parse<WindowSpec> {
        self.open()?;
        let keyword = ["PARTITION BY", "ORDER BY", "ROWS", "RANGE", "GROUPS"].iter().any(|words| self.at(words));
        let base = if keyword || self.kind() == TokenKind::CloseRound { None } else { Some(self.ident()?) };
        let partition_by = if self.accept("PARTITION BY") { self.exprs()? } else { Vec::new() };
        let order_by = if self.accept("ORDER BY") { self.list(Self::order_by_item)? } else { Vec::new() };
        let frame = self.window_frame()?;
        self.close()?;
        Ok(WindowSpec { base, partition_by, order_by, frame })
    }

    fn window_frame(&mut self) -> Parse<Option<WindowFrame>> {
        let unit = if self.accept("ROWS") {
            FrameUnit::Rows
        } else if self.accept("RANGE") {
            FrameUnit::Range
        } else if self.accept("GROUPS") {
            FrameUnit::Groups
        } else {
            return Ok(None);
        };
        if !self.accept("BETWEEN") {
            return Ok(Some(WindowFrame { unit, start: self.frame_bound()?, end: FrameBound::CurrentRow }));
        }
        let start = self.frame_bound()?;
        self.expect_words("AND")?;
        Ok(Some(WindowFrame { unit, start, end: self.frame_bound()? }))
    }

    fn frame_bound(&mut self) -> Parse<FrameBound> {
        if self.accept("CURRENT ROW") {
            return Ok(FrameBound::CurrentRow);
        }
        if self.accept("UNBOUNDED PRECEDING") {
            return Ok(FrameBound::UnboundedPreceding);
        }
        if self.accept("UNBOUNDED FOLLOWING") {
            return Ok(FrameBound::UnboundedFollowing);
        }
        let distance = self.expr()?;
        if self.accept("PRECEDING") {
            return Ok(FrameBound::Preceding(distance));
        }
        self.expect_words("FOLLOWING")?;
        Ok(FrameBound::Following(distance))
    }

    // ---- functions with a grammar of their own ----
    //
    // None of them is tried and read again as a plain call when it fails: nested tries take exponential time. Either
    // the first word decides, or the arguments are read as of a plain call and looked at afterwards.

    /// None: the function is like any other, and nothing was read.
    fn special_call(&mut self, name: &Ident, start: u32) -> Parse<Option<Expr>> {
        // Most names are told apart by their first letter, without a copy.
        let first = name.name.as_bytes().first().map_or(0, u8::to_ascii_lowercase);
        if !b"deloprstv".contains(&first) {
            return Ok(None);
        }
        let lower = name.name.to_ascii_lowercase();
        Ok(Some(match lower.as_str() {
            "extract" if self.peek(1).kind == TokenKind::Word && self.is_word(2, "FROM") => self.extract(start)?,
            "substring" => self.with_words("substring", start, &["FROM", "FOR"])?,
            "overlay" => self.with_words("overlay", start, &["PLACING", "FROM", "FOR"])?,
            "position" => self.position(start)?,
            "trim" => self.trim("trimBoth", start)?,
            "ltrim" => self.trim("trimLeft", start)?,
            "rtrim" => self.trim("trimRight", start)?,
            "dateadd" | "date_add" | "timestampadd" | "timestamp_add" => self.date_add(name, "plus", start)?,
            "datesub" | "date_sub" | "timestampsub" | "timestamp_sub" => self.date_add(name, "minus", start)?,
            "datediff" | "date_diff" | "timestampdiff" | "timestamp_diff" => self.date_diff(start)?,
            "view" | "viewifpermitted" if self.begins_query(1) => self.view_call(name, start)?,
            _ => return Ok(None),
        }))
    }

    fn call_node(&mut self, name: &'static str, arguments: Vec<Expr>, start: u32) -> Expr {
        self.node(Expr::call(name, arguments).kind, start)
    }

    /// `EXTRACT(YEAR FROM x)`.
    fn extract(&mut self, start: u32) -> Parse<Expr> {
        self.open()?;
        let part = self.word("interval unit")?.to_ascii_uppercase();
        self.expect_words("FROM")?;
        let value = self.expr()?;
        self.close()?;
        let name = match part.trim_end_matches('S') {
            "NANOSECOND" => "toNanosecond",
            "MICROSECOND" => "toMicrosecond",
            "MILLISECOND" => "toMillisecond",
            "SECOND" => "toSecond",
            "MINUTE" => "toMinute",
            "HOUR" => "toHour",
            "DAY" => "toDayOfMonth",
            "WEEK" => "toISOWeek",
            "MONTH" => "toMonth",
            "QUARTER" => "toQuarter",
            "YEAR" => "toYear",
            "DOY" => "toDayOfYear",
            "EPOCH" => "toUnixTimestamp",
            "DOW" => {
                let from_sunday = Expr::literal(Literal::UInt(2));
                return Ok(self.call_node("toDayOfWeek", vec![value, from_sunday], start));
            }
            "ISODOW" => "toDayOfWeek",
            "ISOYEAR" => "toISOYear",
            _ => return self.unexpected("interval unit"),
        };
        Ok(self.call_node(name, vec![value], start))
    }

    /// `SUBSTRING(x FROM a [FOR b])`: the words stand for commas, in this order, if the first of them is there.
    fn with_words(&mut self, own: &'static str, start: u32, words: &[&'static str]) -> Parse<Expr> {
        self.open()?;
        if self.eat(TokenKind::CloseRound, ")") {
            return Ok(self.call_node(own, Vec::new(), start));
        }
        let mut arguments = vec![self.expr_alias()?];
        let mut used_words = false;
        for word in words {
            if self.accept(word) {
                used_words = true;
                arguments.push(self.expr()?);
            } else if arguments.len() == 1 {
                break;
            }
        }
        while !used_words && self.comma() {
            arguments.push(self.expr_alias()?);
        }
        self.close()?;
        Ok(self.call_node(own, arguments, start))
    }

    /// `POSITION(needle IN text)`, which reads like IN.
    fn position(&mut self, start: u32) -> Parse<Expr> {
        self.open()?;
        let (_, mut arguments) = self.arguments()?;
        if let [Expr { kind: ExprKind::In(operator), parenthesized: false, .. }] = arguments.as_mut_slice()
            && !operator.negated
            && !operator.global
        {
            let operator = operator.clone();
            return Ok(self.call_node("position", vec![operator.right, operator.left], start));
        }
        Ok(self.call_node("position", arguments, start))
    }

    /// `TRIM([BOTH|LEADING|TRAILING] [what] FROM x)`, `TRIM(x [, what])`.
    fn trim(&mut self, default: &'static str, start: u32) -> Parse<Expr> {
        self.open()?;
        let sides = [("BOTH", "trimBoth"), ("LEADING", "trimLeft"), ("TRAILING", "trimRight")];
        let is_name = matches!(self.peek(1).kind, TokenKind::Comma | TokenKind::CloseRound | TokenKind::Dot);
        let side = sides.into_iter().find(|(word, _)| !is_name && self.accept(word));
        let Some((_, name)) = side else {
            let (_, arguments) = self.arguments()?;
            return Ok(self.call_node(default, arguments, start));
        };
        let what = if self.at("FROM") { None } else { Some(self.expr()?) };
        self.expect_words("FROM")?;
        let arguments = std::iter::once(self.expr()?).chain(what).collect();
        self.close()?;
        Ok(self.call_node(name, arguments, start))
    }

    /// A unit and a comma after it: `DAY,`.
    fn leading_unit(&mut self) -> Option<IntervalUnit> {
        let token = self.token();
        let is_unit = token.kind == TokenKind::Word && self.peek(1).kind == TokenKind::Comma;
        is_unit.then(|| super::operand::unit_of(self.text_of(token))).flatten()
    }

    /// `DATE_ADD(DAY, 1, x)`, `DATE_ADD(x, INTERVAL 1 DAY)`.
    fn date_add(&mut self, name: &Ident, operator: &'static str, start: u32) -> Parse<Expr> {
        self.open()?;
        let unit = self.leading_unit();
        let (_, mut arguments) = self.arguments()?;
        if let (Some(unit), 3) = (unit, arguments.len()) {
            let (value, count) = (arguments.pop(), arguments.pop());
            let interval = self.call_node(unit.function_name(), count.into_iter().collect(), start);
            return Ok(self.call_node(operator, value.into_iter().chain([interval]).collect(), start));
        }
        let adds_interval = match arguments.as_slice() {
            [_, Expr { kind: ExprKind::Function(second), .. }] => second.name.name.starts_with("toInterval"),
            _ => false,
        };
        Ok(match adds_interval {
            true => self.call_node(operator, arguments, start),
            false => self.plain_call(name.clone(), arguments, start),
        })
    }

    /// `DATEDIFF(DAY, a, b)`, `dateDiff('day', a, b)`.
    fn date_diff(&mut self, start: u32) -> Parse<Expr> {
        self.open()?;
        let unit = self.leading_unit();
        let (_, mut arguments) = self.arguments()?;
        if let (Some(unit), Some(first)) = (unit, arguments.first_mut()) {
            first.kind = ExprKind::Literal(Literal::string(unit.name().to_ascii_lowercase()));
        }
        Ok(self.call_node("dateDiff", arguments, start))
    }

    /// `view(SELECT …)`: the one function whose subquery stands without brackets of its own.
    fn view_call(&mut self, name: &Ident, start: u32) -> Parse<Expr> {
        self.open()?;
        let query_start = self.start();
        let query = self.bracketed_query()?;
        let argument = self.node(ExprKind::Subquery(Box::new(query)), query_start);
        Ok(self.plain_call(name.clone(), vec![argument], start))
    }

    /// `EXISTS (SELECT …)`, at the word.
    pub(super) fn exists_call(&mut self) -> Parse<Expr> {
        let start = self.start();
        self.advance();
        self.open()?;
        let query = self.bracketed_query()?;
        Ok(self.node(ExprKind::Exists(Box::new(query)), start))
    }

    /// `CAST(x AS T)`, `CAST(x, 'T')`, at the word.
    pub(super) fn cast_call(&mut self) -> Parse<Expr> {
        let start = self.start();
        let name = self.ident()?;
        self.open()?;
        let mut operand = self.expr()?;
        if self.accept("AS") {
            let typed = self.attempt(|parser| {
                let data_type = parser.data_type()?;
                parser.close()?;
                Ok(data_type)
            })?;
            if let Some(data_type) = typed {
                return Ok(self.node(ExprKind::Cast(Box::new(Cast { operand, data_type })), start));
            }
            let alias = self.ident()?;
            operand = self.node(ExprKind::Alias(Box::new(operand), alias), start);
        }
        if !self.comma() {
            let alias = matches!(operand.kind, ExprKind::Alias(..));
            self.close()?;
            return if alias { self.unexpected("data type") } else { Ok(self.plain_call(name, vec![operand], start)) };
        }
        let target = self.exprs()?;
        self.close()?;
        let named_type = match target.as_slice() {
            [Expr { kind: ExprKind::Literal(Literal::String(text)), .. }] => type_of_text(text),
            _ => None,
        };
        if let Some(data_type) = named_type {
            return Ok(self.node(ExprKind::Cast(Box::new(Cast { operand, data_type })), start));
        }
        Ok(self.plain_call(name, std::iter::once(operand).chain(target).collect(), start))
    }

    fn plain_call(&mut self, name: Ident, arguments: Vec<Expr>, start: u32) -> Expr {
        self.node(ExprKind::Function(Box::new(Function::plain(name, arguments))), start)
    }
}

/// The type that a text names.
fn type_of_text(text: &[u8]) -> Option<DataType> {
    crate::parse_data_type(std::str::from_utf8(text).ok()?).ok()
}
