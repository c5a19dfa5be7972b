//! ENGINE and what follows it, TTL, settings.

use super::Printer;
use crate::ast::{
    Assignment, Engine, Expr, Setting, SettingValue, SortingKey, Storage, TtlAction, TtlDestination, TtlItem,
};

impl Printer {
    pub(super) fn storage(&mut self, storage: &Storage) {
        if let Some(engine) = &storage.engine {
            self.line();
            self.text("ENGINE = ");
            self.engine(engine);
        }
        self.storage_clause("PARTITION BY ", storage.partition_by.as_ref());
        self.storage_clause("PRIMARY KEY ", storage.primary_key.as_ref());
        if let Some(key) = &storage.order_by {
            self.line();
            self.text("ORDER BY ");
            self.sorting_key(key);
        }
        self.storage_clause("SAMPLE BY ", storage.sample_by.as_ref());
        if !storage.ttl.is_empty() {
            self.line();
            self.text("TTL ");
            self.list(&storage.ttl, Self::ttl_item);
        }
        if !storage.settings.is_empty() {
            self.line();
            self.text("SETTINGS ");
            self.list(&storage.settings, Self::setting);
        }
    }

    fn storage_clause(&mut self, keyword: &str, expr: Option<&Expr>) {
        if let Some(expr) = expr {
            self.line();
            self.text(keyword);
            self.expr(expr);
        }
    }

    fn engine(&mut self, engine: &Engine) {
        self.ident(&engine.name);
        if !engine.arguments.is_empty() {
            self.bracketed(&engine.arguments, Self::expr);
        }
    }

    pub(super) fn sorting_key(&mut self, key: &SortingKey) {
        let descending = key.items.iter().any(|item| item.descending);
        let brackets = match (key.is_tuple, descending || key.items.len() < 2) {
            (true, true) => ("tuple(", ")"),
            (true, false) => ("(", ")"),
            (false, _) => ("", ""),
        };
        self.text(brackets.0);
        self.list(&key.items, |printer, item| {
            printer.expr(&item.expr);
            if item.descending {
                printer.text(" DESC");
            }
        });
        self.text(brackets.1);
    }

    pub(super) fn ttl_item(&mut self, item: &TtlItem) {
        self.expr(&item.expr);
        match &item.action {
            TtlAction::Delete => {}
            TtlAction::ToDisk(destination) => self.ttl_destination(" TO DISK ", destination),
            TtlAction::ToVolume(destination) => self.ttl_destination(" TO VOLUME ", destination),
            TtlAction::Recompress(codec) => {
                self.text(" RECOMPRESS CODEC");
                self.bracketed(codec, Self::expr);
            }
            TtlAction::GroupBy { keys, .. } => {
                self.text(" GROUP BY ");
                self.exprs(keys);
            }
        }
        if let Some(filter) = &item.filter {
            self.text(" WHERE ");
            self.expr(filter);
        }
        if let TtlAction::GroupBy { assignments, .. } = &item.action
            && !assignments.is_empty()
        {
            self.text(" SET ");
            self.assignments(assignments);
        }
    }

    fn ttl_destination(&mut self, keyword: &str, destination: &TtlDestination) {
        self.text(keyword);
        self.text(if destination.if_exists { "IF EXISTS " } else { "" });
        self.string(&destination.name);
    }

    pub(super) fn assignments(&mut self, assignments: &[Assignment]) {
        self.list(assignments, |printer, assignment| {
            printer.dotted_ident(&assignment.column);
            printer.text(" = ");
            printer.expr(&assignment.expr);
        });
    }

    pub(super) fn setting(&mut self, setting: &Setting) {
        self.dotted_ident(&setting.name);
        if setting.value != SettingValue::Implicit {
            self.text(" = ");
            self.setting_value(&setting.value);
        }
    }

    pub(super) fn setting_value(&mut self, value: &SettingValue) {
        match value {
            SettingValue::Literal(literal) => self.literal(literal),
            SettingValue::Default => self.text("DEFAULT"),
            SettingValue::Implicit => {}
            SettingValue::Map(entries) => {
                self.text("{");
                self.list(entries, |printer, (key, value)| {
                    printer.literal(key);
                    printer.text(":");
                    printer.literal(value);
                });
                self.text("}");
            }
            SettingValue::Expr(expr) => self.expr(expr),
        }
    }
}
