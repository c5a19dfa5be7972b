//! INSERT. Inline data is not read: the tree says where it stands.

use super::{Parse, Parser};
use crate::ast::{
    Ident, Infile, Insert, InsertColumns, InsertData, InsertSource, InsertTarget, Query, QueryBody, Span,
    StatementKind as Kind, With,
};
use crate::lexer::Lexer;
use crate::token::TokenKind;

impl Parser<'_> {
    /// After INSERT INTO. `with` stood before INSERT and belongs to the query.
    pub(super) fn insert(&mut self, with: Option<With>) -> Parse<Kind> {
        let table_word = self.at("TABLE")
            && matches!(self.peek(1).kind, TokenKind::Word | TokenKind::QuotedName | TokenKind::OpenCurly);
        if table_word {
            self.advance();
        }
        let is_function = self.at("FUNCTION") && self.peek(2).kind == TokenKind::OpenRound;
        let target = if is_function {
            self.advance();
            let name = self.ident()?;
            InsertTarget::Function(self.table_function(name)?)
        } else {
            InsertTarget::Table(self.object_name()?)
        };
        let partition_by = if is_function && self.accept("PARTITION BY") { Some(self.expr()?) } else { None };
        let columns = self.insert_columns()?;
        let from_infile = self.at("FROM INFILE");
        let mut settings = Vec::new();
        if !from_infile && self.accept("SETTINGS") {
            settings = self.settings()?;
        }
        let source = self.insert_source(with, &mut settings)?;
        Ok(Kind::Insert(Box::new(Insert { target, columns, partition_by, settings, source })))
    }

    fn insert_columns(&mut self) -> Parse<InsertColumns> {
        if self.kind() != TokenKind::OpenRound || self.begins_query(1) {
            return Ok(InsertColumns::All);
        }
        let columns = self.bracketed(|parser| {
            let start = parser.start();
            let plain = matches!(parser.kind(), TokenKind::Word | TokenKind::QuotedName) && !parser.at("COLUMNS");
            if !plain {
                return parser.operand();
            }
            let mut parts = vec![parser.ident()?];
            while parser.eat(TokenKind::Dot, ".") {
                parts.push(parser.ident()?);
            }
            Ok(parser.node(crate::ast::ExprKind::Identifier(parts), start))
        })?;
        Ok(InsertColumns::List(columns))
    }

    fn insert_source(&mut self, with: Option<With>, settings: &mut Vec<crate::ast::Setting>) -> Parse<InsertSource> {
        if with.is_none() {
            if self.accept("FROM INFILE") {
                return self.infile(settings);
            }
            if self.at("VALUES") {
                let token = self.token();
                let format = Ident { name: "Values".to_owned(), ..Ident::new("") };
                let format = Ident { span: Span::new(token.start, token.end), ..format };
                let data = self.values_data(token.end);
                return Ok(InsertSource::Data(InsertData { format, data }));
            }
            if self.at("FORMAT") {
                self.advance();
                let format = self.ident_without_lookahead()?;
                let data = if format.name.eq_ignore_ascii_case("Values") {
                    self.values_data(format.span.end)
                } else {
                    self.format_data(format.span.end)
                };
                return Ok(InsertSource::Data(InsertData { format, data }));
            }
        }
        if self.kind() != TokenKind::OpenRound && !self.begins_query(0) {
            self.want("VALUES");
            self.want("FORMAT");
            return self.unexpected("SELECT");
        }
        let mut query = self.query()?;
        if let Some(with) = with {
            put_with(&mut query, with);
        }
        Ok(InsertSource::Query(Box::new(query)))
    }

    fn infile(&mut self, settings: &mut Vec<crate::ast::Setting>) -> Parse<InsertSource> {
        let path = self.string_text()?;
        let compression = if self.accept("COMPRESSION") { Some(self.string_text()?) } else { None };
        if self.accept("SETTINGS") {
            *settings = self.settings()?;
        }
        let format = if self.accept("FORMAT") { Some(self.ident()?) } else { None };
        Ok(InsertSource::Infile(Infile { path, compression, format }))
    }

    /// The format's name, without looking at what follows it: that is data.
    fn ident_without_lookahead(&mut self) -> Parse<Ident> {
        let token = self.token();
        if token.kind != TokenKind::Word {
            return self.ident();
        }
        let span = Span::new(token.start, token.end);
        Ok(Ident { name: self.text_of(token).to_owned(), is_parameter: false, span })
    }

    /// The list after VALUES, from its first byte that is not blank; the statement goes on after it.
    ///
    /// In a script it ends at a semicolon outside of quotes, comments and brackets; else too, when nothing but blank
    /// follows that semicolon.
    fn values_data(&mut self, from: u32) -> Span {
        let mut lexer = Lexer::new(self.text, from as usize);
        let first = lexer.next();
        let (start, mut end) = (first.start, first.start);
        let mut token = first;
        let mut brackets = 0u32;
        loop {
            match token.kind {
                TokenKind::End => break,
                TokenKind::OpenRound | TokenKind::OpenSquare | TokenKind::OpenCurly => brackets += 1,
                TokenKind::CloseRound | TokenKind::CloseSquare | TokenKind::CloseCurly => {
                    brackets = brackets.saturating_sub(1);
                }
                TokenKind::Semicolon if brackets == 0 => {
                    if self.script || lexer.next().kind == TokenKind::End {
                        self.resume(token.start);
                        return Span::new(start, end);
                    }
                    // More statements in a text of one: the reader of the data will say so.
                    end = self.text.len() as u32;
                    break;
                }
                _ => {}
            }
            end = token.end;
            token = lexer.next();
        }
        self.resume(self.text.len() as u32);
        Span::new(start, end)
    }

    /// The data after FORMAT: blank up to and with the first line end is left out, as ClickHouse does.
    ///
    /// In a script it ends at a semicolon that ends its line.
    fn format_data(&mut self, from: u32) -> Span {
        let bytes = self.text.as_bytes();
        let at = |position: usize| bytes.get(position).copied();
        let mut start = from as usize;
        while matches!(at(start), Some(b' ' | b'\t' | 0x0c)) {
            start += 1;
        }
        let semicolon = at(start) == Some(b';');
        if !semicolon {
            start += usize::from(at(start) == Some(b'\r'));
            start += usize::from(at(start) == Some(b'\n'));
        }
        let rest = self.text.get(start..).unwrap_or("");
        let end = if semicolon {
            start
        } else if self.script {
            start + script_data_length(rest)
        } else if rest.trim().is_empty() {
            start
        } else {
            self.text.len()
        };
        let goes_on = if rest.trim().is_empty() && !semicolon { self.text.len() } else { end };
        self.resume(goes_on as u32);
        Span::new(start as u32, end as u32)
    }

    /// Reads tokens from this byte on.
    fn resume(&mut self, position: u32) {
        self.lexer = Lexer::new(self.text, position as usize);
        self.tokens.truncate(self.next + 1);
        let next = self.lexer.next();
        self.tokens.push(next);
        self.next += 1;
    }
}

/// Up to a semicolon that ends its line, or all of it.
fn script_data_length(rest: &str) -> usize {
    let semicolons = rest.match_indices(';').map(|(at, _)| at);
    let ends_line = |at: &usize| {
        let tail = rest.get(at + 1..).unwrap_or("");
        let line = tail.split('\n').next().unwrap_or("");
        line.trim().is_empty()
    };
    semicolons.into_iter().find(ends_line).unwrap_or(rest.len())
}

/// `WITH … INSERT INTO … SELECT`: the WITH is the first SELECT's.
fn put_with(query: &mut Query, with: With) {
    let mut body = &mut query.body;
    loop {
        match body {
            QueryBody::Select(select) => {
                match &mut select.with {
                    Some(own) => {
                        own.recursive |= with.recursive;
                        own.items.splice(0..0, with.items);
                    }
                    None => select.with = Some(with),
                }
                return;
            }
            QueryBody::Set(set) => match set.operands.first_mut() {
                Some(first) => body = first,
                None => return,
            },
        }
    }
}
