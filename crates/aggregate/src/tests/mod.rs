//! Every function against the answers of the real engine, and the laws of states for every function.
//!
//! `oracle.tsv` holds one case a line: function with parameters, argument types, rows, result type, result as
//! TabSeparated shows it; or the number of the error after `!`.

mod laws;
mod oracle;
mod signatures;
mod text;

use arrow::array::ArrayRef;
use types::{DataType, Value};

use crate::{Aggregate, Result, resolve};

/// One line of the table.
struct Case {
    line: &'static str,
    name: &'static str,
    params: Vec<Value>,
    types: Vec<DataType>,
    columns: Vec<ArrayRef>,
    rows: usize,
    /// Type and value, or an error's number.
    expected: std::result::Result<(&'static str, &'static str), u16>,
}

impl Case {
    fn parse(line: &'static str) -> Case {
        let mut fields = line.split('\t');
        let call = fields.next().unwrap();
        let (name, params) = match call.split_once('(') {
            Some((name, params)) => {
                let mut scanner = text::Scanner(params);
                let mut values = Vec::new();
                while !scanner.0.starts_with(')') {
                    values.push(scanner.value());
                    scanner.0 = scanner.0.trim_start_matches([',', ' ']);
                }
                (name, values)
            }
            None => (call, Vec::new()),
        };
        let types: Vec<DataType> = fields.next().unwrap().split("; ").map(|ty| DataType::parse(ty).unwrap()).collect();
        let rows = text::Scanner(fields.next().unwrap()).rows();
        let columns = types
            .iter()
            .enumerate()
            .map(|(i, ty)| text::column(ty, &rows.iter().map(|row| row[i].clone()).collect::<Vec<_>>()))
            .collect();
        let result = fields.next().unwrap();
        let expected = match result.strip_prefix('!') {
            Some(code) => Err(code.parse().unwrap()),
            None => Ok((result, fields.next().unwrap_or_default())),
        };
        Case { line, name, params, types, columns, rows: rows.len(), expected }
    }

    fn resolve(&self) -> Result<Aggregate> {
        resolve(self.name, &self.params, &self.types)
    }

    fn slice(&self, offset: usize, length: usize) -> Vec<ArrayRef> {
        self.columns.iter().map(|column| column.slice(offset, length)).collect()
    }
}

fn cases() -> impl Iterator<Item = Case> {
    include_str!("oracle.tsv").lines().map(Case::parse)
}

/// Equal, or equal but for the last digits of floats: results of Float32 are sums in another order too.
fn close(ty: &str, a: &str, b: &str) -> bool {
    let tolerance = if ty.contains("Float32") { 1e-6 } else { 1e-9 };
    let split = |text: &str| -> Vec<String> {
        text.split_inclusive(['[', ']', ',', '(', ')', '\'']).map(str::to_owned).collect()
    };
    let (left, right) = (split(a), split(b));
    let near = |(a, b): (&String, &String)| {
        let number = |text: &String| text.trim_end_matches(['[', ']', ',', '(', ')', '\'']).parse::<f64>();
        a == b
            || match (number(a), number(b)) {
                (Ok(x), Ok(y)) => (x - y).abs() <= tolerance * x.abs().max(y.abs()).max(1e-3),
                _ => false,
            }
    };
    left.len() == right.len() && left.iter().zip(&right).all(near)
}
