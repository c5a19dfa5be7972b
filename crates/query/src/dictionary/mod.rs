//! Dictionaries: keys and attributes loaded from a source into memory, looked up by functions, read as a table.
//!
//! ```text
//! CREATE DICTIONARY ─▶ Structure ─(first use, reload, lifetime)─▶ source SELECT ─▶ Content ─▶ dictGet, SELECT
//! ```
//!
//! A dictionary is loaded when it is first used, as in ClickHouse. Binding loads nothing: it answers
//! `Error::DictionaryNotLoaded`, whoever prepares the query loads it and binds again. Plans hold a [`Slot`], never the
//! rows: a reload is seen by the next block. A reload that fails leaves the old content and says so in
//! `system.dictionaries`. Never here: writing anything.

mod cells;
mod content;
mod functions;
mod hierarchy;
mod load;
mod polygons;
mod regexps;
mod slots;
mod source;
mod structure;

pub use content::Content;
pub(crate) use functions::{DictionaryCall, Lookup, Missing, Task, function_names};
pub use slots::{Dictionaries, Slot, Status};
pub use source::DictionarySource;
pub use structure::{Attribute, Layout, Structure, source_table};
