//! The Redis protocol will live here: `HGET` and `HGETALL` over views that name a `redis_hash`, answered from the key index
//! of one snapshot. Nothing of it is served yet.
