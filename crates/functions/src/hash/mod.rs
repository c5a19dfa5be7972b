//! Hashes, bit for bit those of ClickHouse. Not for secrets.
//!
//! A hash of several arguments, or of what containers hold, combines the hashes of the parts in order: [`Algorithm`] says
//! how each hash function does that, [`values`] walks the values.

use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryArray, Int32Array, UInt32Array, UInt64Array};
use types::DataType;

use crate::arrays::access::check_narrow;
use crate::columns::{Bytes, Integers};
use crate::error::Result;
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;
use crate::strings::shapes::check_texts;

mod city;
mod digest;
mod farm;
mod murmur;
mod sip;
mod values;
mod xx;

use values::{Algorithm, any_hash};

/// What `gccMurmurHash` begins with: the seed of libstdc++.
const GCC_SEED: u64 = 0xc70f_6907;
/// What `kafkaMurmurHash` begins with: Kafka's seed.
const KAFKA_SEED: u32 = 0x9747_b28c;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("cityHash64", |request| any_hash(request, Width::Long, &CITY)),
    Definition::new("farmHash64", |request| any_hash(request, Width::Long, &FARM)),
    Definition::new("sipHash64", |request| any_hash(request, Width::Long, &SIP)),
    Definition::new("sipHash128", |request| any_hash(request, Width::Wide, &SIP_128)),
    Definition::new("xxHash32", |request| any_hash(request, Width::Short, &XX_32)),
    Definition::new("xxHash64", |request| any_hash(request, Width::Long, &XX_64)),
    Definition::new("xxh3", |request| any_hash(request, Width::Long, &XX_3)),
    Definition::new("murmurHash2_32", |request| any_hash(request, Width::Short, &MURMUR_2_32)),
    Definition::new("murmurHash2_64", |request| any_hash(request, Width::Long, &MURMUR_2_64)),
    Definition::new("gccMurmurHash", |request| any_hash(request, Width::Long, &MURMUR_GCC)),
    Definition::new("kafkaMurmurHash", |request| any_hash(request, Width::Short, &MURMUR_KAFKA)),
    Definition::new("murmurHash3_32", |request| any_hash(request, Width::Short, &MURMUR_3_32)),
    Definition::new("murmurHash3_64", |request| any_hash(request, Width::Long, &MURMUR_3_64)),
    Definition::new("halfMD5", |request| any_hash(request, Width::Long, &HALF_MD5)),
    Definition::new("murmurHash3_128", |request| {
        digest_of(request, 16, |text| {
            let (h1, h2) = murmur::murmur3_128(text);
            [h1.to_le_bytes(), h2.to_le_bytes()].concat()
        })
    }),
    Definition::new("MD5", |request| digest_of(request, 16, |text| digest::md5(text).to_vec())),
    Definition::new("SHA1", |request| digest_of(request, 20, |text| digest::sha1(text).to_vec())),
    Definition::new("SHA224", |request| digest_of(request, 28, sha2_of::<sha2::Sha224>)),
    Definition::new("SHA256", |request| digest_of(request, 32, sha2_of::<sha2::Sha256>)),
    Definition::new("SHA384", |request| digest_of(request, 48, sha2_of::<sha2::Sha384>)),
    Definition::new("SHA512", |request| digest_of(request, 64, sha2_of::<sha2::Sha512>)),
    Definition::new("SHA512_256", |request| digest_of(request, 32, sha2_of::<sha2::Sha512_256>)),
    Definition::new("intHash32", |request| {
        int_hash(request, DataType::UInt32, |values| {
            Arc::new(UInt32Array::from_iter_values(values.into_iter().map(int_hash32)))
        })
    }),
    Definition::new("intHash64", |request| {
        int_hash(request, DataType::UInt64, |values| {
            Arc::new(UInt64Array::from_iter_values(values.into_iter().map(int_hash64)))
        })
    }),
    Definition::new("javaHash", java_hash),
    Definition::new("javaHashUTF16LE", |request| {
        crate::strings::shapes::text_to_number::<arrow::datatypes::Int32Type>(request, DataType::Int32, java_utf16)
    }),
    Definition::new("URLHash", |request| {
        crate::strings::shapes::text_to_number::<arrow::datatypes::UInt64Type>(request, DataType::UInt64, url)
    }),
    Definition::new("hiveHash", hive_hash),
    Definition::new("jumpConsistentHash", jump_consistent_hash),
];

/// Bits of a result.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    Short,
    Long,
    Wide,
}

fn from_city(left: u128, right: u128) -> u128 {
    city::combine(left as u64, right as u64).into()
}

fn from_int_hash64(left: u128, right: u128) -> u128 {
    (int_hash64(left as u64) ^ right as u64).into()
}

fn from_int_hash32(left: u128, right: u128) -> u128 {
    (int_hash32(left as u64) ^ right as u32).into()
}

const CITY: Algorithm = Algorithm {
    hash: |text| city::city_hash64(text).into(),
    combine: from_city,
    numbers_by_int_hash: true,
    longest: usize::MAX,
};
const FARM: Algorithm = Algorithm {
    hash: |text| farm::farm_hash64(text).into(),
    combine: from_city,
    numbers_by_int_hash: true,
    longest: farm::LONGEST,
};
const SIP: Algorithm = Algorithm {
    hash: |text| sip::sip_hash64(text).into(),
    combine: |left, right| {
        sip::sip_hash64(&[(left as u64).to_le_bytes(), (right as u64).to_le_bytes()].concat()).into()
    },
    numbers_by_int_hash: false,
    longest: usize::MAX,
};
const SIP_128: Algorithm = Algorithm {
    hash: sip::sip_hash128,
    combine: |left, right| sip::sip_hash128(&[left.to_le_bytes(), right.to_le_bytes()].concat()),
    numbers_by_int_hash: false,
    longest: usize::MAX,
};
const XX_32: Algorithm = Algorithm {
    hash: |text| xx::xx_hash32(text).into(),
    combine: from_int_hash32,
    numbers_by_int_hash: false,
    longest: usize::MAX,
};
const XX_64: Algorithm = Algorithm {
    hash: |text| xx::xx_hash64(text).into(),
    combine: from_city,
    numbers_by_int_hash: false,
    longest: usize::MAX,
};
const XX_3: Algorithm = Algorithm {
    hash: |text| xxhash_rust::xxh3::xxh3_64(text).into(),
    combine: from_city,
    numbers_by_int_hash: false,
    longest: usize::MAX,
};
const MURMUR_2_32: Algorithm = Algorithm {
    hash: |text| murmur::murmur2_32(text, 0).into(),
    combine: from_int_hash32,
    numbers_by_int_hash: false,
    longest: usize::MAX,
};
const MURMUR_2_64: Algorithm = Algorithm {
    hash: |text| murmur::murmur2_64(text, 0).into(),
    combine: from_int_hash64,
    numbers_by_int_hash: false,
    longest: usize::MAX,
};
const MURMUR_GCC: Algorithm = Algorithm {
    hash: |text| murmur::murmur2_64(text, GCC_SEED).into(),
    combine: from_int_hash64,
    numbers_by_int_hash: false,
    longest: usize::MAX,
};
const MURMUR_KAFKA: Algorithm = Algorithm {
    hash: |text| murmur::murmur2_32(text, KAFKA_SEED).into(),
    combine: from_int_hash32,
    numbers_by_int_hash: false,
    longest: usize::MAX,
};
const MURMUR_3_32: Algorithm = Algorithm {
    hash: |text| murmur::murmur3_32(text).into(),
    combine: from_int_hash32,
    numbers_by_int_hash: false,
    longest: usize::MAX,
};
const MURMUR_3_64: Algorithm = Algorithm {
    hash: |text| {
        let (h1, h2) = murmur::murmur3_128(text);
        (h1 ^ h2).into()
    },
    combine: from_int_hash64,
    numbers_by_int_hash: false,
    longest: usize::MAX,
};
const HALF_MD5: Algorithm = Algorithm {
    hash: half_md5,
    combine: |left, right| half_md5(&[(left as u64).to_le_bytes(), (right as u64).to_le_bytes()].concat()),
    numbers_by_int_hash: false,
    longest: usize::MAX,
};

fn half_md5(text: &[u8]) -> u128 {
    digest::md5(text)[..8].iter().fold(0, |half, byte| half << 8 | u128::from(*byte))
}

fn sha2_of<D: sha2::Digest>(text: &[u8]) -> Vec<u8> {
    D::digest(text).to_vec()
}

/// A digest of a string, as so many bytes.
fn digest_of(request: &Request<'_>, width: u32, digest: fn(&[u8]) -> Vec<u8>) -> Result<Resolved> {
    check_texts(request, 1)?;
    Ok(Resolved::new(DataType::FixedString(width), move |args: &[Operand], call: &Call| {
        let texts = Bytes::of(&args[0])?;
        let cells = (0..call.rows).map(|row| Some(digest(texts.get(row))));
        Ok(Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(cells, width as i32)?))
    }))
}

/// ClickHouse's mixing of 64 bits into 32.
fn int_hash32(value: u64) -> u32 {
    let mut key = value ^ 0x75D9_543D_E018_BF45;
    key = (!key).wrapping_add(key << 18);
    key ^= key.rotate_right(31);
    key = key.wrapping_mul(21);
    key ^= key.rotate_right(11);
    key = key.wrapping_add(key << 6);
    (key ^ key.rotate_right(22)) as u32
}

/// ClickHouse's mixing of 64 bits.
fn int_hash64(value: u64) -> u64 {
    let mut x = value ^ 0x4CF2_D2BA_AE6D_A887;
    x = (x ^ x >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    x = (x ^ x >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ x >> 33
}

fn int_hash(request: &Request<'_>, result: DataType, hash: fn(Vec<u64>) -> ArrayRef) -> Result<Resolved> {
    request.arity(1..=1)?;
    let ty = request.ty(0);
    let fits = ty.is_integer() || ty.is_date_or_time() || matches!(ty, DataType::Bool | DataType::Ipv4);
    if !fits {
        return Err(request.wrong_type(0, "an integer"));
    }
    if ty.is_integer() {
        check_narrow(request, 0)?;
    }
    Ok(Resolved::new(result, move |args: &[Operand], call: &Call| Ok(hash(values::bits(&args[0].expand(call.rows)?)?))))
}

/// Java's hash of a string, byte by byte.
fn java(text: &[u8]) -> i32 {
    text.iter().fold(0i32, |hash, byte| hash.wrapping_mul(31).wrapping_add(i32::from(*byte as i8)))
}

/// The same over units of two bytes, the low one first.
fn java_utf16(text: &[u8]) -> i32 {
    let unit = |pair: &[u8]| i32::from(pair.iter().rev().fold(0u16, |unit, byte| unit << 8 | u16::from(*byte)));
    text.chunks(2).fold(0i32, |hash, pair| hash.wrapping_mul(31).wrapping_add(unit(pair)))
}

/// One `/`, `?` or `#` at the end does not count.
fn url(text: &[u8]) -> u64 {
    let text = match text {
        [rest @ .., b'/' | b'?' | b'#'] => rest,
        whole => whole,
    };
    city::city_hash64(text)
}

fn java_hash(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=1)?;
    match request.ty(0) {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            Ok(Resolved::new(DataType::Int32, |args: &[Operand], call: &Call| {
                let values = Integers::of(&args[0])?;
                let hash = |row| {
                    let value = values.get(row);
                    if i32::try_from(value).is_ok() {
                        value as i32
                    } else {
                        (value ^ (value as u64 >> 32) as i64) as i32
                    }
                };
                Ok(Arc::new(Int32Array::from_iter_values((0..call.rows).map(hash))))
            }))
        }
        ty if ty.is_unsigned() => {
            Err(crate::error::Error::NotImplemented("function \"javaHash\" of unsigned integers".to_owned()))
        }
        _ => crate::strings::shapes::text_to_number::<arrow::datatypes::Int32Type>(request, DataType::Int32, java),
    }
}

fn hive_hash(request: &Request<'_>) -> Result<Resolved> {
    crate::strings::shapes::text_to_number::<arrow::datatypes::Int32Type>(request, DataType::Int32, |text| {
        java(text) & i32::MAX
    })
}

/// Google's jump consistent hash: a bucket that seldom changes when buckets are added.
fn jump_consistent_hash(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    for i in 0..2 {
        if !request.ty(i).is_integer() {
            return Err(request.wrong_type(i, "an integer"));
        }
        check_narrow(request, i)?;
    }
    let buckets = request.constant_int(1)?;
    if !(1..=i64::from(i32::MAX)).contains(&buckets) {
        return Err(request.bad(format!("{buckets} buckets, must be from 1 to {}", i32::MAX)));
    }
    Ok(Resolved::new(DataType::Int32, move |args: &[Operand], call: &Call| {
        let keys = values::bits(&args[0].expand(call.rows)?)?;
        Ok(Arc::new(Int32Array::from_iter_values(keys.into_iter().map(|key| jump(key, buckets)))))
    }))
}

fn jump(mut key: u64, buckets: i64) -> i32 {
    let (mut bucket, mut next) = (0i64, 0i64);
    while next < buckets {
        bucket = next;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        next = ((bucket + 1) as f64 * ((1u64 << 31) as f64 / ((key >> 33) + 1) as f64)) as i64;
    }
    bucket as i32
}
