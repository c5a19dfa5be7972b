//! `sleep` and `sleepEachRow`: 0, and the answer comes later.
//!
//! Nothing waits here: the time is added to the query's [`QueryTime`](crate::QueryTime), and whoever gives its blocks
//! waits before the next one, so that no thread is held and a cancelled query ends at once.

use std::sync::Arc;

use arrow::array::UInt8Array;
use types::{DataType, ErrorCode};

use crate::error::{Error, Result};
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;

/// The longest that one block may be held up, in seconds.
const SECONDS_MAX: f64 = 3.0;

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("sleep", |request| pause(request, |rows| rows.min(1))).volatile(),
    Definition::new("sleepEachRow", |request| pause(request, |rows| rows)).volatile(),
];

/// `times` says how often a block of so many rows is held up.
fn pause(request: &Request<'_>, times: fn(usize) -> usize) -> Result<Resolved> {
    request.arity(1..=1)?;
    let seconds = request.constant_float(0)?;
    if !seconds.is_finite() || seconds < 0.0 {
        return Err(request.bad("cannot sleep infinite or negative time"));
    }
    Ok(Resolved::new(DataType::UInt8, move |_: &[Operand], call: &Call| {
        let wanted = seconds * times(call.rows) as f64;
        if SECONDS_MAX < wanted {
            let message =
                format!("the maximum sleep time is {SECONDS_MAX} seconds. Requested: {wanted} seconds per block");
            return Err(Error::Thrown { code: ErrorCode::TOO_SLOW, message });
        }
        call.time.hold_up((wanted * 1e9) as u64);
        Ok(Arc::new(UInt8Array::from(vec![0; call.rows])))
    }))
}
