//! The page in the browser will live here: a prompt, the views and how fresh they are. Nothing of it is served yet.
