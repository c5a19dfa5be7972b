//! The allocator of the process, and how long it keeps memory that is not in use.
//!
//! Never here: how much memory a query may have (`query::memory`).

use std::ffi::{c_int, c_long};
use std::sync::Arc;
use std::time::Duration;

use env::{AbortOnDrop, Env};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc 3's `mi_option_e`; the crate names few of its options.
const PURGE_DELAY: c_int = 15;
/// How long freed memory stays with the process, in milliseconds. With mimalloc's one second, the pages of an insert's blocks
/// went back and were zeroed anew by the kernel for the next blocks: a fifth of the CPU time of a bulk insert.
const KEPT_MS: c_long = 10_000;

/// To be called once, at the start. What the user set in `MIMALLOC_PURGE_DELAY` stays.
pub(crate) fn configure() {
    // SAFETY: a plain setter that is not thread safe; no other thread runs yet. An option that is not there is ignored.
    #[allow(unsafe_code)]
    unsafe {
        libmimalloc_sys::mi_option_set_default(PURGE_DELAY, KEPT_MS);
    }
}

/// How often [`keep_giving_back`] looks.
const LOOK: Duration = Duration::from_secs(5);

/// Gives back, as long as the returned value lives, what has been free for so long: the allocator itself looks only when
/// something is allocated, and a server that nobody asks would keep the memory of its last large query.
pub(crate) fn keep_giving_back(env: &Env) -> AbortOnDrop {
    let clock = Arc::clone(&env.clock);
    let look = async move {
        loop {
            clock.sleep(LOOK).await;
            // SAFETY: may be called by any thread at any time; without force it takes what is due only.
            #[allow(unsafe_code)]
            unsafe {
                libmimalloc_sys::mi_collect(false);
            }
        }
    };
    env.spawner.spawn("giving memory back", Box::pin(look)).abort_on_drop()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_is_the_delay_of_purges() {
        #[allow(unsafe_code)]
        // SAFETY: a plain getter.
        let before = unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(before, 1_000, "mimalloc's own default; another number means that the options were renumbered");
        configure();
        #[allow(unsafe_code)]
        // SAFETY: as above.
        let after = unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(after, KEPT_MS);
    }
}
