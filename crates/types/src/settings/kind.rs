//! What values settings take: ClickHouse's types of settings, their checks and the errors of what does not fit.

use crate::error::{Error, Result};
use crate::error_code::ErrorCode;

/// What values a setting takes. Kept as text: Bool as 0 or 1, numbers as they print.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum SettingKind {
    Bool,
    UInt64,
    /// At least 1.
    NonZeroUInt64,
    Int64,
    Float,
    /// At least 0 and less than 1.
    Ratio,
    String,
    /// One character.
    Char,
    /// `throw` or `break`.
    OverflowMode,
    /// What UNION, EXCEPT and INTERSECT alone mean.
    SetOperationMode,
    DateTimeInputFormat,
    DateTimeOutputFormat,
    DeduplicateInsertMode,
    LoadBalancing,
    /// A name of the time zone database, or nothing.
    Timezone,
    /// Seconds, with fractions.
    Seconds,
    Milliseconds,
}

const LOAD_BALANCING: &[&str] = &[
    "random",
    "nearest_hostname",
    "hostname_levenshtein_distance",
    "hostname_longest_common_prefix",
    "hostname_longest_common_suffix",
    "in_order",
    "first_or_random",
    "round_robin",
];

impl SettingKind {
    /// ClickHouse's name of it.
    pub fn name(self) -> &'static str {
        match self {
            SettingKind::Bool => "Bool",
            SettingKind::UInt64 => "UInt64",
            SettingKind::NonZeroUInt64 => "NonZeroUInt64",
            SettingKind::Int64 => "Int64",
            SettingKind::Float => "Float",
            SettingKind::Ratio => "Double",
            SettingKind::String => "String",
            SettingKind::Char => "Char",
            SettingKind::OverflowMode => "OverflowMode",
            SettingKind::SetOperationMode => "SetOperationMode",
            SettingKind::DateTimeInputFormat => "DateTimeInputFormat",
            SettingKind::DateTimeOutputFormat => "DateTimeOutputFormat",
            SettingKind::DeduplicateInsertMode => "DeduplicateInsertMode",
            SettingKind::LoadBalancing => "LoadBalancing",
            SettingKind::Timezone => "Timezone",
            SettingKind::Seconds => "Seconds",
            SettingKind::Milliseconds => "Milliseconds",
        }
    }

    /// The words that it takes, where it takes only some, and the code of the error about another one.
    fn words(self) -> Option<(&'static [&'static str], ErrorCode)> {
        Some(match self {
            SettingKind::OverflowMode => (&["throw", "break"], ErrorCode::UNKNOWN_OVERFLOW_MODE),
            SettingKind::SetOperationMode => (&["", "ALL", "DISTINCT"], ErrorCode::UNKNOWN_UNION),
            SettingKind::DateTimeInputFormat => (&["basic", "best_effort", "best_effort_us"], ErrorCode::BAD_ARGUMENTS),
            SettingKind::DateTimeOutputFormat => (&["simple", "iso", "unix_timestamp"], ErrorCode::BAD_ARGUMENTS),
            SettingKind::DeduplicateInsertMode => {
                (&["enable", "disable", "backward_compatible_choice"], ErrorCode::BAD_ARGUMENTS)
            }
            SettingKind::LoadBalancing => (LOAD_BALANCING, ErrorCode::UNKNOWN_LOAD_BALANCING),
            _ => return None,
        })
    }

    /// The value of the setting of that name as it is kept.
    pub(super) fn checked(self, name: &str, value: &str) -> Result<String> {
        let wrong = |expected: &str, code| {
            let (name, value, expected) = (name.to_owned(), value.to_owned(), expected.to_owned());
            Err(Error::SettingValue { name, value, expected, code })
        };
        if let Some((words, code)) = self.words() {
            return match words.contains(&value) {
                true => Ok(value.to_owned()),
                false => wrong(&format!("one of '{}'", words.join("', '")), code),
            };
        }
        match self {
            SettingKind::Bool => match value.to_ascii_lowercase().as_str() {
                "1" | "true" => Ok("1".to_owned()),
                "0" | "false" => Ok("0".to_owned()),
                other if other.parse::<f64>().is_ok() => wrong("0 or 1", ErrorCode::CANNOT_CONVERT_TYPE),
                _ => wrong("0 or 1", ErrorCode::CANNOT_PARSE_BOOL),
            },
            SettingKind::UInt64 if sized(value).is_some() => Ok(sized(value).unwrap_or_default().to_string()),
            SettingKind::UInt64 | SettingKind::NonZeroUInt64 | SettingKind::Milliseconds => match unsigned(value) {
                Some(0) if self == SettingKind::NonZeroUInt64 => wrong("more than 0", ErrorCode::BAD_ARGUMENTS),
                Some(number) => Ok(number.to_string()),
                None => wrong("an unsigned integer", of_integer(value)),
            },
            SettingKind::Int64 => match value.parse::<i64>() {
                Ok(number) => Ok(number.to_string()),
                Err(_) => wrong("an integer", of_integer(value)),
            },
            SettingKind::Float | SettingKind::Seconds => match value.parse::<f64>() {
                Ok(number) => Ok(number.to_string()),
                Err(_) => wrong("a number", ErrorCode::CANNOT_PARSE_NUMBER),
            },
            SettingKind::Ratio => match value.parse::<f64>() {
                Ok(number) if (0.0..1.0).contains(&number) => Ok(number.to_string()),
                Ok(_) => wrong("at least 0 and less than 1", ErrorCode::BAD_ARGUMENTS),
                Err(_) => wrong("a number", ErrorCode::CANNOT_PARSE_NUMBER),
            },
            SettingKind::Timezone if !value.is_empty() && value.parse::<chrono_tz::Tz>().is_err() => {
                wrong("the name of a time zone", ErrorCode::BAD_ARGUMENTS)
            }
            SettingKind::Char if value.len() > 1 => {
                wrong("one character", ErrorCode::SIZE_OF_FIXED_STRING_DOESNT_MATCH)
            }
            _ => Ok(value.to_owned()),
        }
    }
}

fn unsigned(value: &str) -> Option<u64> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Some(1),
        "false" => Some(0),
        digits => digits.parse().ok(),
    }
}

/// A number with its unit: `10G` (of 1000), `10Gi` (of 1024).
fn sized(value: &str) -> Option<u64> {
    let (text, base) = value.strip_suffix('i').map_or((value, 1_000_u64), |text| (text, 1_024));
    let unit = text.chars().last()?;
    let power = ['k', 'm', 'g', 't'].iter().position(|known| unit.eq_ignore_ascii_case(known))?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    number.checked_mul(base.checked_pow(u32::try_from(power).ok()? + 1)?)
}

/// ClickHouse's code of what is no integer: a number of another kind, nothing, or other text.
fn of_integer(value: &str) -> ErrorCode {
    match value {
        "" => ErrorCode::ATTEMPT_TO_READ_AFTER_EOF,
        number if number.parse::<f64>().is_ok() => ErrorCode::CANNOT_CONVERT_TYPE,
        _ => ErrorCode::CANNOT_PARSE_INPUT_ASSERTION_FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_less_than_one() {
        let code = |text: &str| SettingKind::Ratio.checked("ratio", text).err().map(|error| error.code().0);
        assert_eq!(["0", "0.5", "0.999"].map(code), [None; 3]);
        assert_eq!(["1", "-0.1", "NaN", "inf"].map(code), [Some(36); 4]);
        assert_eq!(code("half"), Some(72));
    }

    #[test]
    fn sizes_may_have_a_unit() {
        let kept = |text: &str| SettingKind::UInt64.checked("max_memory_usage", text);
        for (text, bytes) in
            [("10G", "10000000000"), ("10Gi", "10737418240"), ("5k", "5000"), ("5Ki", "5120"), ("7", "7")]
        {
            assert_eq!(kept(text).unwrap(), bytes);
        }
        for text in ["1.5G", "G", "7i", "-1", "", "99999999T", "1\u{fc}"] {
            assert!(kept(text).is_err(), "{text}");
        }
        assert!(SettingKind::NonZeroUInt64.checked("max_block_size", "2K").is_err(), "no size in bytes");
    }
}
