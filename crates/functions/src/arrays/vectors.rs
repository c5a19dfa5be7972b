//! Arrays and tuples as vectors: norms, distances, products.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Float64Array, Int64Array};
use arrow::datatypes::DataType as ArrowType;
use types::DataType;

use super::reduce::as_floats;
use crate::columns::{Lists, floats};
use crate::error::{Error, Result};
use crate::frame::{Arg, Call, Definition, Operand, Resolved};
use crate::request::Request;
use crate::resolve::resolve;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("arrayDotProduct", dot_product),
    Definition::new("L1Norm", |request| norm(request, l1)),
    Definition::new("L1Norm", |request| norm(request, l1)).alias("normL1").any_case(),
    Definition::new("L2Norm", |request| norm(request, l2)),
    Definition::new("L2Norm", |request| norm(request, l2)).alias("normL2").any_case(),
    Definition::new("L2SquaredNorm", |request| norm(request, l2_squared)),
    Definition::new("L2SquaredNorm", |request| norm(request, l2_squared)).alias("normL2Squared").any_case(),
    Definition::new("LinfNorm", |request| norm(request, linf)),
    Definition::new("LinfNorm", |request| norm(request, linf)).alias("normLinf").any_case(),
    Definition::new("LpNorm", |request| norm(request, lp)),
    Definition::new("LpNorm", |request| norm(request, lp)).alias("normLp").any_case(),
    Definition::new("L1Distance", |request| distance(request, l1)),
    Definition::new("L1Distance", |request| distance(request, l1)).alias("distanceL1").any_case(),
    Definition::new("L2Distance", |request| distance(request, l2)),
    Definition::new("L2Distance", |request| distance(request, l2)).alias("distanceL2").any_case(),
    Definition::new("L2SquaredDistance", |request| distance(request, l2_squared)),
    Definition::new("L2SquaredDistance", |request| distance(request, l2_squared)).alias("distanceL2Squared").any_case(),
    Definition::new("LinfDistance", |request| distance(request, linf)),
    Definition::new("LinfDistance", |request| distance(request, linf)).alias("distanceLinf").any_case(),
    Definition::new("LpDistance", |request| distance(request, lp)),
    Definition::new("LpDistance", |request| distance(request, lp)).alias("distanceLp").any_case(),
    Definition::new("cosineDistance", cosine_distance),
    Definition::new("cosineDistance", cosine_distance).alias("distanceCosine").any_case(),
];

/// A norm of coordinates; the second argument is the `p` of `Lp`.
type Norm = fn(&mut dyn Iterator<Item = f64>, f64) -> f64;

fn l1(values: &mut dyn Iterator<Item = f64>, _: f64) -> f64 {
    values.map(f64::abs).sum()
}

fn l2(values: &mut dyn Iterator<Item = f64>, p: f64) -> f64 {
    l2_squared(values, p).sqrt()
}

fn l2_squared(values: &mut dyn Iterator<Item = f64>, _: f64) -> f64 {
    values.map(|value| value * value).sum()
}

fn linf(values: &mut dyn Iterator<Item = f64>, _: f64) -> f64 {
    values.map(f64::abs).fold(0.0, f64::max)
}

fn lp(values: &mut dyn Iterator<Item = f64>, p: f64) -> f64 {
    values.map(|value| value.abs().powf(p)).sum::<f64>().powf(1.0 / p)
}

/// The vectors of an argument, laid flat.
struct Vectors {
    /// Where each row's coordinates begin; one more than rows.
    starts: Vec<usize>,
    values: Vec<f64>,
}

/// The types of an argument's coordinates.
fn coordinates(request: &Request<'_>, i: usize) -> Result<Vec<DataType>> {
    let types = match request.ty(i) {
        DataType::Array(inner) => vec![(**inner).clone()],
        DataType::Tuple(fields) => fields.iter().map(|field| field.ty.clone()).collect(),
        _ => return Err(request.wrong_type(i, "Array or Tuple of numbers")),
    };
    if types.iter().all(DataType::is_number) { Ok(types) } else { Err(request.wrong_type(i, "numbers")) }
}

fn vectors(operand: &Operand, types: &[DataType], rows: usize) -> Result<Vectors> {
    let array = operand.expand(rows)?;
    if matches!(array.data_type(), ArrowType::List(_)) {
        let lists = Lists::of_array(&array)?;
        let starts = lists.offsets.iter().map(|&start| start as usize).collect();
        return Ok(Vectors { starts, values: as_floats(&lists.elements, &types[0])? });
    }
    let columns = super::steps::fields(&array)?;
    let columns = columns.iter().zip(types).map(|(column, ty)| as_floats(column, ty)).collect::<Result<Vec<_>>>()?;
    let values = (0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
    Ok(Vectors { starts: (0..=rows).map(|row| row * columns.len()).collect(), values })
}

impl Vectors {
    fn row(&self, row: usize) -> &[f64] {
        &self.values[self.starts[row]..self.starts[row + 1]]
    }
}

/// Float32 where all coordinates of arrays are, else Float64.
fn float_type(types: &[DataType], is_array: bool) -> DataType {
    if is_array && types.iter().all(|ty| *ty == DataType::Float32) { DataType::Float32 } else { DataType::Float64 }
}

fn float_column(values: Vec<f64>, ty: &DataType) -> ArrayRef {
    match ty {
        DataType::Float32 => Arc::new(Float32Array::from_iter_values(values.into_iter().map(|value| value as f32))),
        _ => Arc::new(Float64Array::from(values)),
    }
}

/// The `p` of `LpNorm(v, p)`, at argument `i`; 0 for the others.
fn exponent(request: &Request<'_>, i: usize) -> Result<f64> {
    if !request.name.starts_with("Lp") {
        request.arity(i..=i)?;
        return Ok(0.0);
    }
    request.arity(i + 1..=i + 1)?;
    let p = request.constant_float(i)?;
    if p >= 1.0 && p.is_finite() { Ok(p) } else { Err(request.bad(format!("p is {p}, must be at least 1"))) }
}

/// The exact type where ClickHouse adds up a tuple's coordinates without going to floats.
fn exact_type(request: &Request<'_>, terms: impl Iterator<Item = Result<DataType>>) -> Result<DataType> {
    let mut total: Option<DataType> = None;
    for term in terms {
        let term = term?;
        total = Some(match total {
            None => term,
            Some(total) => resolve("plus", &[Arg::column(total), Arg::column(term)], request.context)?.result,
        });
    }
    Ok(total.unwrap_or(DataType::Float64))
}

fn apply(request: &Request<'_>, function: &str, types: &[DataType]) -> Result<DataType> {
    let args: Vec<Arg> = types.iter().cloned().map(Arg::column).collect();
    Ok(resolve(function, &args, request.context)?.result)
}

/// The result type of a norm over coordinates of these types.
fn norm_type(request: &Request<'_>, types: &[DataType], is_array: bool) -> Result<DataType> {
    let exact = !is_array && (request.name.starts_with("L1") || request.name.starts_with("L2Squared"));
    if !exact {
        return Ok(float_type(types, is_array));
    }
    let term = |ty: &DataType| match request.name.starts_with("L1") {
        true => apply(request, "abs", std::slice::from_ref(ty)),
        false => apply(request, "multiply", &[ty.clone(), ty.clone()]),
    };
    exact_type(request, types.iter().map(term))
}

/// Floats as the result type: exact for sums that a float holds.
fn result_column(values: Vec<f64>, ty: &DataType) -> Result<ArrayRef> {
    if ty.is_float() {
        return Ok(float_column(values, ty));
    }
    let floats: ArrayRef = Arc::new(Float64Array::from(values));
    Ok(arrow::compute::cast(&floats, &ty.arrow_type())?)
}

fn norm(request: &Request<'_>, norm: Norm) -> Result<Resolved> {
    let p = exponent(request, 1)?;
    let types = coordinates(request, 0)?;
    let result = norm_type(request, &types, matches!(request.ty(0), DataType::Array(_)))?;
    let ty = result.clone();
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let vectors = vectors(&args[0], &types, call.rows)?;
        let values = (0..call.rows).map(|row| norm(&mut vectors.row(row).iter().copied(), p)).collect();
        result_column(values, &ty)
    }))
}

/// Two vectors of equal kind.
fn two(request: &Request<'_>) -> Result<[Vec<DataType>; 2]> {
    let types = [coordinates(request, 0)?, coordinates(request, 1)?];
    let arrays = [0, 1].map(|i| matches!(request.ty(i), DataType::Array(_)));
    if arrays[0] != arrays[1] || !arrays[0] && types[0].len() != types[1].len() {
        return Err(request.wrong_types());
    }
    Ok(types)
}

fn pairs<'a>(name: &str, left: &'a [f64], right: &'a [f64]) -> Result<impl Iterator<Item = (f64, f64)> + 'a> {
    if left.len() != right.len() {
        return Err(Error::ArrayLengths(name.to_owned()));
    }
    Ok(left.iter().copied().zip(right.iter().copied()))
}

fn distance(request: &Request<'_>, norm: Norm) -> Result<Resolved> {
    let p = exponent(request, 2)?;
    let [left, right] = two(request)?;
    let is_array = matches!(request.ty(0), DataType::Array(_));
    let result = if is_array {
        float_type(&[left[0].clone(), right[0].clone()], true)
    } else {
        let differences = left
            .iter()
            .zip(&right)
            .map(|(a, b)| apply(request, "minus", &[a.clone(), b.clone()]))
            .collect::<Result<Vec<_>>>()?;
        norm_type(request, &differences, false)?
    };
    let (ty, name) = (result.clone(), request.name.to_owned());
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let (a, b) = (vectors(&args[0], &left, call.rows)?, vectors(&args[1], &right, call.rows)?);
        let values = (0..call.rows)
            .map(|row| Ok(norm(&mut pairs(&name, a.row(row), b.row(row))?.map(|(a, b)| a - b), p)))
            .collect::<Result<Vec<f64>>>()?;
        result_column(values, &ty)
    }))
}

fn cosine_distance(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let [left, right] = two(request)?;
    let is_array = matches!(request.ty(0), DataType::Array(_));
    let result = float_type(&[left.clone(), right.clone()].concat(), is_array);
    let (ty, name) = (result.clone(), request.name.to_owned());
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let (a, b) = (vectors(&args[0], &left, call.rows)?, vectors(&args[1], &right, call.rows)?);
        let values = (0..call.rows)
            .map(|row| {
                let (mut dot, mut x, mut y) = (0.0, 0.0, 0.0);
                for (a, b) in pairs(&name, a.row(row), b.row(row))? {
                    (dot, x, y) = (dot + a * b, x + a * a, y + b * b);
                }
                Ok(1.0 - dot / (x * y).sqrt())
            })
            .collect::<Result<Vec<f64>>>()?;
        Ok(float_column(values, &ty))
    }))
}

/// `arrayDotProduct(a, b)`: in the type of the products.
pub(crate) fn dot_product(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let types = [super::element_type(request, 0)?.clone(), super::element_type(request, 1)?.clone()];
    if !types.iter().all(|ty| ty.is_float() || ty.is_integer() && ty.integer_width() <= Some(8)) {
        return Err(request.wrong_types());
    }
    let is_float = types.iter().any(DataType::is_float);
    let result = if is_float { float_type(&types, true) } else { apply(request, "multiply", &types)? };
    let (ty, name) = (result.clone(), request.name.to_owned());
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| {
        let (a, b) = (Lists::of(&args[0], call.rows)?, Lists::of(&args[1], call.rows)?);
        if a.offsets != b.offsets {
            return Err(Error::ArrayLengths(name.clone()));
        }
        if is_float {
            let (x, y) = (floats(&a.elements)?, floats(&b.elements)?);
            let dot = |range: std::ops::Range<usize>| range.map(|i| x.value(i) * y.value(i)).sum();
            return Ok(float_column(a.ranges().map(dot).collect(), &ty));
        }
        let (x, y) = (wrapped(&a.elements)?, wrapped(&b.elements)?);
        let dot = |range: std::ops::Range<usize>| {
            range.fold(0i64, |sum, i| sum.wrapping_add(x.value(i).wrapping_mul(y.value(i))))
        };
        Ok(truncated(a.ranges().map(dot), &ty))
    }))
}

/// Integers as 64 bits, UInt64 by its bits.
fn wrapped(array: &ArrayRef) -> Result<Int64Array> {
    use arrow::array::AsArray;
    use arrow::datatypes::{Int64Type, UInt64Type};
    if let Some(values) = array.as_primitive_opt::<UInt64Type>() {
        return Ok(values.unary::<_, Int64Type>(|value| value as i64));
    }
    Ok(arrow::compute::cast(array, &ArrowType::Int64)?.as_primitive::<Int64Type>().clone())
}

/// The low bits of 64-bit integers as a column of an integer type.
pub(crate) fn truncated(values: impl Iterator<Item = i64>, ty: &DataType) -> ArrayRef {
    use arrow::array::{Int8Array, Int16Array, Int32Array, UInt8Array, UInt16Array, UInt32Array, UInt64Array};
    match ty {
        DataType::UInt8 => Arc::new(UInt8Array::from_iter_values(values.map(|v| v as u8))),
        DataType::UInt16 => Arc::new(UInt16Array::from_iter_values(values.map(|v| v as u16))),
        DataType::UInt32 => Arc::new(UInt32Array::from_iter_values(values.map(|v| v as u32))),
        DataType::UInt64 => Arc::new(UInt64Array::from_iter_values(values.map(|v| v as u64))),
        DataType::Int8 => Arc::new(Int8Array::from_iter_values(values.map(|v| v as i8))),
        DataType::Int16 => Arc::new(Int16Array::from_iter_values(values.map(|v| v as i16))),
        DataType::Int32 => Arc::new(Int32Array::from_iter_values(values.map(|v| v as i32))),
        _ => Arc::new(Int64Array::from_iter_values(values)),
    }
}
