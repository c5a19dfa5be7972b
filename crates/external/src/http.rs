//! HTTP: clients that connect to allowed addresses only, requests with patience, and pages as [`Objects`].
//!
//! A client belongs to one host and port, and its resolver is [`Hosts`]: so each connection that is ever made was checked
//! with its port. Redirects are followed here, hop by hop, each a request like the first. Proxies of the environment are
//! not used: they would be asked instead of the host that was checked. What is read whole has a connection of its own
//! ([`whole`]), so that more than was promised is seen.

mod client;
mod pages;
mod whole;

pub(crate) use client::reason_of;
pub use client::{Http, Manners, shown};
pub use pages::{Pages, PagesOptions};
