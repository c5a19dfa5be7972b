//! Base32 with RFC 4648's alphabet.

use crate::error::Error;
use crate::frame::Definition;
use crate::strings::shapes::{text_to_text, text_to_text_or_error};

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("base32Encode", |request| text_to_text(request, encode)),
    Definition::new("base32Decode", |request| {
        text_to_text_or_error(request, |text, out| {
            decode(text, out).ok_or_else(|| Error::IncorrectData {
                function: "base32Decode".to_owned(),
                reason: "the text is not in the encoding".to_owned(),
            })
        })
    }),
    Definition::new("tryBase32Decode", |request| {
        text_to_text(request, |text, out| {
            let start = out.len();
            if decode(text, out).is_none() {
                out.truncate(start);
            }
        })
    }),
];

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn encode(text: &[u8], out: &mut Vec<u8>) {
    for chunk in text.chunks(5) {
        let bits = chunk.iter().enumerate().fold(0u64, |bits, (i, byte)| bits | u64::from(*byte) << (32 - 8 * i));
        let digits = (chunk.len() * 8).div_ceil(5);
        out.extend((0..digits).map(|i| ALPHABET[(bits >> (35 - 5 * i) & 31) as usize]));
        out.extend(std::iter::repeat_n(b'=', 8 - digits));
    }
}

/// Padding must be there; bits that fill no byte must be 0.
fn decode(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let padding = text.iter().rev().take(7).take_while(|byte| **byte == b'=').count();
    if !text.len().is_multiple_of(8) {
        return None;
    }
    let (mut bits, mut count) = (0u32, 0);
    let digits = &text[..text.len() - padding];
    if matches!(digits.len() % 8, 1 | 3 | 6) {
        return None;
    }
    for digit in digits {
        let value = ALPHABET.iter().position(|known| *known == digit.to_ascii_uppercase())?;
        bits = bits << 5 | value as u32;
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    (bits == 0).then_some(())
}
