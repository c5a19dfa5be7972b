//! Refreshable views: when each runs, and what its runs leave behind.
//!
//! ```text
//! REFRESH clause ─▶ Plan (schedule, dependencies, settings)
//! Plan + Outcome (runs) + Control (commands) + Parents ─▶ decide(now) ─▶ Off │ Missing │ Wait │ Sleep │ Run
//! Run ─▶ SELECT on a snapshot ─▶ one commit { the rows, and the Outcome after it }
//! ```
//! In reading order: [`span`], [`schedule`], [`plan`], [`mod@decide`], [`versions`], [`mod@admit`] (all pure), [`record`]
//! (the hidden table of each view that keeps what is durable), [`generations`] (those that keep what its target was). Never here: a clock, tasks, running anything; that is the engine's scheduler.

pub mod admit;
pub mod cycle;
pub mod decide;
pub mod generations;
pub mod plan;
pub mod record;
pub mod schedule;
pub mod span;
#[cfg(test)]
mod tests;
pub mod versions;

pub use cycle::cycle;
pub use decide::{Amounts, Control, Decision, Ended, Outcome, Parent, Started, Switch, View, after, decide};
pub use plan::{Options, Plan, normalize};
pub use schedule::Schedule;
pub use span::Span;
