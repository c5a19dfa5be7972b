//! How well scores rank labels: the areas under the ROC curve and under the curve of precision and recall.

use std::sync::Arc;

use arrow::array::Float64Array;
use types::DataType;

use super::reduce::as_floats;
use crate::columns::{Integers, Lists};
use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("arrayROCAUC", roc),
    Definition::new("arrayROCAUC", roc).alias("arrayAUC"),
    Definition::new("arrayAUCPR", precision_recall),
    Definition::new("arrayAUCPR", precision_recall).alias("arrayPRAUC"),
];

/// The types of the elements of scores and labels.
fn elements(request: &Request<'_>) -> Result<[DataType; 2]> {
    let element = |i: usize| match request.ty(i) {
        DataType::Array(inner) if inner.is_number() || matches!(**inner, DataType::Enum(_)) => Ok((**inner).clone()),
        _ => Err(request.wrong_type(i, "Array of numbers")),
    };
    Ok([element(0)?, element(1)?])
}

/// `arrayROCAUC(scores, labels[, scale])`; a label above 0 is a positive.
fn roc(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=3)?;
    let types = elements(request)?;
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::Float64, move |args: &[Operand], call: &Call| {
        let scales = args.get(2).map(Integers::of).transpose()?;
        ranked(&name, args, &types, call.rows, |row, ranking| {
            area_under_roc(ranking, scales.as_ref().is_none_or(|scales| scales.get(row) != 0))
        })
    }))
}

fn precision_recall(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    let types = elements(request)?;
    let name = request.name.to_owned();
    Ok(Resolved::new(DataType::Float64, move |args: &[Operand], call: &Call| {
        ranked(&name, args, &types, call.rows, |_, ranking| area_under_precision(ranking))
    }))
}

/// The area of each row's scores and labels, best score first.
fn ranked(
    name: &str,
    args: &[Operand],
    types: &[DataType; 2],
    rows: usize,
    area: impl Fn(usize, &[(f64, bool)]) -> f64,
) -> Result<arrow::array::ArrayRef> {
    let [scores, labels, ..] = args else { return Err(crate::strings::shapes::bad(name, "two arrays are expected")) };
    let (scores, labels) = (Lists::of(scores, rows)?, Lists::of(labels, rows)?);
    let (of_score, of_label) = (as_floats(&scores.elements, &types[0])?, as_floats(&labels.elements, &types[1])?);
    let mut areas = Vec::with_capacity(rows);
    for row in 0..rows {
        let (left, right) = (scores.range(row), labels.range(row));
        if left.len() != right.len() {
            return Err(Error::BadArgument {
                function: name.to_owned(),
                reason: "scores and labels must have equal sizes".to_owned(),
            });
        }
        let mut ranking: Vec<(f64, bool)> =
            of_score[left].iter().zip(&of_label[right]).map(|(score, label)| (*score, *label > 0.0)).collect();
        ranking.sort_by(|a, b| b.0.total_cmp(&a.0));
        areas.push(area(row, &ranking));
    }
    Ok(Arc::new(Float64Array::from(areas)))
}

/// Trapezoids between the points of each different score.
fn area_under_roc(ranking: &[(f64, bool)], scale: bool) -> f64 {
    let (mut area, mut positives, mut negatives) = (0.0, 0u64, 0u64);
    for ties in ranking.chunk_by(|a, b| a.0 == b.0) {
        let hits = ties.iter().filter(|(_, label)| *label).count() as u64;
        let misses = ties.len() as u64 - hits;
        area += misses as f64 * (2 * positives + hits) as f64 / 2.0;
        (positives, negatives) = (positives + hits, negatives + misses);
    }
    // NaN where all labels are alike
    if scale { area / (positives as f64 * negatives as f64) } else { area }
}

/// The precision at each different score, weighted by the recall that it adds.
fn area_under_precision(ranking: &[(f64, bool)]) -> f64 {
    let (mut area, mut positives, mut seen) = (0.0, 0u64, 0u64);
    for ties in ranking.chunk_by(|a, b| a.0 == b.0) {
        let hits = ties.iter().filter(|(_, label)| *label).count() as u64;
        (positives, seen) = (positives + hits, seen + ties.len() as u64);
        area += hits as f64 * positives as f64 / seen as f64;
    }
    if positives == 0 { 0.0 } else { area / positives as f64 }
}
