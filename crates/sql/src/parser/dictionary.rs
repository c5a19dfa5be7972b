//! CREATE DICTIONARY.

use super::{Parse, Parser};
use crate::ast::{
    CreateDictionary, CreateMode, DictionaryAttribute, Ident, KeyValue, KeyValues, Lifetime, Literal,
    StatementKind as Kind,
};
use crate::token::TokenKind;

impl Parser<'_> {
    /// After `CREATE [OR REPLACE] DICTIONARY`.
    pub(super) fn create_dictionary(&mut self, mode: CreateMode) -> Parse<Kind> {
        let head = self.create_head(mode)?;
        let mut create = CreateDictionary {
            head,
            attributes: Vec::new(),
            primary_key: Vec::new(),
            source: None,
            lifetime: None,
            layout: None,
            range: None,
            settings: Vec::new(),
            comment: None,
        };
        if self.kind() == TokenKind::OpenRound {
            create.attributes = self.bracketed(Self::dictionary_attribute)?;
        }
        while self.dictionary_clause(&mut create)? {}
        create.comment = self.comment()?;
        Ok(Kind::CreateDictionary(Box::new(create)))
    }

    /// Clauses stand in any order, each once.
    fn dictionary_clause(&mut self, create: &mut CreateDictionary) -> Parse<bool> {
        if create.primary_key.is_empty() && self.accept("PRIMARY KEY") {
            create.primary_key = match self.kind() {
                TokenKind::OpenRound => self.bracketed(Self::ident)?,
                _ => self.list(Self::ident)?,
            };
        } else if create.source.is_none() && self.accept("SOURCE") {
            create.source = Some(self.in_brackets(Self::key_values)?);
        } else if create.layout.is_none() && self.accept("LAYOUT") {
            create.layout = Some(self.in_brackets(Self::key_values)?);
        } else if create.lifetime.is_none() && self.accept("LIFETIME") {
            create.lifetime = Some(self.in_brackets(Self::lifetime)?);
        } else if create.range.is_none() && self.accept("RANGE") {
            create.range = Some(self.in_brackets(Self::dictionary_range)?);
        } else if create.settings.is_empty() && self.accept("SETTINGS") {
            create.settings = self.in_brackets(Self::settings)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn in_brackets<T>(&mut self, read: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        self.open()?;
        let value = read(self)?;
        self.close()?;
        Ok(value)
    }

    fn dictionary_attribute(&mut self) -> Parse<DictionaryAttribute> {
        let name = self.ident()?;
        let data_type = self.data_type()?;
        let mut attribute = DictionaryAttribute {
            name,
            data_type,
            default: None,
            expression: None,
            hierarchical: false,
            bidirectional: false,
            injective: false,
            is_object_id: false,
        };
        loop {
            if attribute.default.is_none() && self.accept("DEFAULT") {
                attribute.default = Some(self.operand()?);
            } else if attribute.expression.is_none() && self.accept("EXPRESSION") {
                attribute.expression = Some(self.expr()?);
            } else if !attribute.hierarchical && self.accept("HIERARCHICAL") {
                attribute.hierarchical = true;
            } else if !attribute.bidirectional && self.accept("BIDIRECTIONAL") {
                attribute.bidirectional = true;
            } else if !attribute.injective && self.accept("INJECTIVE") {
                attribute.injective = true;
            } else if !attribute.is_object_id && self.accept("IS_OBJECT_ID") {
                attribute.is_object_id = true;
            } else {
                return Ok(attribute);
            }
        }
    }

    /// `NAME`, `NAME(KEY value …)`.
    fn key_values(&mut self) -> Parse<KeyValues> {
        let name = self.key()?;
        let has_pairs = self.kind() == TokenKind::OpenRound;
        let pairs = if has_pairs { Some(self.in_brackets(Self::pairs)?) } else { None };
        Ok(KeyValues { name, pairs })
    }

    fn pairs(&mut self) -> Parse<Vec<(Ident, KeyValue)>> {
        let mut pairs = Vec::new();
        while self.kind() != TokenKind::CloseRound {
            let key = self.key()?;
            pairs.push((key, self.nested(Self::key_value)?));
            self.nodes += 1;
            self.check_size()?;
        }
        Ok(pairs)
    }

    fn key_value(&mut self) -> Parse<KeyValue> {
        match self.kind() {
            TokenKind::OpenRound => Ok(KeyValue::Pairs(self.in_brackets(Self::pairs)?)),
            TokenKind::String => Ok(KeyValue::Literal(Literal::String(self.string()?))),
            TokenKind::Number | TokenKind::Minus => Ok(KeyValue::Literal(self.number_literal()?)),
            _ => Ok(KeyValue::Name(self.ident()?)),
        }
    }

    /// A key, in upper case as ClickHouse prints it.
    fn key(&mut self) -> Parse<Ident> {
        Ok(Ident::new(self.word("key")?.to_ascii_uppercase()))
    }

    fn lifetime(&mut self) -> Parse<Lifetime> {
        if self.accept("MIN") {
            let min = self.unsigned()?;
            self.expect_words("MAX")?;
            return Ok(Lifetime { min, max: self.unsigned()? });
        }
        if self.accept("MAX") {
            let max = self.unsigned()?;
            self.expect_words("MIN")?;
            return Ok(Lifetime { min: self.unsigned()?, max });
        }
        Ok(Lifetime { min: 0, max: self.unsigned()? })
    }

    fn dictionary_range(&mut self) -> Parse<(Ident, Ident)> {
        if self.accept("MIN") {
            let min = self.ident()?;
            self.expect_words("MAX")?;
            return Ok((min, self.ident()?));
        }
        self.expect_words("MAX")?;
        let max = self.ident()?;
        self.expect_words("MIN")?;
        Ok((self.ident()?, max))
    }
}
