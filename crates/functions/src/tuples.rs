//! Functions of tuples.

use arrow::array::{Array, ArrayRef};
use types::{DataType, TupleField};

use crate::arrays::steps::fields;
use crate::columns::{Lists, Offsets, Texts, tuples};
use crate::error::{Error, Result};
use crate::frame::{Arg, Call, Definition, Function, Operand, Resolved};
use crate::request::Request;
use crate::resolve::resolve;

const fn row(name: &'static str, resolver: crate::frame::Resolver) -> Definition {
    Definition::new(name, resolver).sees_nulls().sees_low_cardinality()
}

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    row("tuple", tuple),
    row("tupleElement", tuple_element),
    row("tupleConcat", tuple_concat),
    row("tupleNames", tuple_names),
    row("tupleToNameValuePairs", name_value_pairs),
    row("flattenTuple", flatten_tuple),
    row("tupleHammingDistance", hamming_distance),
    row("dotProduct", dot_product),
    row("dotProduct", dot_product).alias("scalarProduct").any_case(),
    row("tupleIntDiv", |request| by_element(request, "intDiv")),
    row("tupleIntDivOrZero", |request| by_element(request, "intDivOrZero")),
    row("tupleModulo", |request| by_element(request, "modulo")),
    row("tupleIntDivByNumber", |request| by_number(request, "intDiv")),
    row("tupleIntDivOrZeroByNumber", |request| by_number(request, "intDivOrZero")),
    row("tupleModuloByNumber", |request| by_number(request, "modulo")),
];

/// `tuple(a, b, …)`, which is also `(a, b)`.
fn tuple(request: &Request<'_>) -> Result<Resolved> {
    let result = DataType::tuple(request.args.iter().map(|arg| arg.ty.clone()));
    Ok(Resolved::new(result, |args: &[Operand], call: &Call| {
        let columns = args.iter().map(|arg| arg.expand(call.rows)).collect::<Result<Vec<_>>>()?;
        Ok(tuples(columns, call.rows))
    }))
}

/// The elements of a tuple type.
fn elements_of<'a>(request: &'a Request<'_>, i: usize) -> Result<&'a [TupleField]> {
    match request.ty(i) {
        DataType::Tuple(fields) => Ok(fields),
        _ => Err(request.wrong_type(i, "Tuple")),
    }
}

/// `tupleElement(tuple, index or name [, otherwise])`; of an array of tuples the array of elements.
fn tuple_element(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=3)?;
    let (mut ty, mut depth) = (request.ty(0), 0);
    while let DataType::Array(inner) = ty {
        ty = inner;
        depth += 1;
    }
    let DataType::Tuple(fields) = ty else { return Err(request.wrong_type(0, "Tuple or Array of Tuple")) };
    let Some(position) = position_of(request, fields)? else {
        let result = request.ty(2).clone();
        return Ok(Resolved::new(result, |args: &[Operand], call: &Call| args[2].expand(call.rows)));
    };
    let mut result = fields[position].ty.clone();
    for _ in 0..depth {
        result = DataType::array(result);
    }
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        element(&args[0].expand(call.rows)?, depth, position)
    }))
}

/// Where the element is that the second argument names; `None` when it is not there and a third argument stands for it.
fn position_of(request: &Request<'_>, fields: &[TupleField]) -> Result<Option<usize>> {
    let has_default = request.args.len() == 3;
    if request.ty(1).is_string() {
        let name = request.constant_text(1)?;
        let by_number = || name.parse::<usize>().ok().filter(|n| fields.iter().all(|f| f.name.is_none()) && *n > 0);
        let position = fields
            .iter()
            .position(|field| field.name.as_deref() == Some(name.as_str()))
            .or_else(|| by_number().map(|n| n - 1).filter(|n| *n < fields.len()));
        return match position {
            None if !has_default => Err(request.bad(format!("tuple has no element \"{name}\""))),
            found => Ok(found),
        };
    }
    let index = request.constant_int(1)?;
    let position = if index < 0 { index + fields.len() as i64 } else { index - 1 };
    match usize::try_from(position).ok().filter(|position| *position < fields.len()) {
        None if !has_default || index == 0 => Err(Error::OutOfBound {
            function: request.name.to_owned(),
            reason: format!("index {index} of a tuple of {} elements", fields.len()),
        }),
        found => Ok(found),
    }
}

/// Element `position` of tuples, below `depth` arrays.
fn element(array: &ArrayRef, depth: usize, position: usize) -> Result<ArrayRef> {
    if depth > 0 {
        let lists = Lists::of_array(array)?;
        return Ok(lists.with_elements(element(&lists.elements, depth - 1, position)?));
    }
    fields(array)?.get(position).cloned().ok_or_else(|| crate::columns::unexpected(array.data_type()))
}

/// `tupleConcat(t1, t2, …)`; `concat` of tuples is the same.
pub(crate) fn tuple_concat(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=usize::MAX)?;
    let mut types = Vec::new();
    for i in 0..request.args.len() {
        types.extend(elements_of(request, i)?.iter().map(|field| field.ty.clone()));
    }
    Ok(Resolved::new(DataType::tuple(types), |args: &[Operand], call: &Call| {
        let mut columns = Vec::new();
        for arg in args {
            columns.extend(fields(&arg.expand(call.rows)?)?);
        }
        Ok(tuples(columns, call.rows))
    }))
}

/// The names of a tuple's elements; their numbers where they have none.
fn names(fields: &[TupleField]) -> Vec<String> {
    let name = |(i, field): (usize, &TupleField)| field.name.as_deref().map_or((i + 1).to_string(), str::to_owned);
    fields.iter().enumerate().map(name).collect()
}

fn tuple_names(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let names = names(elements_of(request, 0)?);
    Ok(Resolved::new(DataType::array(DataType::String), move |_: &[Operand], call: &Call| {
        let mut texts = Texts::with_capacity(names.len() * call.rows, 0);
        let mut offsets = Offsets::with_capacity(call.rows);
        for _ in 0..call.rows {
            for name in &names {
                texts.push(name.as_bytes())?;
            }
            offsets.end(texts.len())?;
        }
        Ok(offsets.finish(texts.finish()))
    }))
}

/// A tuple of elements of one type as pairs of name and value.
fn name_value_pairs(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    let elements = elements_of(request, 0)?;
    let ty = match elements {
        [] => return Err(request.bad("tuple is empty")),
        [first, rest @ ..] if rest.iter().all(|field| field.ty == first.ty) => first.ty.clone(),
        _ => return Err(request.wrong_type(0, "a Tuple of elements of one type")),
    };
    let names = names(elements);
    let result = DataType::array(DataType::tuple([DataType::String, ty]));
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let columns = fields(&args[0].expand(call.rows)?)?;
        let mut texts = Texts::with_capacity(names.len() * call.rows, 0);
        let mut offsets = Offsets::with_capacity(call.rows);
        let mut positions = Vec::with_capacity(names.len() * call.rows);
        for row in 0..call.rows {
            for (i, name) in names.iter().enumerate() {
                texts.push(name.as_bytes())?;
                positions.push((i, row));
            }
            offsets.end(texts.len())?;
        }
        let columns: Vec<&dyn Array> = columns.iter().map(|column| column.as_ref()).collect();
        let values = arrow::compute::interleave(&columns, &positions)?;
        Ok(offsets.finish(tuples(vec![texts.finish(), values], positions.len())))
    }))
}

/// Nested tuples as one, names joined by points.
fn flatten_tuple(request: &Request<'_>) -> Result<Resolved> {
    fn collect(prefix: &str, elements: &[TupleField], path: &[usize], into: &mut Vec<(TupleField, Vec<usize>)>) {
        for (i, field) in elements.iter().enumerate() {
            let own = field.name.as_deref().map_or((i + 1).to_string(), str::to_owned);
            let name = if prefix.is_empty() { own } else { format!("{prefix}.{own}") };
            let path: Vec<usize> = path.iter().copied().chain([i]).collect();
            match &field.ty {
                DataType::Tuple(inner) => collect(&name, inner, &path, into),
                ty => into.push((TupleField { name: Some(name.into()), ty: ty.clone() }, path)),
            }
        }
    }
    request.arity(1..=1)?;
    let mut flat = Vec::new();
    collect("", elements_of(request, 0)?, &[], &mut flat);
    let (types, paths): (Vec<TupleField>, Vec<Vec<usize>>) = flat.into_iter().unzip();
    Ok(Resolved::new(DataType::Tuple(types.into()), move |args: &[Operand], call: &Call| {
        let tuple = args[0].expand(call.rows)?;
        let mut columns = Vec::with_capacity(paths.len());
        for path in &paths {
            let mut column = tuple.clone();
            for position in path {
                column = element(&column, 0, *position)?;
            }
            columns.push(column);
        }
        Ok(tuples(columns, call.rows))
    }))
}

/// A function applied to element columns, as often as a tuple is long.
struct ElementWise(Vec<Function>);

impl ElementWise {
    fn result(&self) -> DataType {
        DataType::tuple(self.0.iter().map(|function| function.result.clone()))
    }

    /// The results, one column an element; `others` gives the further operands of element `i`.
    fn run(&self, first: &[ArrayRef], others: impl Fn(usize) -> Vec<Operand>, call: &Call) -> Result<Vec<ArrayRef>> {
        let run = |(i, function): (usize, &Function)| {
            let mut operands = vec![Operand::Full(first[i].clone())];
            operands.extend(others(i));
            function.run(&operands, call)
        };
        self.0.iter().enumerate().map(run).collect()
    }
}

/// `operator` on the elements of two tuples of equal length.
fn by_element(request: &Request<'_>, operator: &str) -> Result<Resolved> {
    request.arity(2..=2)?;
    let functions = element_functions(request, 2, operator)?;
    let result = functions.result();
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let columns = args.iter().map(|arg| fields(&arg.expand(call.rows)?)).collect::<Result<Vec<_>>>()?;
        let others = |i: usize| columns[1..].iter().map(|columns| Operand::Full(columns[i].clone())).collect();
        Ok(tuples(functions.run(&columns[0], others, call)?, call.rows))
    }))
}

fn element_functions(request: &Request<'_>, operands: usize, operator: &str) -> Result<ElementWise> {
    let tuples = (0..operands).map(|i| elements_of(request, i)).collect::<Result<Vec<_>>>()?;
    if tuples.iter().any(|tuple| tuple.len() != tuples[0].len()) {
        return Err(request.wrong_types());
    }
    let function = |i: usize| {
        let args: Vec<Arg> = tuples.iter().map(|tuple| Arg::column(tuple[i].ty.clone())).collect();
        resolve(operator, &args, request.context)
    };
    Ok(ElementWise((0..tuples[0].len()).map(function).collect::<Result<Vec<_>>>()?))
}

/// `operator` on each element of a tuple and one number.
fn by_number(request: &Request<'_>, operator: &str) -> Result<Resolved> {
    request.arity(2..=2)?;
    let number = request.args[1].clone();
    let function =
        |field: &TupleField| resolve(operator, &[Arg::column(field.ty.clone()), number.clone()], request.context);
    let functions = ElementWise(elements_of(request, 0)?.iter().map(function).collect::<Result<Vec<_>>>()?);
    let result = functions.result();
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let columns = fields(&args[0].expand(call.rows)?)?;
        Ok(tuples(functions.run(&columns, |_| vec![args[1].clone()], call)?, call.rows))
    }))
}

/// Columns added up one after another.
struct Total {
    sums: Vec<Function>,
    result: DataType,
}

impl Total {
    fn of(request: &Request<'_>, terms: &[DataType]) -> Result<Total> {
        let mut result = terms.first().cloned().unwrap_or(DataType::UInt8);
        let mut sums = Vec::new();
        for term in terms.iter().skip(1) {
            let sum = resolve("plus", &[Arg::column(result), Arg::column(term.clone())], request.context)?;
            result = sum.result.clone();
            sums.push(sum);
        }
        Ok(Total { sums, result })
    }

    fn run(&self, terms: Vec<ArrayRef>, call: &Call) -> Result<ArrayRef> {
        let mut terms = terms.into_iter();
        let mut total = terms.next().unwrap_or_else(|| self.result.default_array(call.rows));
        for (sum, term) in self.sums.iter().zip(terms) {
            total = sum.run(&[Operand::Full(total), Operand::Full(term)], call)?;
        }
        Ok(total)
    }
}

/// The sum of products of two tuples' elements; of two arrays it is `arrayDotProduct`.
fn dot_product(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    if matches!(request.ty(0), DataType::Array(_)) {
        return crate::arrays::vectors::dot_product(request);
    }
    let products = element_functions(request, 2, "multiply")?;
    let total = Total::of(request, &products.0.iter().map(|f| f.result.clone()).collect::<Vec<_>>())?;
    Ok(Resolved::new(total.result.clone(), move |args: &[Operand], call: &Call| {
        let (left, right) = (fields(&args[0].expand(call.rows)?)?, fields(&args[1].expand(call.rows)?)?);
        total.run(products.run(&left, |i| vec![Operand::Full(right[i].clone())], call)?, call)
    }))
}

/// How many elements differ.
fn hamming_distance(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let unequal = element_functions(request, 2, "notEquals")?;
    let total = Total::of(request, &unequal.0.iter().map(|f| f.result.clone()).collect::<Vec<_>>())?;
    Ok(Resolved::new(total.result.clone(), move |args: &[Operand], call: &Call| {
        let (left, right) = (fields(&args[0].expand(call.rows)?)?, fields(&args[1].expand(call.rows)?)?);
        total.run(unequal.run(&left, |i| vec![Operand::Full(right[i].clone())], call)?, call)
    }))
}
