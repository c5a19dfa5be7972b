//! Values as text and back: hexadecimal, binary, base64, base58, URL and XML escapes, ids and addresses.

pub(crate) mod base;
pub(crate) mod base32;
pub(crate) mod escapes;
pub(crate) mod hex;
pub(crate) mod ids;
