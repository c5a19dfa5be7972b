//! Stands in for what `store` and `parts` are about to bring; goes when they are here.

/// Will be `store::Snapshot`.
#[derive(Debug, Default)]
pub struct Snapshot;

/// Will be `parts::GranuleCache`.
#[derive(Debug)]
pub struct GranuleCache;

impl GranuleCache {
    /// A cache of that many bytes.
    pub fn new(_: usize) -> Self {
        GranuleCache
    }
}
