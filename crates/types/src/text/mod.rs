//! Values as ClickHouse writes and reads them in text: numbers, dates, times, ids, and whole cells of any type.
//!
//! The one place for this: formats, `toString` and casts all use it. Pure; parsing never panics.

pub mod best_effort;
pub mod cell;
pub mod number;
pub mod scan;
pub mod time;

pub use cell::{Quoting, write_cell};
pub use number::{write_decimal, write_f32, write_f64};
pub use time::{Zone, write_date, write_date_time, write_date_time64};
