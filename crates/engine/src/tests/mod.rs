//! Behaviour of the whole façade that belongs to no one of its modules.

mod check;
mod durability;
mod engines;
mod indexes;
mod limits;
mod mutations;
mod passing_rows;
mod plans;
mod projections;
mod quarantine;
mod refresh;
mod shapes;
mod snapshots;
mod undrop;
mod verify;
mod views;
