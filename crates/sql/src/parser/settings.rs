//! `name = value` lists of SETTINGS and SET.

use super::{Parse, Parser};
use crate::ast::{Literal, Setting, SettingValue};
use crate::token::TokenKind;

impl Parser<'_> {
    /// At least one setting.
    pub(super) fn settings(&mut self) -> Parse<Vec<Setting>> {
        self.list_in_alter(Self::setting)
    }

    fn setting(&mut self) -> Parse<Setting> {
        let name = self.dotted_ident()?;
        if !self.eat(TokenKind::Equals, "=") {
            return Ok(Setting { name, value: SettingValue::Implicit });
        }
        Ok(Setting { name, value: self.setting_value()? })
    }

    pub(super) fn setting_value(&mut self) -> Parse<SettingValue> {
        match self.kind() {
            TokenKind::String => Ok(SettingValue::Literal(Literal::String(self.string()?))),
            TokenKind::OpenCurly if self.peek(2).kind != TokenKind::Colon || self.peek(1).kind != TokenKind::Word => {
                self.setting_map()
            }
            TokenKind::Number | TokenKind::Minus if self.begins_number() => {
                Ok(SettingValue::Literal(self.number_literal()?))
            }
            TokenKind::Word if self.at("DEFAULT") => {
                self.advance();
                Ok(SettingValue::Default)
            }
            _ => {
                let value = self.operand()?;
                Ok(match value.kind {
                    crate::ast::ExprKind::Literal(literal) => SettingValue::Literal(literal),
                    _ => SettingValue::Expr(Box::new(value)),
                })
            }
        }
    }

    /// A number, perhaps with its sign.
    fn begins_number(&mut self) -> bool {
        self.kind() == TokenKind::Number || self.peek(1).kind == TokenKind::Number
    }

    fn setting_map(&mut self) -> Parse<SettingValue> {
        self.advance();
        let mut entries = Vec::new();
        if self.kind() != TokenKind::CloseCurly {
            entries = self.list(|parser| {
                let key = parser.setting_literal()?;
                parser.expect(TokenKind::Colon, ":")?;
                Ok((key, parser.setting_literal()?))
            })?;
        }
        self.expect(TokenKind::CloseCurly, "}")?;
        Ok(SettingValue::Map(entries))
    }

    fn setting_literal(&mut self) -> Parse<Literal> {
        let token = self.token();
        match self.setting_value()? {
            SettingValue::Literal(literal) => Ok(literal),
            _ => self.because(token, "A constant is wanted"),
        }
    }
}
