//! `'a UInt8, b Array(String)'`: columns as table functions take them, in one string.

use types::{Column, DataType, ErrorCode, Header};

use crate::error::{Error, Result};

/// The columns that a text names, in order.
pub fn parse(text: &str) -> Result<Header> {
    let mut columns = Vec::new();
    for part in split(text) {
        let (name, ty) = name_and_type(part).ok_or_else(|| wrong(text))?;
        columns.push(Column::new(name, DataType::parse(ty)?));
    }
    if columns.is_empty() {
        return Err(wrong(text));
    }
    Ok(Header::new(columns))
}

fn wrong(text: &str) -> Error {
    Error::refused(ErrorCode::SYNTAX_ERROR, format!("cannot parse structure \"{text}\": expected name and type pairs"))
}

/// The pieces between commas that are in no brackets and no quotes.
fn split(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut depth, mut quote, mut start) = (0_i32, None, 0);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '`' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                pieces.push(&text[start..at]);
                start = at + 1;
            }
            (None, _) => {}
        }
    }
    pieces.push(&text[start..]);
    pieces.into_iter().map(str::trim).filter(|piece| !piece.is_empty()).collect()
}

/// `` `a b` UInt8 `` as name and type.
fn name_and_type(piece: &str) -> Option<(&str, &str)> {
    for quote in ['`', '"'] {
        if let Some(rest) = piece.strip_prefix(quote) {
            let (name, ty) = rest.split_once(quote)?;
            return Some((name, ty.trim()));
        }
    }
    let (name, ty) = piece.split_once(char::is_whitespace)?;
    Some((name, ty.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(structure: &str) -> String {
        let header = parse(structure).unwrap();
        header.columns().iter().map(|c| format!("{}:{}", c.name, c.ty)).collect::<Vec<_>>().join(";")
    }

    #[test]
    fn commas_in_brackets_and_quotes_do_not_split() {
        assert_eq!(text("a UInt8, b Map(String, UInt8)"), "a:UInt8;b:Map(String, UInt8)");
        assert_eq!(text("`x, y` Enum8('a,b' = 1),c String"), "x, y:Enum8('a,b' = 1);c:String");
    }

    #[test]
    fn what_is_no_list_of_columns_is_refused() {
        assert_eq!(parse("x").unwrap_err().code(), ErrorCode::SYNTAX_ERROR);
        assert_eq!(parse("").unwrap_err().code(), ErrorCode::SYNTAX_ERROR);
        assert_eq!(parse("a Nonsense").unwrap_err().code(), ErrorCode::UNKNOWN_TYPE);
    }
}
