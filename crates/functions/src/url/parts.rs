//! Protocol, host, path and what else a URL has, as pieces of it.

/// Second-level labels under which countries give out names: `news.example.co.uk` belongs to `example`.
const SECOND_LEVEL: [&[u8]; 6] = [b"com", b"org", b"net", b"co", b"gov", b"edu"];

/// Letters, digits and `+-.` before `://`; empty where there is none.
pub(super) fn protocol(url: &[u8]) -> &[u8] {
    let length =
        url.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')).count();
    let starts_well = url.first().is_some_and(u8::is_ascii_alphabetic);
    if starts_well && url[length..].starts_with(b"://") { &url[..length] } else { b"" }
}

/// What follows `protocol://` or `//`.
pub(super) fn host_from(url: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = url.strip_prefix(b"//") {
        return Some(rest);
    }
    let length = protocol(url).len();
    (length > 0).then(|| &url[length + 3..])
}

/// The host, without user, port and path. Also of `host/path` without a protocol.
pub(super) fn domain(url: &[u8]) -> &[u8] {
    let rest = host_from(url).unwrap_or(url);
    let mut start = 0;
    let mut dot = false;
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            b'.' => dot = true,
            b'@' => (start, dot) = (at + 1, false),
            b':' | b'/' | b'?' | b'#' => return ended(rest, start, at, dot),
            b' ' | b'\t' | b'<' | b'>' | b'%' | b'{' | b'}' | b'|' | b'\\' | b'^' | b'~' | b'[' | b']' | b';'
            | b'=' | b'&' => return b"",
            _ => {}
        }
    }
    ended(rest, start, rest.len(), dot)
}

/// The host between `start` and `end`, if it has a dot inside.
fn ended(rest: &[u8], start: usize, end: usize, dot: bool) -> &[u8] {
    let host = &rest[start..end];
    if dot && !host.ends_with(b".") { host } else { b"" }
}

pub(super) fn domain_without_www(url: &[u8]) -> &[u8] {
    let domain = domain(url);
    domain.strip_prefix(b"www.").unwrap_or(domain)
}

/// What follows the host's last dot; nothing for addresses.
pub(super) fn top_level(url: &[u8]) -> &[u8] {
    let domain = domain(url);
    let last = memchr::memrchr(b'.', domain).map_or(&b""[..], |dot| &domain[dot + 1..]);
    if last.first().is_some_and(u8::is_ascii_digit) { b"" } else { last }
}

/// The label that names the site.
pub(super) fn first_significant(url: &[u8]) -> &[u8] {
    let site = significant_from(url, false);
    site.split(|byte| *byte == b'.').next().unwrap_or_default()
}

/// From the label that names the site on; a `www.` before it is dropped unless wanted.
pub(super) fn significant_from(url: &[u8], keep_www: bool) -> &[u8] {
    let host = if keep_www { domain(url) } else { domain_without_www(url) };
    let dots: Vec<usize> = memchr::memchr_iter(b'.', host).collect();
    let label_before = |dot: usize| {
        let start = dots[..dot].last().map_or(0, |dot| dot + 1);
        &host[start..dots[dot]]
    };
    let Some(last) = dots.len().checked_sub(1) else { return host };
    let levels = if last > 0 && SECOND_LEVEL.contains(&label_before(last)) { 3 } else { 2 };
    match dots.len().checked_sub(levels) {
        Some(dot) => &host[dots[dot] + 1..],
        None => host,
    }
}

/// From the first slash behind the host on.
pub(super) fn path(url: &[u8]) -> &[u8] {
    let start = memchr::memmem::find(url, b"//").map_or(0, |at| at + 2);
    memchr::memchr(b'/', &url[start..]).map_or(b"", |slash| &url[start + slash..])
}

/// What follows the first `?` that stands before any `#`.
pub(super) fn query_start(url: &[u8]) -> Option<&[u8]> {
    let at = url.iter().position(|byte| *byte == b'?')?;
    Some(&url[at + 1..])
}

/// What follows the first `#`.
pub(super) fn fragment(url: &[u8]) -> &[u8] {
    memchr::memchr(b'#', url).map_or(b"", |at| &url[at + 1..])
}

/// The number behind the host's colon.
pub(super) fn port(url: &[u8]) -> Option<u16> {
    let host = domain(url);
    if host.is_empty() {
        return None;
    }
    let start = memchr::memmem::find(url, host)? + host.len();
    let digits = url[start..].strip_prefix(b":")?;
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&digits[..length]).ok()?.parse().ok()
}

/// The URL without a `www.` before its host.
pub(super) fn cut_www(url: &[u8], out: &mut Vec<u8>) {
    match host_from(url) {
        Some(host) if host.starts_with(b"www.") => {
            out.extend_from_slice(&url[..url.len() - host.len()]);
            out.extend_from_slice(&host[4..]);
        }
        _ => out.extend_from_slice(url),
    }
}
