//! What can be wrong with types, values and blocks by themselves.

use crate::error_code::ErrorCode;

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// A type, value, setting or block that is not what it should be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// No such type, or it is spelled wrong.
    #[error("unknown data type \"{text}\"{hint}")]
    UnknownType {
        /// The type as written.
        text: String,
        /// Empty, or `: did you mean "…"`.
        hint: String,
    },
    /// The type exists, its arguments do not fit.
    #[error("bad arguments of data type \"{text}\": {reason}")]
    TypeArguments {
        /// The type as written.
        text: String,
        /// What was expected.
        reason: String,
        /// ClickHouse's code for it.
        code: ErrorCode,
    },
    /// A type that ClickHouse has and Everview does not yet.
    #[error("data type \"{0}\" is not supported yet")]
    UnsupportedType(String),
    /// A setting that is not in the table.
    #[error("unknown setting \"{name}\"{hint}")]
    UnknownSetting {
        /// The setting as written.
        name: String,
        /// Empty, or `: did you mean "…"`.
        hint: String,
    },
    /// A setting of ClickHouse's that would change answers and has one value here.
    #[error("setting \"{name}\" = {value} is not supported: it is always {}", shown(default))]
    SettingFixed {
        /// The setting.
        name: &'static str,
        /// The value as written.
        value: String,
        /// The value that it has.
        default: &'static str,
    },
    /// A setting whose value does not fit its type.
    #[error("setting \"{name}\" cannot be \"{value}\": expected {expected}")]
    SettingValue {
        /// The setting.
        name: String,
        /// The value as written.
        value: String,
        /// What fits.
        expected: String,
        /// ClickHouse's code of it.
        code: ErrorCode,
    },
    /// A time zone that the tz database does not have.
    #[error("unknown time zone \"{0}\"")]
    UnknownTimeZone(String),
    /// Columns of one block with different lengths, or a column that is not of its type.
    #[error("block is not well formed: {0}")]
    BlockShape(String),
}

impl Error {
    /// ClickHouse's code for this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::UnknownType { .. } => ErrorCode::UNKNOWN_TYPE,
            Error::TypeArguments { code, .. } => *code,
            Error::UnsupportedType(_) => ErrorCode::NOT_IMPLEMENTED,
            Error::UnknownSetting { .. } => ErrorCode::UNKNOWN_SETTING,
            Error::SettingFixed { .. } => ErrorCode::NOT_IMPLEMENTED,
            Error::SettingValue { code, .. } => *code,
            Error::UnknownTimeZone(_) => ErrorCode::BAD_ARGUMENTS,
            Error::BlockShape(_) => ErrorCode::LOGICAL_ERROR,
        }
    }
}

/// Bytes of a word at most for which a likeness is looked for; the work grows with the square of the length.
const WORD_MAX: usize = 128;

fn shown<'a>(value: &&'a str) -> &'a str {
    if value.is_empty() { "''" } else { value }
}

/// ` (did you mean "x"?)` with the candidate nearest to `word` by edit distance, or nothing when none is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    if word.len() > WORD_MAX {
        return String::new();
    }
    let limit = (word.chars().count() / 3).max(1);
    let lower = word.to_ascii_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(&lower, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map_or_else(String::new, |(_, candidate)| format!(" (did you mean \"{candidate}\"?)"))
}

/// Levenshtein distance in characters; names are short, so the quadratic table is fine.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut current = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let substituted = previous[j] + usize::from(x != *y);
            current.push(substituted.min(previous[j + 1] + 1).min(current[j] + 1));
        }
        previous = current;
    }
    previous[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_only_when_it_is_near() {
        assert_eq!(nearest("toStartOfMinut", ["toStartOfMinute", "toHour"]), " (did you mean \"toStartOfMinute\"?)");
        assert_eq!(nearest("xyz", ["toStartOfMinute"]), "");
    }
}
