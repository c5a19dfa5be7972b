//! How much strings are alike: edit distances, Jaro, Jaccard.

use std::collections::HashSet;
use std::hash::Hash;

use arrow::datatypes::{Float64Type, UInt64Type};
use types::DataType;

use super::shapes::texts_to_number;
use crate::error::Result;
use crate::frame::{Definition, Resolved};
use crate::request::Request;

/// The longest strings whose distance is computed, in characters: it takes time of their product.
const LENGTH_MAX: usize = 1 << 16;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("editDistance", edit),
    Definition::new("editDistance", edit).alias("levenshteinDistance"),
    Definition::new("editDistanceUTF8", edit_utf8),
    Definition::new("editDistanceUTF8", edit_utf8).alias("levenshteinDistanceUTF8"),
    Definition::new("damerauLevenshteinDistance", |request| {
        texts_to_number::<UInt64Type>(request, DataType::UInt64, transposing_distance)
    }),
    Definition::new("byteHammingDistance", hamming),
    Definition::new("byteHammingDistance", hamming).alias("mismatches"),
    Definition::new("jaroSimilarity", |request| texts_to_number::<Float64Type>(request, DataType::Float64, jaro)),
    Definition::new("jaroWinklerSimilarity", |request| {
        texts_to_number::<Float64Type>(request, DataType::Float64, jaro_winkler)
    }),
    Definition::new("stringJaccardIndex", |request| {
        texts_to_number::<Float64Type>(request, DataType::Float64, jaccard)
    }),
    Definition::new("stringJaccardIndexUTF8", |request| {
        texts_to_number::<Float64Type>(request, DataType::Float64, |a, b| jaccard(&characters(a), &characters(b)))
    }),
];

fn edit(request: &Request<'_>) -> Result<Resolved> {
    texts_to_number::<UInt64Type>(request, DataType::UInt64, distance)
}

fn edit_utf8(request: &Request<'_>) -> Result<Resolved> {
    texts_to_number::<UInt64Type>(request, DataType::UInt64, |a, b| distance(&characters(a), &characters(b)))
}

fn hamming(request: &Request<'_>) -> Result<Resolved> {
    texts_to_number::<UInt64Type>(request, DataType::UInt64, |a, b| {
        let different = a.iter().zip(b).filter(|(a, b)| a != b).count();
        (different + a.len().abs_diff(b.len())) as u64
    })
}

fn characters(text: &[u8]) -> Vec<char> {
    String::from_utf8_lossy(text).chars().collect()
}

/// Levenshtein's distance; of strings beyond the limit only what their lengths differ by.
fn distance<T: PartialEq>(a: &[T], b: &[T]) -> u64 {
    if a.len().max(b.len()) > LENGTH_MAX {
        return a.len().abs_diff(b.len()) as u64;
    }
    let mut row: Vec<u32> = (0..=b.len() as u32).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i as u32;
        row[0] = i as u32 + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + u32::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j + 1] + 1).min(row[j] + 1);
        }
    }
    row[b.len()].into()
}

/// As [`distance`], two neighbours that changed places counting once.
fn transposing_distance(a: &[u8], b: &[u8]) -> u64 {
    if a.len().max(b.len()) > LENGTH_MAX {
        return a.len().abs_diff(b.len()) as u64;
    }
    let mut before: Vec<u32> = Vec::new();
    let mut last: Vec<u32> = (0..=b.len() as u32).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i as u32 + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (last[j] + u32::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()].into()
}

/// 1 for equal strings, 0 for strings with nothing in common. As in ClickHouse, where one string is empty it is the other's
/// length.
fn jaro(a: &[u8], b: &[u8]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return (a.len() + b.len()) as f64;
    }
    let reach = (a.len().max(b.len()) / 2).saturating_sub(1);
    let mut taken = vec![false; b.len()];
    let mut matched = Vec::new();
    for (i, x) in a.iter().enumerate() {
        let window = i.saturating_sub(reach)..(i + reach + 1).min(b.len());
        if let Some(j) = window.clone().find(|&j| !taken[j] && b[j] == *x) {
            taken[j] = true;
            matched.push(*x);
        }
    }
    if matched.is_empty() {
        return 0.0;
    }
    let theirs = b.iter().zip(&taken).filter(|(_, taken)| **taken).map(|(y, _)| y);
    let transposed = matched.iter().zip(theirs).filter(|(x, y)| x != y).count() / 2;
    let m = matched.len() as f64;
    m / (3.0 * a.len() as f64) + m / (3.0 * b.len() as f64) + (m - transposed as f64) / (3.0 * m)
}

/// Jaro's, the more alike the more of their first four bytes are equal.
fn jaro_winkler(a: &[u8], b: &[u8]) -> f64 {
    let similarity = jaro(a, b);
    if similarity <= 0.7 || similarity > 1.0 {
        return similarity;
    }
    let prefix = a.iter().zip(b).take(4).take_while(|(x, y)| x == y).count();
    similarity + prefix as f64 * 0.1 * (1.0 - similarity)
}

/// How many different characters both have, of those that any has.
fn jaccard<T: Copy + Eq + Hash>(a: &[T], b: &[T]) -> f64 {
    let (left, right): (HashSet<T>, HashSet<T>) = (a.iter().copied().collect(), b.iter().copied().collect());
    let shared = left.intersection(&right).count();
    let all = left.len() + right.len() - shared;
    if all == 0 { 0.0 } else { shared as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn distances_are_zero_for_equals_and_the_same_both_ways(a in "[abc]{0,8}", b in "[abc]{0,8}") {
            let (a, b) = (a.as_bytes(), b.as_bytes());
            proptest::prop_assert_eq!(distance(a, a), 0);
            proptest::prop_assert_eq!(distance(a, b), distance(b, a));
            proptest::prop_assert!(transposing_distance(a, b) <= distance(a, b));
            proptest::prop_assert!(distance(a, b) <= a.len().max(b.len()) as u64);
            let _ = (jaro(a, b), jaro_winkler(a, b), jaccard(a, b));
        }
    }
}
