//! Base64 (standard and for URLs) and base58.

use crate::error::{Error, Result};
use crate::frame::{Definition, Resolved};
use crate::request::Request;
use crate::strings::shapes::{text_to_text, text_to_text_or_error};

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("base64Encode", |request| text_to_text(request, encode_standard)),
    Definition::new("base64Encode", |request| text_to_text(request, encode_standard)).alias("TO_BASE64").any_case(),
    Definition::new("base64Decode", decode_standard_strictly),
    Definition::new("base64Decode", decode_standard_strictly).alias("FROM_BASE64").any_case(),
    Definition::new("tryBase64Decode", |request| text_to_text(request, |text, out| or_nothing(standard, text, out))),
    Definition::new("base64URLEncode", |request| text_to_text(request, |text, out| encode(text, &URL, false, out))),
    Definition::new("base64URLDecode", |request| {
        text_to_text_or_error(request, |text, out| url(text, out).ok_or_else(|| incorrect("base64URLDecode")))
    }),
    Definition::new("tryBase64URLDecode", |request| text_to_text(request, |text, out| or_nothing(url, text, out))),
    Definition::new("base58Encode", |request| text_to_text(request, encode_58)),
    Definition::new("base58Decode", |request| {
        text_to_text_or_error(request, |text, out| decode_58(text, out).ok_or_else(|| incorrect("base58Decode")))
    }),
    Definition::new("tryBase58Decode", |request| text_to_text(request, |text, out| or_nothing(decode_58, text, out))),
];

const STANDARD: [u8; 64] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: [u8; 64] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE_58: [u8; 58] = *b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

fn incorrect(function: &str) -> Error {
    Error::IncorrectData { function: function.to_owned(), reason: "the text is not in the encoding".to_owned() }
}

fn decode_standard_strictly(request: &Request<'_>) -> Result<Resolved> {
    text_to_text_or_error(request, |text, out| standard(text, out).ok_or_else(|| incorrect("base64Decode")))
}

/// A decoder: `None` when the text is not in the encoding.
type Decode = fn(&[u8], &mut Vec<u8>) -> Option<()>;

/// What the text decodes to, or nothing at all.
fn or_nothing(decode: Decode, text: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    if decode(text, out).is_none() {
        out.truncate(start);
    }
}

fn encode_standard(text: &[u8], out: &mut Vec<u8>) {
    encode(text, &STANDARD, true, out);
}

fn encode(text: &[u8], alphabet: &[u8; 64], padded: bool, out: &mut Vec<u8>) {
    for chunk in text.chunks(3) {
        let bits = chunk.iter().enumerate().fold(0u32, |bits, (i, byte)| bits | u32::from(*byte) << (16 - 8 * i));
        let digits = chunk.len() + 1;
        out.extend((0..digits).map(|i| alphabet[(bits >> (18 - 6 * i) & 63) as usize]));
        if padded {
            out.extend(std::iter::repeat_n(b'=', 4 - digits));
        }
    }
}

/// Padding must fill the last four digits.
fn standard(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let padding = text.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    decode(&text[..text.len() - padding], &STANDARD, out)
}

/// Padding may be left out.
fn url(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let padding = text.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    if padding > 0 && !text.len().is_multiple_of(4) {
        return None;
    }
    decode(&text[..text.len() - padding], &URL, out)
}

fn decode(text: &[u8], alphabet: &[u8; 64], out: &mut Vec<u8>) -> Option<()> {
    for chunk in text.chunks(4) {
        let mut bits = 0u32;
        for (i, byte) in chunk.iter().enumerate() {
            let digit = alphabet.iter().position(|known| known == byte)? as u32;
            bits |= digit << (18 - 6 * i);
        }
        let bytes = chunk.len() - 1;
        if bytes == 0 {
            return None;
        }
        out.extend((0..bytes).map(|i| (bits >> (16 - 8 * i)) as u8));
    }
    Some(())
}

/// The text as a number in base 58, leading zero bytes as leading `1`s.
fn encode_58(text: &[u8], out: &mut Vec<u8>) {
    let digits = converted(text, 256, 58);
    let zeros = text.iter().take_while(|byte| **byte == 0).count();
    out.extend(std::iter::repeat_n(BASE_58[0], zeros));
    out.extend(digits.iter().map(|digit| BASE_58[usize::from(*digit)]));
}

fn decode_58(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let digits = text
        .iter()
        .map(|byte| BASE_58.iter().position(|known| known == byte).map(|digit| digit as u8))
        .collect::<Option<Vec<u8>>>()?;
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    out.extend(std::iter::repeat_n(0, zeros));
    out.extend(converted(&digits, 58, 256));
    Some(())
}

/// Digits of one base in another, most significant first, without leading zeros.
fn converted(digits: &[u8], from: u32, to: u32) -> Vec<u8> {
    let mut result: Vec<u8> = Vec::with_capacity(digits.len() * 2);
    for digit in digits {
        let mut carry = u32::from(*digit);
        for place in &mut result {
            carry += u32::from(*place) * from;
            *place = (carry % to) as u8;
            carry /= to;
        }
        while carry > 0 {
            result.push((carry % to) as u8);
            carry /= to;
        }
    }
    result.reverse();
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(text in proptest::collection::vec(proptest::num::u8::ANY, 0..24)) {
            type Encode = fn(&[u8], &mut Vec<u8>);
            let pairs: [(Encode, Decode); 3] =
                [(encode_standard, standard), (|t, o| encode(t, &URL, false, o), url), (encode_58, decode_58)];
            for (encode, decode) in pairs {
                let (mut encoded, mut decoded) = (Vec::new(), Vec::new());
                encode(&text, &mut encoded);
                proptest::prop_assert!(decode(&encoded, &mut decoded).is_some());
                proptest::prop_assert_eq!(&decoded, &text);
            }
        }

        #[test]
        fn no_text_panics(text in proptest::collection::vec(proptest::num::u8::ANY, 0..24)) {
            for decode in [standard as Decode, url, decode_58] {
                or_nothing(decode, &text, &mut Vec::new());
            }
        }
    }
}
