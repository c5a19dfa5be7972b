//! Data types.

use super::Printer;
use crate::ast::{DataType, TypeArgument};

impl Printer {
    /// On one line.
    pub(super) fn data_type(&mut self, data_type: &DataType) {
        self.type_name(&data_type.name);
        if !data_type.arguments.is_empty() {
            self.bracketed(&data_type.arguments, Self::type_argument);
        }
    }

    /// As the type of a column: tuples of several elements spread over lines.
    pub(super) fn column_type(&mut self, data_type: &DataType) {
        let spread = self.pretty && data_type.name == "Tuple" && data_type.arguments.len() > 1;
        if !spread {
            self.type_name(&data_type.name);
            if !data_type.arguments.is_empty() {
                self.bracketed(&data_type.arguments, Self::column_type_argument);
            }
            return;
        }
        self.text("Tuple(");
        self.indented(|printer| {
            for (index, argument) in data_type.arguments.iter().enumerate() {
                if index > 0 {
                    printer.text(",");
                }
                printer.line();
                printer.column_type_argument(argument);
            }
        });
        self.text(")");
    }

    fn column_type_argument(&mut self, argument: &TypeArgument) {
        match argument {
            TypeArgument::Type(data_type) => self.column_type(data_type),
            TypeArgument::Named(name, data_type) => {
                self.json_or_plain_name(name);
                self.text(" ");
                self.column_type(data_type);
            }
            _ => self.type_argument(argument),
        }
    }

    /// Words with spaces (`DOUBLE PRECISION`) are printed as they are.
    fn type_name(&mut self, name: &str) {
        if name.split(' ').all(|word| !word.is_empty() && word.bytes().all(crate::lexer::is_word_byte)) {
            self.text(name);
        } else {
            let quoted = super::back_quote(name);
            self.text(&quoted);
        }
    }

    fn json_or_plain_name(&mut self, name: &crate::ast::Ident) {
        if name.name.contains('.') { self.quoted_ident(name) } else { self.ident(name) }
    }

    fn type_argument(&mut self, argument: &TypeArgument) {
        match argument {
            TypeArgument::Type(data_type) => self.data_type(data_type),
            TypeArgument::Named(name, data_type) => {
                self.json_or_plain_name(name);
                self.text(" ");
                self.data_type(data_type);
            }
            TypeArgument::Literal(literal) => self.literal(literal),
            TypeArgument::EnumValue(name, value) => {
                let quoted = super::quote_string(name);
                self.text(&quoted);
                self.display(format_args!(" = {value}"));
            }
            TypeArgument::Parameter(name, value) => {
                self.ident(name);
                self.text(" = ");
                self.literal(value);
            }
            TypeArgument::SkipPath(path) => {
                self.text("SKIP ");
                self.dotted_ident(path);
            }
            TypeArgument::SkipRegexp(pattern) => {
                self.text("SKIP REGEXP ");
                let quoted = super::quote_string(pattern);
                self.text(&quoted);
            }
        }
    }
}
