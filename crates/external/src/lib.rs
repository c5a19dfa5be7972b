//! Rows from elsewhere: `mysql()`, `postgresql()`, `s3()`, `url()` and `file()` as sources for any SELECT, and so for a
//! scheduled refresh.
//!
//! Nothing lives here yet: `file()` inside the user files folder is a table function of crate `query`; the others are
//! refused by name there. They come with refreshable views. What will hold then: hosts only from an allow list,
//! credentials never in a definition, a log or an error, and a source that is down or lies about its size fails that
//! query alone.
