//! Numbers of the Native format that writer and reader share.

/// The info of a block: not overflowed, of no bucket, end.
pub(crate) const BLOCK_INFO: [u8; 8] = [1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0];
/// From this revision on clients know LowCardinality.
pub(crate) const LOW_CARDINALITY: u64 = 54_405;
/// From this revision on a byte tells whether a column is serialized in its own way.
pub(crate) const CUSTOM_SERIALIZATION: u64 = 54_454;
/// How dictionaries are written: keys with each block.
pub(crate) const DICTIONARY_VERSION: u64 = 1;
/// Keys come with the block.
pub(crate) const ADDITIONAL_KEYS: u64 = 1 << 9;
/// The reader must forget the keys of blocks before.
pub(crate) const NEEDS_UPDATE: u64 = 1 << 10;
/// Keys are those of a dictionary that was sent before; never written.
pub(crate) const GLOBAL_DICTIONARY: u64 = 1 << 8;
