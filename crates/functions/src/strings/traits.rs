//! Small facts about strings: whether they are text, their first line, their sound, checksums.

use std::sync::LazyLock;

use arrow::datatypes::{Float64Type, UInt16Type, UInt32Type, UInt64Type};
use types::DataType;

use super::shapes::{text_test, text_to_number, text_to_text};
use crate::frame::Definition;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("isValidUTF8", |request| text_test(request, |text| std::str::from_utf8(text).is_ok())),
    Definition::new("isValidASCII", |request| text_test(request, <[u8]>::is_ascii)),
    Definition::new("isValidASCII", |request| text_test(request, <[u8]>::is_ascii)).alias("isASCII"),
    Definition::new("firstLine", |request| text_to_text(request, first_line)),
    Definition::new("basename", |request| text_to_text(request, basename)),
    Definition::new("soundex", |request| text_to_text(request, soundex)).any_case(),
    Definition::new("stringBytesUniq", |request| {
        text_to_number::<UInt16Type>(request, DataType::UInt16, |text| {
            counts(text).iter().filter(|n| **n > 0).count() as u16
        })
    }),
    Definition::new("stringBytesEntropy", |request| text_to_number::<Float64Type>(request, DataType::Float64, entropy)),
    Definition::new("CRC32", |request| {
        text_to_number::<UInt32Type>(request, DataType::UInt32, |text| !crc32(text, u32::MAX))
    })
    .any_case(),
    Definition::new("CRC32IEEE", |request| {
        text_to_number::<UInt32Type>(request, DataType::UInt32, |text| crc32(text, 0))
    })
    .any_case(),
    Definition::new("CRC64", |request| text_to_number::<UInt64Type>(request, DataType::UInt64, crc64)).any_case(),
];

fn first_line(text: &[u8], out: &mut Vec<u8>) {
    let end = memchr::memchr2(b'\r', b'\n', text).unwrap_or(text.len());
    out.extend_from_slice(&text[..end]);
}

/// What follows the last slash, or the last backslash.
fn basename(text: &[u8], out: &mut Vec<u8>) {
    let start = memchr::memrchr2(b'/', b'\\', text).map_or(0, |at| at + 1);
    out.extend_from_slice(&text[start..]);
}

/// The first letter and three digits for the sounds of the consonants behind it.
fn soundex(text: &[u8], out: &mut Vec<u8>) {
    const CODES: &[u8; 26] = b"01230120022455012623010202";
    let mut letters = text.iter().filter(|byte| byte.is_ascii_alphabetic()).map(u8::to_ascii_uppercase);
    let code = |letter: u8| CODES[usize::from(letter - b'A')];
    let Some(first) = letters.next() else { return out.extend_from_slice(b"0000") };
    let (mut last, mut digits) = (code(first), 0);
    out.push(first);
    for letter in letters {
        let digit = code(letter);
        if digit != b'0' && digit != last && digits < 3 {
            out.push(digit);
            digits += 1;
        }
        last = digit;
    }
    out.extend(std::iter::repeat_n(b'0', 3 - digits));
}

fn counts(text: &[u8]) -> [usize; 256] {
    let mut counts = [0; 256];
    text.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    counts
}

/// Shannon's, of bytes, in bits.
fn entropy(text: &[u8]) -> f64 {
    let share = |count: &usize| *count as f64 / text.len() as f64;
    let bits: f64 = counts(text).iter().filter(|count| **count > 0).map(|n| -share(n) * share(n).log2()).sum();
    bits + 0.0 // no -0
}

static CRC32: LazyLock<[u32; 256]> = LazyLock::new(|| {
    std::array::from_fn(|i| {
        (0..8).fold(i as u32, |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
});

/// From a state to a state; `CRC32` inverts both ends, `CRC32IEEE` neither.
fn crc32(text: &[u8], start: u32) -> u32 {
    text.iter().fold(start, |crc, byte| CRC32[(crc as u8 ^ byte) as usize] ^ crc >> 8)
}

static CRC64: LazyLock<[u64; 256]> = LazyLock::new(|| {
    std::array::from_fn(|i| {
        (0..8).fold(i as u64, |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xC96C_5795_D787_0F42 } else { crc >> 1 })
    })
});

/// ECMA's, beginning with 0 and not inverted, as ClickHouse has it.
fn crc64(text: &[u8]) -> u64 {
    text.iter().fold(0, |crc, byte| CRC64[(crc as u8 ^ byte) as usize] ^ crc >> 8)
}
