//! Runs one line of SQL-like text against this crate, so that tests can be tables of expressions with the answers that
//! ClickHouse gave. Knows literals, calls, operators, `a[i]`, `t.1` and lambdas; no columns, no queries.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, new_null_array};
use datafusion::common::DataFusionError;
use types::DataType;
use types::text::{Quoting, Zone, write_cell};

use crate::columns::Texts;
use crate::error::{Error, Result};
use crate::frame::{Arg, Call, FunctionContext, Operand};
use crate::query_time::QueryTime;
use crate::{Lambda, LambdaBody, higher_order, lambda_parameters, resolve};

mod anything;
mod parse;
pub(crate) use parse::Ast;

/// A value with its type, as constant or as column.
#[derive(Clone)]
struct Typed {
    ty: DataType,
    value: Operand,
}

/// What names mean while an expression is evaluated.
#[derive(Clone, Default)]
struct Scope {
    variables: Vec<(String, Typed)>,
    /// Literals become full columns, so that kernels meet columns where they would meet constants.
    full: bool,
}

/// How many rows an expression is evaluated for when its literals are columns.
const FULL_ROWS: usize = 3;

/// The type and the text (as TabSeparated prints it) of an expression; checks that columns give what constants give.
pub(crate) fn answer(text: &str) -> Result<(String, String)> {
    let ast = parse::parse(text);
    let constant = eval(&ast, &Scope::default(), 1)?;
    let printed = print(&constant, 0);
    match eval(&ast, &Scope { full: true, ..Scope::default() }, FULL_ROWS) {
        Ok(full) if deterministic(text) => {
            let full = Typed { value: Operand::Full(full.value.expand(FULL_ROWS)?), ..full };
            for row in 0..FULL_ROWS {
                assert_eq!(print(&full, row), printed, "row {row} of columns differs in {text}");
            }
        }
        // literals that must be constant, or that only as constants have the right type
        Ok(_) | Err(_) => {}
    }
    Ok((constant.ty.to_string(), printed))
}

fn deterministic(text: &str) -> bool {
    !["rand", "generate", "rowNumber", "runningDifference", "neighbor", "isConstant"]
        .iter()
        .any(|name| text.contains(name))
}

fn print(typed: &Typed, row: usize) -> String {
    let array = typed.value.array();
    let row = typed.value.index(row);
    if array.is_null(row) || array.data_type().is_null() {
        return "\\N".to_owned();
    }
    let mut out = Vec::new();
    write_cell(&mut out, &typed.ty, array.as_ref(), row, Quoting::Escaped, Zone::default());
    String::from_utf8_lossy(&out).into_owned()
}

fn eval(ast: &Ast, scope: &Scope, rows: usize) -> Result<Typed> {
    match ast {
        Ast::Literal(ty, value) => {
            let value = if scope.full {
                Operand::Full(Operand::Constant(value.clone()).expand(rows)?)
            } else {
                Operand::Constant(value.clone())
            };
            Ok(Typed { ty: ty.clone(), value })
        }
        Ast::Variable(name) => {
            let found = scope.variables.iter().rev().find(|(known, _)| known == name);
            Ok(found.unwrap_or_else(|| panic!("unknown variable {name}")).1.clone())
        }
        Ast::Lambda(..) => panic!("a lambda is an argument only"),
        Ast::Call(name, args) => match args.split_first() {
            Some((Ast::Lambda(parameters, body), rest)) => eval_lambda(name, parameters, body, rest, scope, rows),
            _ => eval_call(name, args, scope, rows),
        },
    }
}

fn arg_of(typed: &Typed) -> Arg {
    match &typed.value {
        Operand::Constant(value) => Arg::constant(typed.ty.clone(), value.clone()),
        Operand::Full(_) => Arg::column(typed.ty.clone()),
    }
}

fn context() -> FunctionContext {
    FunctionContext::default()
}

fn eval_call(name: &str, args: &[Ast], scope: &Scope, rows: usize) -> Result<Typed> {
    let mut typed = Vec::new();
    for (i, arg) in args.iter().enumerate() {
        // types, names and formats must be constants whatever the mode
        let keep_constant = matches!(arg, Ast::Literal(..)) && matches!((name, i), ("CAST", 1) | ("tupleElement", 1));
        let scope = Scope { full: scope.full && !keep_constant, ..scope.clone() };
        typed.push(eval(arg, &scope, rows)?);
    }
    let function = if name == "CAST" {
        let to = parse::literal_text(&args[1]);
        crate::cast::cast_function(&typed[0].ty, &DataType::parse(&to)?, crate::cast::CastMode::Cast, &context())?
    } else {
        let args: Vec<Arg> = typed.iter().map(arg_of).collect();
        resolve(name, &args, &context())?
    };
    if name == "CAST" {
        typed.truncate(1);
    }
    let operands: Vec<Operand> = typed.iter().map(|typed| typed.value.clone()).collect();
    finish(&function, &operands, rows, name != "materialize")
}

fn finish(function: &crate::Function, operands: &[Operand], rows: usize, may_be_constant: bool) -> Result<Typed> {
    let constant = may_be_constant && operands.iter().all(Operand::is_constant);
    let call = Call { rows: if constant { 1 } else { rows }, time: QueryTime::new(1_700_000_000_000_000_000, 7) };
    let array = function.run(operands, &call)?;
    let value = if constant { Operand::Constant(array) } else { Operand::Full(array) };
    Ok(Typed { ty: function.result.clone(), value })
}

struct Body {
    names: Vec<String>,
    types: Vec<DataType>,
    ast: Ast,
    result: DataType,
}

impl Body {
    fn run(&self, columns: &[ArrayRef], rows: usize) -> Result<Typed> {
        let values = columns.iter().cloned().map(Operand::Full);
        let typed = self.types.iter().cloned().zip(values).map(|(ty, value)| Typed { ty, value });
        let scope = Scope { variables: self.names.iter().cloned().zip(typed).collect(), full: false };
        eval(&self.ast, &scope, rows)
    }
}

impl LambdaBody for Body {
    fn result(&self) -> &DataType {
        &self.result
    }

    fn eval(&self, columns: &[ArrayRef], call: &Call) -> std::result::Result<ArrayRef, DataFusionError> {
        let typed = self.run(columns, call.rows)?;
        Ok(typed.value.expand(call.rows)?)
    }

    fn identity(&self) -> u64 {
        0
    }
}

fn eval_lambda(name: &str, names: &[String], body: &Ast, rest: &[Ast], scope: &Scope, rows: usize) -> Result<Typed> {
    let rest = rest.iter().map(|arg| eval(arg, scope, rows)).collect::<Result<Vec<_>>>()?;
    let args: Vec<Arg> = rest.iter().map(arg_of).collect();
    let parameters = lambda_parameters(name, names.len(), &args)?;
    let captured: Vec<Typed> = scope.variables.iter().map(|(_, typed)| typed.clone()).collect();
    let mut all = Body {
        names: scope.variables.iter().map(|(name, _)| name.clone()).chain(names.iter().cloned()).collect(),
        types: captured.iter().map(|typed| typed.ty.clone()).chain(parameters).collect(),
        ast: body.clone(),
        result: DataType::Nothing,
    };
    let empty: Vec<ArrayRef> = all.types.iter().map(|ty| new_null_array(&ty.arrow_type(), 0)).collect();
    all.result = all.run(&empty, 0)?.ty;
    let lambda =
        Lambda { captured: captured.iter().map(arg_of).collect(), parameters: names.len(), body: Arc::new(all) };
    let function = higher_order(name, lambda, &args, &context())?;
    let operands: Vec<Operand> = captured.into_iter().chain(rest).map(|typed| typed.value).collect();
    finish(&function, &operands, rows, true)
}

/// One row of text.
pub(crate) fn text_column(text: &[u8]) -> ArrayRef {
    let mut texts = Texts::with_capacity(1, text.len());
    texts.push(text).expect("a short text fits");
    texts.finish()
}

/// Checks lines of `expression TAB type TAB text`, or `expression TAB ERROR TAB code`, as ClickHouse gave them. Lines that
/// begin with `diverges: reason` come before lines whose answer is ours.
pub(crate) fn check(answers: &str) {
    let mut wrong = Vec::new();
    for line in answers.lines().filter(|line| !line.is_empty() && !line.starts_with("diverges:")) {
        let fields: Vec<&str> = line.splitn(3, '\t').collect();
        let [expression, ty, text] = fields[..] else { panic!("not three fields: {line}") };
        let given = match answer(expression) {
            Ok((ty, text)) => format!("{ty}\t{text}"),
            Err(error) => format!("ERROR\t{}", error.code().0),
        };
        if given != format!("{ty}\t{text}") {
            let detail = answer(expression).err().map_or_else(String::new, |error: Error| format!(" ({error})"));
            wrong.push(format!("{expression}\n    expected {ty}\t{text}\n    given    {given}{detail}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong answers:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn strings_answer_as_clickhouse() {
    check(include_str!("answers/strings.tsv"));
}

#[test]
fn arrays_answer_as_clickhouse() {
    check(include_str!("answers/arrays.tsv"));
}

#[test]
fn maps_answer_as_clickhouse() {
    check(include_str!("answers/maps.tsv"));
}

#[test]
fn tuples_answer_as_clickhouse() {
    check(include_str!("answers/tuples.tsv"));
}

#[test]
fn conditions_answer_as_clickhouse() {
    check(include_str!("answers/conditional.tsv"));
}

#[test]
fn json_answers_as_clickhouse() {
    check(include_str!("answers/json.tsv"));
}

#[test]
fn states_and_bitmaps_answer_as_clickhouse() {
    check(include_str!("answers/states.tsv"));
}

#[test]
fn ids_and_addresses_answer_as_clickhouse() {
    check(include_str!("answers/ids.tsv"));
}

#[test]
fn hashes_answer_as_clickhouse() {
    check(include_str!("answers/hash.tsv"));
}

#[test]
fn urls_answer_as_clickhouse() {
    check(include_str!("answers/urls.tsv"));
}

#[test]
fn bounds_rankings_pairs_and_encodings_answer_as_clickhouse() {
    check(include_str!("answers/more.tsv"));
}
