//! Escapes of URLs and XML.

use crate::frame::Definition;
use crate::strings::shapes::text_to_text;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("encodeURLComponent", |request| text_to_text(request, |text, out| encode_url(text, b"%20", out))),
    Definition::new("encodeURLFormComponent", |request| text_to_text(request, |text, out| encode_url(text, b"+", out))),
    Definition::new("decodeURLComponent", |request| text_to_text(request, |text, out| decode_url(text, b'+', out))),
    Definition::new("decodeURLFormComponent", |request| text_to_text(request, |text, out| decode_url(text, b' ', out))),
    Definition::new("encodeXMLComponent", |request| text_to_text(request, encode_xml)),
    Definition::new("decodeXMLComponent", |request| text_to_text(request, decode_xml)),
];

/// Everything but letters, digits and `-_.~` as `%XX`; a space as `space`.
fn encode_url(text: &[u8], space: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b' ' => out.extend_from_slice(space),
            b'-' | b'_' | b'.' | b'~' => out.push(*byte),
            byte if byte.is_ascii_alphanumeric() => out.push(*byte),
            byte => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
}

/// `%XX` as its byte, `+` as `plus`; anything else as it is.
pub(crate) fn decode_url(text: &[u8], plus: u8, out: &mut Vec<u8>) {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| (*byte as char).to_digit(16)).map(|digit| digit as u8);
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if let (b'%', Some(high), Some(low)) = (byte, digit(text.get(at + 1)), digit(text.get(at + 2))) {
            out.push(high << 4 | low);
            at += 3;
            continue;
        }
        out.push(if *byte == b'+' { plus } else { *byte });
        at += 1;
    }
}

const ENTITIES: [(&[u8], u8); 5] =
    [(b"&lt;", b'<'), (b"&gt;", b'>'), (b"&amp;", b'&'), (b"&quot;", b'"'), (b"&apos;", b'\'')];

fn encode_xml(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match ENTITIES.iter().find(|(_, character)| character == byte) {
            Some((entity, _)) => out.extend_from_slice(entity),
            None => out.push(*byte),
        }
    }
}

/// The five entities of XML and numbers; anything else as it is.
fn decode_xml(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'&', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        if let Some((entity, character)) = ENTITIES.iter().find(|(entity, _)| rest.starts_with(entity)) {
            out.push(*character);
            rest = &rest[entity.len()..];
        } else if let Some((character, length)) = numbered(rest) {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            rest = &rest[length..];
        } else {
            out.push(b'&');
            rest = &rest[1..];
        }
    }
    out.extend_from_slice(rest);
}

/// `&#65;` or `&#x41;` at the start of `text`: the character, and how many bytes stand for it.
fn numbered(text: &[u8]) -> Option<(char, usize)> {
    let inner = text.strip_prefix(b"&#")?;
    let length = inner.iter().take(10).position(|byte| *byte == b';')?;
    let digits = std::str::from_utf8(&inner[..length]).ok()?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some((char::from_u32(code)?, length + 3))
}
