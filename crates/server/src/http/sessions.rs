//! Sessions that outlive a request: `session_id`. Settings and database last until the session was not used for its
//! timeout. One request at a time; a second one is told SESSION_IS_LOCKED.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::{Credentials, Engine, Session};
use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;
use types::ErrorCode;

use super::exception::Exception;

/// Sessions that are kept at once.
const SESSIONS_MAX: usize = 10_000;
/// How long a session is kept without use when the client does not say.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);
/// The longest that a client may ask for.
pub(crate) const TIMEOUT_MAX: Duration = Duration::from_secs(3600);

/// The sessions by user and id.
#[derive(Default, Debug)]
pub(crate) struct Sessions {
    by_id: Mutex<BTreeMap<(String, String), Kept>>,
}

#[derive(Debug)]
struct Kept {
    session: Arc<tokio::sync::Mutex<Session>>,
    timeout: Duration,
    /// Monotonic time of the last use.
    used_ns: u64,
}

impl Kept {
    /// Not in use, and not used for its timeout.
    fn is_over(&self, now_ns: u64) -> bool {
        let unused = Duration::from_nanos(now_ns.saturating_sub(self.used_ns));
        Arc::strong_count(&self.session) == 1 && self.timeout < unused
    }
}

/// A session that a request asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SessionAsk {
    pub(crate) id: String,
    pub(crate) timeout: Duration,
    /// It must exist.
    pub(crate) must_exist: bool,
}

/// The session of a request.
pub(crate) enum Lease {
    /// Of this request alone.
    Own(Box<Session>),
    /// A kept one, locked while this lives.
    Kept(OwnedMutexGuard<Session>),
}

impl Lease {
    pub(crate) fn session(&mut self) -> &mut Session {
        match self {
            Lease::Own(session) => session,
            Lease::Kept(session) => session,
        }
    }
}

impl Sessions {
    /// The session that is asked for, or one for this request alone. Credentials are checked in any case.
    pub(crate) fn lease(
        &self,
        engine: &Engine,
        credentials: &Credentials,
        ask: Option<&SessionAsk>,
    ) -> Result<Lease, Exception> {
        let session = engine.session(credentials)?;
        let Some(ask) = ask else { return Ok(Lease::Own(Box::new(session))) };
        let now_ns = engine.env().clock.monotonic_ns();
        let mut by_id = self.by_id.lock();
        by_id.retain(|_, kept| !kept.is_over(now_ns));
        let key = (credentials.user.clone(), ask.id.clone());
        if !by_id.contains_key(&key) {
            if ask.must_exist {
                return Err(Exception::new(ErrorCode::SESSION_NOT_FOUND, format!("Session {} not found", ask.id)));
            }
            if by_id.len() >= SESSIONS_MAX {
                let message = format!("{SESSIONS_MAX} sessions are kept; no more than that");
                return Err(Exception::new(ErrorCode::TOO_MANY_SIMULTANEOUS_QUERIES, message));
            }
        }
        let session = Arc::new(tokio::sync::Mutex::new(session));
        let kept = by_id.entry(key).or_insert(Kept { session, timeout: ask.timeout, used_ns: now_ns });
        let Ok(guard) = Arc::clone(&kept.session).try_lock_owned() else {
            let message = format!("Session {} is locked by a concurrent client", ask.id);
            return Err(Exception::new(ErrorCode::SESSION_IS_LOCKED, message));
        };
        (kept.timeout, kept.used_ns) = (ask.timeout, now_ns);
        Ok(Lease::Kept(guard))
    }
}
