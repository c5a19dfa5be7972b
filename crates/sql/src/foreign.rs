//! A query as the text of another database's dialect: only what is in quotes is written anew, names and strings. Whether
//! the other side understands the rest is for it to say.

use crate::Query;
use crate::lexer::Lexer;
use crate::literal::{decode_name, decode_string};
use crate::token::TokenKind;

/// Whose quotes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// `` `name` ``, and strings with backslashes.
    MySql,
    /// `"name"`, and strings in which a backslash is one, or `E'…'`.
    PostgreSql,
}

/// The query with a dialect's quotes.
pub fn print_for(query: &Query, dialect: Dialect) -> String {
    let text = query.to_string();
    let mut lexer = Lexer::new(&text, 0);
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    loop {
        let token = lexer.next();
        let (start, end) = (token.start as usize, token.end as usize);
        let slice = text.get(start..end).unwrap_or_default();
        let quoted = match token.kind {
            TokenKind::End | TokenKind::Bad(_) => break,
            TokenKind::QuotedName => decode_name(slice).map(|name| dialect.name(&name)),
            TokenKind::String => decode_string(slice).map(|bytes| dialect.string(&bytes)),
            _ => None,
        };
        if let Some(quoted) = quoted {
            out.push_str(text.get(done..start).unwrap_or_default());
            out.push_str(&quoted);
            done = end;
        }
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

impl Dialect {
    fn name(self, name: &str) -> String {
        match self {
            Dialect::MySql => format!("`{}`", name.replace('`', "``")),
            Dialect::PostgreSql => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    /// Bytes that are no text are hexadecimal digits.
    fn string(self, bytes: &[u8]) -> String {
        let Ok(text) = std::str::from_utf8(bytes) else {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
            return match self {
                Dialect::MySql => format!("X'{digits}'"),
                Dialect::PostgreSql => format!("'\\x{digits}'::bytea"),
            };
        };
        let is_plain = |c: char| c != '\\' && !c.is_control();
        if text.chars().all(is_plain) {
            return format!("'{}'", text.replace('\'', "''"));
        }
        let mut out = String::with_capacity(text.len() + 3);
        out.push_str(if self == Dialect::PostgreSql { "E'" } else { "'" });
        for c in text.chars() {
            match c {
                '\'' => out.push_str("''"),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                // PostgreSQL has no such texts: it says so
                '\0' => out.push_str("\\0"),
                c => out.push(c),
            }
        }
        out.push('\'');
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ast::{ExprKind, StatementKind};

    fn printed(text: &str) -> [String; 2] {
        let statement = crate::parse_statement(&format!("SELECT ({text})")).unwrap();
        let StatementKind::Query(query) = &statement.kind else { panic!("{text}") };
        let crate::ast::QueryBody::Select(select) = &query.body else { panic!("{text}") };
        let ExprKind::Subquery(inner) = &select.items[0].kind else { panic!("{text}") };
        let one_line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        [Dialect::MySql, Dialect::PostgreSql].map(|dialect| one_line(print_for(inner, dialect)))
    }

    #[test]
    fn names_and_strings_have_the_quotes_of_their_dialect() {
        let [mysql, postgres] = printed(r"SELECT a, `b c` FROM `x``y` WHERE d = 'it\'s' AND e != 'a\\b\n'");
        assert_eq!(mysql, r"SELECT a, `b c` FROM `x``y` WHERE (d = 'it''s') AND (e != 'a\\b\n')");
        assert_eq!(postgres, r#"SELECT a, "b c" FROM "x`y" WHERE (d = 'it''s') AND (e != E'a\\b\n')"#);
    }
}
