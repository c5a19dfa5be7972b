//! Tree → text, on one line or laid out as ClickHouse's SHOW CREATE does.
//!
//! What is printed can be read again, and gives the same tree. Every name that is not a plain word, or could be taken
//! for a keyword where it stands, is back-quoted.

mod alter;
mod backup;
mod create;
mod data_type;
mod dictionary;
mod expr;
mod name;
mod query;
mod statement;
mod storage;
mod system;
mod text;
mod view;

pub use name::column_name;
pub use text::{back_quote, quote_string};

use std::fmt;

use crate::ast::{
    AlterAction, ColumnDef, DataType, Expr, Ident, IndexDef, Literal, ObjectName, Partition, Query, Refresh, Select,
    Setting, SortingKey, Statement, TimeSpan, TtlItem,
};

/// Spaces of one level.
const INDENT: usize = 4;

/// Collects the text.
pub(crate) struct Printer {
    out: String,
    /// Over several lines.
    pretty: bool,
    /// Level of the line being written.
    level: usize,
    /// Inside of a projection, whose ORDER BY is printed without ASC.
    in_projection: bool,
}

impl Printer {
    fn new(pretty: bool) -> Self {
        Self { out: String::new(), pretty, level: 0, in_projection: false }
    }

    fn text(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn display(&mut self, value: impl fmt::Display) {
        use fmt::Write;
        // Writing to a String cannot fail.
        let _ = write!(self.out, "{value}");
    }

    /// A new line at this level, or a space.
    fn line(&mut self) {
        if self.pretty {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', self.level * INDENT));
        } else {
            self.out.push(' ');
        }
    }

    /// A new line at this level, or nothing.
    fn soft_line(&mut self) {
        if self.pretty {
            self.line();
        }
    }

    /// Writes one level deeper.
    fn indented(&mut self, write: impl FnOnce(&mut Self)) {
        self.level += 1;
        write(self);
        self.level -= 1;
    }

    /// Items with a comma and a space between them.
    fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.text(", ");
            }
            write(self, item);
        }
    }

    /// After a keyword: one item on its line, several on lines of their own.
    fn clause_list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        if !self.pretty || items.len() == 1 {
            self.text(" ");
            return self.indented(|printer| printer.list(items, write));
        }
        self.indented(|printer| {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    printer.text(",");
                }
                printer.line();
                write(printer, item);
            }
        });
    }

    /// `(items)`.
    fn bracketed<T>(&mut self, items: &[T], write: impl FnMut(&mut Self, &T)) {
        self.text("(");
        self.list(items, write);
        self.text(")");
    }
}

fn print_one_line(write: impl FnOnce(&mut Printer)) -> String {
    let mut printer = Printer::new(false);
    write(&mut printer);
    printer.out
}

fn print_pretty(write: impl FnOnce(&mut Printer)) -> String {
    let mut printer = Printer::new(true);
    write(&mut printer);
    printer.out
}

/// Gives a tree `Display` (one line) and `to_pretty` (as SHOW CREATE lays it out).
macro_rules! printed {
    ($($tree:ty => $write:ident;)*) => {$(
        impl fmt::Display for $tree {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&print_one_line(|printer| printer.$write(self)))
            }
        }

        impl $tree {
            /// The text over several lines, as ClickHouse's SHOW CREATE lays it out.
            pub fn to_pretty(&self) -> String {
                print_pretty(|printer| printer.$write(self))
            }
        }
    )*};
}

printed! {
    Statement => statement;
    Query => query;
    Select => select;
    Expr => expr;
    Literal => literal;
    DataType => data_type;
    Ident => ident;
    ObjectName => object_name;
    AlterAction => alter_action;
    ColumnDef => column_def;
    IndexDef => index_def;
    Partition => partition;
    Setting => setting;
    SortingKey => sorting_key;
    TtlItem => ttl_item;
    TimeSpan => time_parts;
    Refresh => refresh;
}
