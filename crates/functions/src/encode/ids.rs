//! UUIDs, IP and MAC addresses as numbers, bytes and text.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, FixedSizeBinaryArray, Int64Array, UInt32Array, UInt64Array};
use arrow::datatypes::{UInt32Type, UInt64Type};
use types::text::cell::{write_ipv6, write_uuid};
use types::text::scan::{parse_ipv4, parse_ipv6, parse_uuid};
use types::{DataType, ErrorCode};

use crate::columns::{Bytes, Integers, Texts, tuples};
use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;
use crate::strings::shapes::{check_text, check_texts, flags, text_test};

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("UUIDStringToNum", uuid_to_bytes),
    Definition::new("UUIDNumToString", |request| bytes_to_text(request, DataType::FixedString(16), write_uuid)),
    Definition::new("UUIDToNum", uuid_bytes),
    Definition::new("UUIDv7ToDateTime", uuid_time),
    Definition::new("IPv4StringToNum", |request| ipv4_number(request, Bad::Error)),
    Definition::new("IPv4StringToNum", |request| ipv4_number(request, Bad::Error)).alias("INET_ATON").any_case(),
    Definition::new("IPv4StringToNumOrDefault", |request| ipv4_number(request, Bad::Default)),
    Definition::new("IPv4StringToNumOrNull", |request| ipv4_number(request, Bad::Null)),
    Definition::new("IPv4NumToString", |request| ipv4_text(request, 4)),
    Definition::new("IPv4NumToString", |request| ipv4_text(request, 4)).alias("INET_NTOA").any_case(),
    Definition::new("IPv4NumToStringClassC", |request| ipv4_text(request, 3)),
    Definition::new("IPv6StringToNum", |request| ipv6_bytes(request, Bad::Error)),
    Definition::new("IPv6StringToNum", |request| ipv6_bytes(request, Bad::Error)).alias("INET6_ATON").any_case(),
    Definition::new("IPv6StringToNumOrDefault", |request| ipv6_bytes(request, Bad::Default)),
    Definition::new("IPv6StringToNumOrNull", |request| ipv6_bytes(request, Bad::Null)),
    Definition::new("IPv6NumToString", ipv6_text),
    Definition::new("IPv6NumToString", ipv6_text).alias("INET6_NTOA").any_case(),
    Definition::new("IPv4ToIPv6", ipv4_to_ipv6),
    Definition::new("isIPv4String", |request| text_test(request, |text| parse_ipv4(text).is_some())),
    Definition::new("isIPv6String", |request| {
        text_test(request, |text| text.contains(&b':') && parse_ipv6(text).is_some())
    }),
    Definition::new("IPv4CIDRToRange", ipv4_range),
    Definition::new("IPv6CIDRToRange", ipv6_range),
    Definition::new("isIPAddressInRange", in_range),
    Definition::new("MACNumToString", mac_text),
    Definition::new("MACStringToNum", mac_number),
];

/// What happens to text that is no address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bad {
    Error,
    Default,
    Null,
}

impl Bad {
    fn result(self, ty: DataType) -> DataType {
        if self == Bad::Null { DataType::nullable(ty) } else { ty }
    }
}

fn bad_address(text: &[u8], ty: &str, code: ErrorCode) -> Error {
    let text = String::from_utf8_lossy(text).into_owned();
    Error::Parse { text, ty: ty.to_owned(), reason: "it is no such address".to_owned(), code }
}

/// A column of 16 bytes a row.
fn sixteen(cells: Vec<Option<[u8; 16]>>) -> Result<ArrayRef> {
    Ok(Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(cells.into_iter(), 16)?))
}

fn uuid_to_bytes(request: &Request<'_>) -> Result<Resolved> {
    check_texts(request, 1)?;
    Ok(Resolved::new(DataType::FixedString(16), |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        sixteen((0..call.rows).map(|row| Some(parse_uuid(texts.get(row)).unwrap_or_default())).collect())
    }))
}

fn bytes_to_text(request: &Request<'_>, ty: DataType, write: fn(&mut Vec<u8>, &[u8])) -> Result<Resolved> {
    request.arity(1..=1)?;
    if *request.ty(0) != ty {
        return Err(request.wrong_type(0, ty.to_string()));
    }
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let bytes = Bytes::of(&args[0])?;
        let mut texts = Texts::with_capacity(call.rows, call.rows * 36);
        for row in 0..call.rows {
            write(texts.bytes(), bytes.get(row));
            texts.end()?;
        }
        Ok(texts.finish())
    }))
}

fn check_uuid(request: &Request<'_>) -> Result<()> {
    if *request.ty(0) == DataType::Uuid { Ok(()) } else { Err(request.wrong_type(0, "UUID")) }
}

fn uuid_bytes(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    check_uuid(request)?;
    Ok(Resolved::new(DataType::FixedString(16), |args: &[Operand], call: &Call| args[0].expand(call.rows)))
}

/// The milliseconds that a UUID of version 7 begins with; 1970 for other versions.
fn uuid_time(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=2)?;
    check_uuid(request)?;
    let zone = request.optional_text(1)?.map(Into::into);
    Ok(Resolved::new(DataType::DateTime64 { precision: 3, zone }, |args: &[Operand], call: &Call| {
        let bytes = Bytes::of(&args[0])?;
        let time = |row| {
            let uuid = bytes.get(row);
            let is_seven = uuid.get(6).is_some_and(|byte| byte >> 4 == 7);
            if is_seven { uuid[..6].iter().fold(0i64, |ms, byte| ms << 8 | i64::from(*byte)) } else { 0 }
        };
        Ok(Arc::new(Int64Array::from_iter_values((0..call.rows).map(time))))
    }))
}

fn ipv4_number(request: &Request<'_>, bad: Bad) -> Result<Resolved> {
    check_texts(request, 1)?;
    Ok(Resolved::new(bad.result(DataType::UInt32), move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let mut numbers = Vec::with_capacity(call.rows);
        for row in 0..call.rows {
            let text = texts.get(row);
            numbers.push(match (parse_ipv4(text), bad) {
                (Some(number), _) => Some(number),
                (None, Bad::Null) => None,
                (None, Bad::Default) => Some(0),
                (None, Bad::Error) => return Err(bad_address(text, "IPv4", ErrorCode::CANNOT_PARSE_IPV4)),
            });
        }
        Ok(Arc::new(UInt32Array::from(numbers)))
    }))
}

/// The address with its first `parts` parts; `xxx` for the others.
fn ipv4_text(request: &Request<'_>, parts: usize) -> Result<Resolved> {
    request.arity(1..=1)?;
    let fits = matches!(request.ty(0), DataType::Ipv4 | DataType::UInt8 | DataType::UInt16 | DataType::UInt32);
    if !fits {
        return Err(request.wrong_type(0, "UInt32 or IPv4"));
    }
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        let numbers = Integers::of(&args[0])?;
        let mut texts = Texts::with_capacity(call.rows, call.rows * 16);
        for row in 0..call.rows {
            let bytes = (numbers.get(row) as u32).to_be_bytes();
            let part = |(i, byte): (usize, &u8)| if i < parts { byte.to_string() } else { "xxx".to_owned() };
            let text: Vec<String> = bytes.iter().enumerate().map(part).collect();
            texts.push(text.join(".").as_bytes())?;
        }
        Ok(texts.finish())
    }))
}

/// An address of either kind as 16 bytes.
fn any_address(text: &[u8]) -> Option<[u8; 16]> {
    parse_ipv4(text).map(mapped).or_else(|| parse_ipv6(text))
}

/// `::ffff:a.b.c.d`.
fn mapped(address: u32) -> [u8; 16] {
    std::net::Ipv4Addr::from(address).to_ipv6_mapped().octets()
}

fn ipv6_bytes(request: &Request<'_>, bad: Bad) -> Result<Resolved> {
    check_texts(request, 1)?;
    Ok(Resolved::new(bad.result(DataType::FixedString(16)), move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let mut cells = Vec::with_capacity(call.rows);
        for row in 0..call.rows {
            let text = texts.get(row);
            cells.push(match (any_address(text), bad) {
                (Some(address), _) => Some(address),
                (None, Bad::Null) => None,
                (None, Bad::Default) => Some([0; 16]),
                (None, Bad::Error) => return Err(bad_address(text, "IPv6", ErrorCode::CANNOT_PARSE_IPV6)),
            });
        }
        sixteen(cells)
    }))
}

fn ipv6_text(request: &Request<'_>) -> Result<Resolved> {
    let ty = if matches!(request.args.first().map(|arg| &arg.ty), Some(DataType::Ipv6)) {
        DataType::Ipv6
    } else {
        DataType::FixedString(16)
    };
    bytes_to_text(request, ty, write_ipv6)
}

fn ipv4_to_ipv6(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    if !matches!(request.ty(0), DataType::Ipv4 | DataType::UInt32) {
        return Err(request.wrong_type(0, "IPv4"));
    }
    Ok(Resolved::new(DataType::Ipv6, |args: &[Operand], call: &Call| {
        let addresses = args[0].expand(call.rows)?;
        sixteen(addresses.as_primitive::<UInt32Type>().values().iter().map(|address| Some(mapped(*address))).collect())
    }))
}

fn check_range(request: &Request<'_>, address: DataType) -> Result<()> {
    request.arity(2..=2)?;
    if *request.ty(0) != address {
        return Err(request.wrong_type(0, address.to_string()));
    }
    if *request.ty(1) != DataType::UInt8 {
        return Err(request.wrong_type(1, "UInt8"));
    }
    Ok(())
}

/// The bits of a network of that prefix; longer prefixes are the longest.
fn mask(bits: u32, prefix: i64) -> u128 {
    let prefix = u32::try_from(prefix).unwrap_or(bits).min(bits);
    if prefix == 0 { 0 } else { u128::MAX << (128 - prefix) >> (128 - bits) }
}

fn ipv4_range(request: &Request<'_>) -> Result<Resolved> {
    check_range(request, DataType::Ipv4)?;
    Ok(Resolved::new(DataType::tuple([DataType::Ipv4, DataType::Ipv4]), |args: &[Operand], call: &Call| {
        let (addresses, prefixes) = (args[0].expand(call.rows)?, Integers::of(&args[1])?);
        let addresses = addresses.as_primitive::<UInt32Type>();
        let mask = |row| mask(32, prefixes.get(row)) as u32;
        let first = (0..call.rows).map(|row| addresses.value(row) & mask(row));
        let last = (0..call.rows).map(|row| addresses.value(row) | !mask(row));
        let columns: Vec<ArrayRef> =
            vec![Arc::new(UInt32Array::from_iter_values(first)), Arc::new(UInt32Array::from_iter_values(last))];
        Ok(tuples(columns, call.rows))
    }))
}

fn ipv6_range(request: &Request<'_>) -> Result<Resolved> {
    check_range(request, DataType::Ipv6)?;
    Ok(Resolved::new(DataType::tuple([DataType::Ipv6, DataType::Ipv6]), |args: &[Operand], call: &Call| {
        let (addresses, prefixes) = (Bytes::of(&args[0])?, Integers::of(&args[1])?);
        let (mut first, mut last) = (Vec::with_capacity(call.rows), Vec::with_capacity(call.rows));
        for row in 0..call.rows {
            let address = u128::from_be_bytes(addresses.get(row).try_into().unwrap_or_default());
            let mask = mask(128, prefixes.get(row));
            first.push(Some((address & mask).to_be_bytes()));
            last.push(Some((address | !mask).to_be_bytes()));
        }
        Ok(tuples(vec![sixteen(first)?, sixteen(last)?], call.rows))
    }))
}

/// An address as a number, and how many bits it has.
fn address_bits(text: &[u8]) -> Option<(u128, u32)> {
    match parse_ipv4(text) {
        Some(address) => Some((address.into(), 32)),
        None => parse_ipv6(text).map(|address| (u128::from_be_bytes(address), 128)),
    }
}

/// `isIPAddressInRange(address, 'network/prefix')`; addresses of the other kind are not in it.
fn in_range(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    check_text(request, 0)?;
    check_text(request, 1)?;
    Ok(Resolved::new(DataType::UInt8, |args: &[Operand], call: &Call| {
        let (addresses, networks) = (Bytes::of(&args[0])?, Bytes::of(&args[1])?);
        let mut inside = Vec::with_capacity(call.rows);
        for row in 0..call.rows {
            let (address, network) = (addresses.get(row), networks.get(row));
            let wrong = |text: &[u8]| bad_address(text, "IP address", ErrorCode::CANNOT_PARSE_TEXT);
            let (value, bits) = address_bits(address).ok_or_else(|| wrong(address))?;
            let (base, prefix) = parse_network(network).ok_or_else(|| wrong(network))?;
            let mask = mask(base.1, i64::from(prefix));
            inside.push(bits == base.1 && value & mask == base.0 & mask);
        }
        Ok(flags(inside.into_iter()))
    }))
}

fn parse_network(text: &[u8]) -> Option<((u128, u32), u8)> {
    let slash = memchr::memrchr(b'/', text)?;
    let base = address_bits(&text[..slash])?;
    let prefix: u8 = std::str::from_utf8(&text[slash + 1..]).ok()?.parse().ok()?;
    (u32::from(prefix) <= base.1).then_some((base, prefix))
}

fn mac_text(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    if !request.ty(0).is_unsigned() || request.ty(0).integer_width() > Some(8) {
        return Err(request.wrong_type(0, "an unsigned integer of at most 64 bits"));
    }
    Ok(Resolved::new(DataType::String, |args: &[Operand], call: &Call| {
        let numbers = arrow::compute::cast(&args[0].expand(call.rows)?, &arrow::datatypes::DataType::UInt64)?;
        let mut texts = Texts::with_capacity(call.rows, call.rows * 17);
        for number in numbers.as_primitive::<UInt64Type>().values() {
            let parts: Vec<String> = number.to_be_bytes()[2..].iter().map(|byte| format!("{byte:02X}")).collect();
            texts.push(parts.join(":").as_bytes())?;
        }
        Ok(texts.finish())
    }))
}

/// 0 for what is no MAC address.
fn mac_number(request: &Request<'_>) -> Result<Resolved> {
    check_texts(request, 1)?;
    Ok(Resolved::new(DataType::UInt64, |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let numbers = (0..call.rows).map(|row| parse_mac(texts.get(row)).unwrap_or(0));
        Ok(Arc::new(UInt64Array::from_iter_values(numbers)))
    }))
}

fn parse_mac(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let parts = text.split(':').map(|part| u8::from_str_radix(part, 16).ok()).collect::<Option<Vec<u8>>>()?;
    (parts.len() == 6).then(|| parts.iter().fold(0, |number, part| number << 8 | u64::from(*part)))
}
