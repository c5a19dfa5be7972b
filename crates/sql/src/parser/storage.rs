//! ENGINE and what follows it, and TTL.

use super::{Parse, Parser};
use crate::ast::{
    Assignment, Engine, Expr, ExprKind, Function, SortDirection, SortingKey, SortingKeyItem, Storage, TtlAction,
    TtlDestination, TtlItem,
};
use crate::token::TokenKind;

impl Parser<'_> {
    /// ENGINE, then the clauses in any order; each at most once.
    pub(super) fn storage(&mut self) -> Parse<Storage> {
        let mut storage = Storage::default();
        if self.accept("ENGINE") {
            self.eat(TokenKind::Equals, "=");
            storage.engine = Some(self.engine()?);
        }
        while self.storage_clause(&mut storage)? {}
        Ok(storage)
    }

    pub(super) fn engine(&mut self) -> Parse<Engine> {
        let name = self.ident()?;
        let has_arguments = self.kind() == TokenKind::OpenRound;
        let arguments = if has_arguments { self.bracketed(Self::expr_alias)? } else { Vec::new() };
        Ok(Engine { name, arguments })
    }

    fn storage_clause(&mut self, storage: &mut Storage) -> Parse<bool> {
        if storage.partition_by.is_none() && self.accept("PARTITION BY") {
            storage.partition_by = Some(self.expr()?);
        } else if storage.primary_key.is_none() && self.accept("PRIMARY KEY") {
            storage.primary_key = Some(self.expr()?);
        } else if storage.order_by.is_none() && self.accept("ORDER BY") {
            storage.order_by = Some(self.sorting_key()?);
        } else if storage.sample_by.is_none() && self.accept("SAMPLE BY") {
            storage.sample_by = Some(self.expr()?);
        } else if storage.ttl.is_empty() && self.accept("TTL") {
            storage.ttl = self.ttl()?;
        } else if storage.settings.is_empty() && self.accept("SETTINGS") {
            storage.settings = self.settings()?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// `a`, `a DESC`, `(a DESC, b)`, `tuple()`.
    pub(super) fn sorting_key(&mut self) -> Parse<SortingKey> {
        let opens = self.kind() == TokenKind::OpenRound || self.at("TUPLE") && self.begins_call();
        if opens && let Some(key) = self.attempt(Self::sorting_key_tuple)? {
            return Ok(key);
        }
        let item = self.sorting_key_item()?;
        if let (ExprKind::Tuple(_), false) = (&item.expr.kind, item.descending) {
            let ExprKind::Tuple(items) = item.expr.kind else { return self.unexpected("sorting key") };
            let items = items.into_iter().map(|expr| SortingKeyItem { expr, descending: false }).collect();
            return Ok(SortingKey { items, is_tuple: true });
        }
        Ok(SortingKey { items: vec![item], is_tuple: false })
    }

    /// `(a, b DESC)`, `tuple(a)`: with a comma, a direction or the word.
    fn sorting_key_tuple(&mut self) -> Parse<SortingKey> {
        let by_word = self.accept("TUPLE");
        let mut items = self.bracketed(Self::sorting_key_item)?;
        if let [only] = items.as_mut_slice()
            && !by_word
            && !only.descending
        {
            only.expr.parenthesized = true;
            return match self.kind() {
                TokenKind::End | TokenKind::Semicolon | TokenKind::Comma | TokenKind::Word => {
                    Ok(SortingKey { items, is_tuple: false })
                }
                _ => self.unexpected("sorting key"),
            };
        }
        Ok(SortingKey { items, is_tuple: true })
    }

    fn sorting_key_item(&mut self) -> Parse<SortingKeyItem> {
        let expr = self.expr()?;
        Ok(SortingKeyItem { expr, descending: self.sort_direction() == SortDirection::Descending })
    }

    pub(super) fn ttl(&mut self) -> Parse<Vec<TtlItem>> {
        self.list_in_alter(Self::ttl_item)
    }

    fn ttl_item(&mut self) -> Parse<TtlItem> {
        let expr = self.expr()?;
        let action = self.ttl_action()?;
        let filter = if self.accept("WHERE") { Some(self.expr()?) } else { None };
        let TtlAction::GroupBy { keys, .. } = action else { return Ok(TtlItem { expr, action, filter }) };
        // GROUP BY comes after WHERE or before it; SET last.
        let assignments = if self.accept("SET") { self.assignments()? } else { Vec::new() };
        Ok(TtlItem { expr, action: TtlAction::GroupBy { keys, assignments }, filter })
    }

    fn ttl_action(&mut self) -> Parse<TtlAction> {
        if self.accept("TO DISK") {
            return Ok(TtlAction::ToDisk(self.ttl_destination()?));
        }
        if self.accept("TO VOLUME") {
            return Ok(TtlAction::ToVolume(self.ttl_destination()?));
        }
        if self.accept("RECOMPRESS") {
            return Ok(TtlAction::Recompress(self.codec()?));
        }
        if self.accept("GROUP BY") {
            return Ok(TtlAction::GroupBy { keys: self.list(Self::expr)?, assignments: Vec::new() });
        }
        self.accept("DELETE");
        Ok(TtlAction::Delete)
    }

    fn ttl_destination(&mut self) -> Parse<TtlDestination> {
        Ok(TtlDestination { if_exists: self.accept("IF EXISTS"), name: self.string_text()? })
    }

    /// `CODEC(a, b(1))`.
    pub(super) fn codec(&mut self) -> Parse<Vec<Expr>> {
        self.expect_words("CODEC")?;
        let codecs = self.bracketed(Self::name_or_call)?;
        if codecs.is_empty() { self.unexpected("codec") } else { Ok(codecs) }
    }

    /// `minmax`, `bloom_filter(0.01)`; `f()` is printed like `f`, so it is one.
    pub(super) fn name_or_call(&mut self) -> Parse<Expr> {
        let start = self.start();
        let name = self.ident()?;
        if self.kind() != TokenKind::OpenRound {
            return Ok(self.column(name));
        }
        let arguments = self.bracketed(Self::expr)?;
        let function = Function::plain(name, arguments);
        Ok(self.node(ExprKind::Function(Box::new(function)), start))
    }

    /// `a = 1, b = 2`.
    pub(super) fn assignments(&mut self) -> Parse<Vec<Assignment>> {
        self.list_in_alter(|parser| {
            let column = parser.dotted_ident()?;
            parser.expect(TokenKind::Equals, "=")?;
            Ok(Assignment { column, expr: parser.expr()? })
        })
    }
}
