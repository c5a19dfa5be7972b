//! The rules that choose rows: which row numbers of each group stay.

use super::Purpose;
use crate::sort::words::KeyColumn;

/// ReplacingMergeTree: of each group the last row of the highest version; without versions the last row.
pub fn latest_versions(versions: Option<&KeyColumn>, starts: &[u32]) -> Vec<u32> {
    let groups = starts.windows(2);
    let Some(versions) = versions else { return groups.map(|group| group[1] - 1).collect() };
    let winner = |group: &[u32]| {
        let mut best = group[0];
        for row in group[0] + 1..group[1] {
            if versions.compare(best, row).is_le() {
                best = row;
            }
        }
        best
    };
    groups.map(winner).collect()
}

/// CollapsingMergeTree. More positive rows than negative: the last positive. Fewer: the first negative. As many: both of
/// these when the last row is positive, else none. FINAL hides negative rows.
pub fn collapsed(signs: &[i8], starts: &[u32], purpose: Purpose) -> Vec<u32> {
    let mut kept = Vec::with_capacity(starts.len());
    for group in starts.windows(2) {
        let rows = group[0]..group[1];
        let is_positive = |row: &u32| signs[*row as usize] == 1;
        let positives = rows.clone().filter(is_positive).count();
        let negatives = rows.len() - positives;
        let first_negative = rows.clone().find(|row| !is_positive(row));
        let last_positive = rows.clone().rev().find(is_positive);
        let ends_positive = last_positive.is_some_and(|row| row + 1 == group[1]);
        let (negative, positive) = match positives.cmp(&negatives) {
            std::cmp::Ordering::Greater => (None, last_positive),
            std::cmp::Ordering::Less => (first_negative, None),
            std::cmp::Ordering::Equal if ends_positive => (first_negative, last_positive),
            std::cmp::Ordering::Equal => (None, None),
        };
        kept.extend(negative.filter(|_| purpose != Purpose::Final));
        kept.extend(positive);
    }
    kept
}

/// VersionedCollapsingMergeTree: a row cancels the last row left of the other sign.
pub fn cancelled(signs: &[i8], starts: &[u32]) -> Vec<u32> {
    let mut kept: Vec<u32> = Vec::with_capacity(starts.len());
    for group in starts.windows(2) {
        let floor = kept.len();
        for row in group[0]..group[1] {
            match kept[floor..].last() {
                Some(&last) if signs[last as usize] != signs[row as usize] => {
                    kept.pop();
                }
                _ => kept.push(row),
            }
        }
    }
    kept
}
