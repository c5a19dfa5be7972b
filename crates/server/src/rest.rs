//! REST lookups by key will live here: a view's row for a key as JSON. Nothing of it is served yet.
