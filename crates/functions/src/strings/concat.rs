//! Values written into strings: `concat`, `concatWithSeparator`, `format`.

use arrow::array::ArrayRef;
use types::DataType;
use types::text::{Quoting, Zone, write_cell};

use super::shapes::bad;
use crate::columns::{Bytes, Texts};
use crate::error::Result;
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("concat", concat).any_case(),
    Definition::new("concatAssumeInjective", concat),
    Definition::new("concatWithSeparator", with_separator),
    Definition::new("concatWithSeparator", with_separator).alias("concat_ws").any_case(),
    Definition::new("concatWithSeparatorAssumeInjective", with_separator),
    Definition::new("format", format),
];

/// Arguments of any type as the texts that `toString` gives.
struct Cells {
    types: Vec<DataType>,
    zone: Zone,
}

impl Cells {
    fn new(request: &Request<'_>) -> Cells {
        Cells { types: request.args.iter().map(|arg| arg.ty.clone()).collect(), zone: request.context.zone }
    }

    fn write(&self, args: &[Operand], i: usize, row: usize, out: &mut Vec<u8>) {
        let array: &ArrayRef = args[i].array();
        match &self.types[i] {
            DataType::String => {
                if let Ok(texts) = Bytes::of(&args[i]) {
                    out.extend_from_slice(texts.get(row));
                }
            }
            ty => write_cell(out, ty, array.as_ref(), args[i].index(row), Quoting::Raw, self.zone),
        }
    }
}

/// All arguments' texts in a row; arrays, maps and tuples alone are put together as what they are.
fn concat(request: &Request<'_>) -> Result<Resolved> {
    let all = |test: fn(&DataType) -> bool| request.args.len() > 1 && request.args.iter().all(|arg| test(&arg.ty));
    if all(|ty| matches!(ty, DataType::Array(_))) {
        return crate::arrays::concat::array_concat(request);
    }
    if all(|ty| matches!(ty, DataType::Map(_))) {
        return crate::maps::concat(request);
    }
    if all(|ty| matches!(ty, DataType::Tuple(_))) {
        return crate::tuples::tuple_concat(request);
    }
    let cells = Cells::new(request);
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let mut result = Texts::with_capacity(call.rows, call.rows * args.len() * 8);
        for row in 0..call.rows {
            (0..args.len()).for_each(|i| cells.write(args, i, row, result.bytes()));
            result.end()?;
        }
        Ok(result.finish())
    }))
}

/// `concatWithSeparator(separator, a, b, …)`.
fn with_separator(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=usize::MAX)?;
    if !request.ty(0).is_string() {
        return Err(request.wrong_type(0, "String"));
    }
    let cells = Cells::new(request);
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let separators = Bytes::of(&args[0])?;
        let mut result = Texts::with_capacity(call.rows, call.rows * args.len() * 8);
        for row in 0..call.rows {
            for i in 1..args.len() {
                if i > 1 {
                    result.bytes().extend_from_slice(separators.get(row));
                }
                cells.write(args, i, row, result.bytes());
            }
            result.end()?;
        }
        Ok(result.finish())
    }))
}

/// A piece of a format: text, or an argument.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    Argument(usize),
}

/// `format('{} is {1}', …)`: `{}` in order, `{n}` by number from 0, `{{` and `}}` for braces.
fn format(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=usize::MAX)?;
    let text = request.constant(0).filter(|_| request.ty(0).is_string()).ok_or_else(|| request.not_constant(0))?;
    let pieces = parse_format(Bytes::of_array(text, true)?.get(0), request.args.len() - 1)
        .map_err(|reason| bad(request.name, reason))?;
    let cells = Cells::new(request);
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let mut result = Texts::with_capacity(call.rows, call.rows * 16);
        for row in 0..call.rows {
            for piece in &pieces {
                match piece {
                    Piece::Text(text) => result.bytes().extend_from_slice(text),
                    Piece::Argument(i) => cells.write(args, i + 1, row, result.bytes()),
                }
            }
            result.end()?;
        }
        Ok(result.finish())
    }))
}

fn parse_format(text: &[u8], arguments: usize) -> std::result::Result<Vec<Piece>, &'static str> {
    let mut pieces = Vec::new();
    let mut literal = Vec::new();
    let (mut next, mut numbered, mut automatic) = (0, false, false);
    let mut at = 0;
    while at < text.len() {
        match (text[at], text.get(at + 1)) {
            (brace @ (b'{' | b'}'), Some(same)) if brace == *same => {
                literal.push(brace);
                at += 2;
            }
            (b'}', _) => return Err("a closing brace without an opening one"),
            (b'{', _) => {
                let length = text[at..].iter().position(|byte| *byte == b'}').ok_or("an open brace is not closed")?;
                let inner = &text[at + 1..at + length];
                let argument = if inner.is_empty() {
                    automatic = true;
                    next += 1;
                    next - 1
                } else {
                    numbered = true;
                    let digits = std::str::from_utf8(inner).map_err(|_| "braces hold no number")?;
                    digits.parse().map_err(|_| "braces hold no number")?
                };
                if numbered && automatic {
                    return Err("numbered and automatic arguments do not mix");
                }
                if argument >= arguments {
                    return Err("not enough arguments for the format");
                }
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
                pieces.push(Piece::Argument(argument));
                at += length + 1;
            }
            (byte, _) => {
                literal.push(byte);
                at += 1;
            }
        }
    }
    pieces.push(Piece::Text(literal));
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_format_panics_or_names_a_missing_argument(text in "[{}0-9a:]{0,10}", arguments in 0usize..3) {
            if let Ok(pieces) = parse_format(text.as_bytes(), arguments) {
                let inside = |piece: &Piece| !matches!(piece, Piece::Argument(i) if *i >= arguments);
                proptest::prop_assert!(pieces.iter().all(inside));
            }
        }
    }
}
