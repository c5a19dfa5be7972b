//! Parameters of URLs: `name=value` behind `?` or `#`, separated by `&`, `;` and `#`.

/// What follows the first `?` or `#`.
fn query(url: &[u8]) -> &[u8] {
    url.iter().position(|byte| matches!(byte, b'?' | b'#')).map_or(b"", |at| &url[at + 1..])
}

fn pieces(query: &[u8]) -> impl Iterator<Item = &[u8]> {
    query.split(|byte| matches!(byte, b'&' | b';' | b'#' | b'?'))
}

/// Every parameter, with a value or without.
pub(super) fn all(url: &[u8]) -> impl Iterator<Item = &[u8]> {
    pieces(query(url)).filter(|piece| !piece.is_empty())
}

/// The name of every parameter.
pub(super) fn names(url: &[u8]) -> impl Iterator<Item = &[u8]> {
    all(url).map(|piece| piece.split(|byte| *byte == b'=').next().unwrap_or_default())
}

/// The value of the first parameter of that name; empty where there is none.
pub(super) fn value<'a>(url: &'a [u8], name: &[u8]) -> &'a [u8] {
    pieces(query(url)).find_map(|piece| piece.strip_prefix(name)?.strip_prefix(b"=")).unwrap_or_default()
}

/// Appends the URL without the first parameter of that name.
pub(super) fn cut(url: &[u8], name: &[u8], out: &mut Vec<u8>) {
    let query = query(url);
    let mut at = url.len() - query.len();
    for piece in pieces(query) {
        let end = at + piece.len();
        if piece.strip_prefix(name).is_some_and(|rest| rest.starts_with(b"=")) {
            // with it goes one separator: the one behind, or the one before when it is the last of several
            let first = url.get(at.wrapping_sub(1)).is_some_and(|byte| matches!(byte, b'?' | b'#'));
            let (start, end) = match url.get(end) {
                Some(b'&' | b';') => (at, end + 1),
                _ if first => (at, end),
                _ => (at - 1, end),
            };
            out.extend_from_slice(&url[..start]);
            out.extend_from_slice(&url[end..]);
            return;
        }
        at = end + 1;
    }
    out.extend_from_slice(url);
}
