//! CREATE DICTIONARY.

use super::Printer;
use crate::ast::{CreateDictionary, DictionaryAttribute, Ident, KeyValue, KeyValues};

impl Printer {
    pub(super) fn create_dictionary(&mut self, create: &CreateDictionary) {
        self.create_head("DICTIONARY ", &create.head);
        if !create.attributes.is_empty() {
            self.line();
            self.text("(");
            let mut first = true;
            self.indented(|printer| printer.each_element(&create.attributes, &mut first, Self::dictionary_attribute));
            self.soft_line();
            self.text(")");
        }
        if !create.primary_key.is_empty() {
            self.line();
            self.text("PRIMARY KEY ");
            self.list(&create.primary_key, Self::ident);
        }
        if let Some(source) = &create.source {
            self.key_values_clause("SOURCE(", source);
        }
        if let Some(lifetime) = &create.lifetime {
            self.line();
            self.display(format_args!("LIFETIME(MIN {} MAX {})", lifetime.min, lifetime.max));
        }
        if let Some(layout) = &create.layout {
            self.key_values_clause("LAYOUT(", layout);
        }
        if let Some((min, max)) = &create.range {
            self.line();
            self.text("RANGE(MIN ");
            self.ident(min);
            self.text(" MAX ");
            self.ident(max);
            self.text(")");
        }
        if !create.settings.is_empty() {
            self.line();
            self.text("SETTINGS(");
            self.list(&create.settings, Self::setting);
            self.text(")");
        }
        self.comment_line(create.comment.as_deref());
    }

    fn dictionary_attribute(&mut self, attribute: &DictionaryAttribute) {
        self.quoted_ident(&attribute.name);
        self.text(" ");
        self.column_type(&attribute.data_type);
        if let Some(default) = &attribute.default {
            self.text(" DEFAULT ");
            self.expr(default);
        }
        if let Some(expression) = &attribute.expression {
            self.text(" EXPRESSION ");
            self.expr(expression);
        }
        self.text(if attribute.hierarchical { " HIERARCHICAL" } else { "" });
        self.text(if attribute.bidirectional { " BIDIRECTIONAL" } else { "" });
        self.text(if attribute.injective { " INJECTIVE" } else { "" });
        self.text(if attribute.is_object_id { " IS_OBJECT_ID" } else { "" });
    }

    fn key_values_clause(&mut self, clause: &str, values: &KeyValues) {
        self.line();
        self.text(clause);
        self.text(&values.name.name);
        if let Some(pairs) = &values.pairs {
            self.pairs(pairs);
        }
        self.text(")");
    }

    fn pairs(&mut self, pairs: &[(Ident, KeyValue)]) {
        self.text("(");
        for (index, (key, value)) in pairs.iter().enumerate() {
            self.text(if index == 0 { "" } else { " " });
            self.text(&key.name);
            self.text(" ");
            match value {
                KeyValue::Literal(literal) => self.literal(literal),
                KeyValue::Name(name) => self.ident(name),
                KeyValue::Pairs(pairs) => self.pairs(pairs),
            }
        }
        self.text(")");
    }
}
