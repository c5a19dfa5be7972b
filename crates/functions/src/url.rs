//! Parts of URLs. A URL is cut at its first special characters, not checked: what is no URL gives empty parts.

use std::sync::Arc;

use arrow::array::UInt16Array;
use types::DataType;

use crate::columns::{Bytes, Integers, Lists};
use crate::error::Result;
use crate::frame::{Call, Definition, Operand, Resolved};
use crate::request::Request;
use crate::strings::shapes::{check_text, check_texts, map_text, text_to_text, text_to_texts, texts_to_text};

mod parameters;
mod parts;

use parts::{
    cut_www, domain, domain_without_www, first_significant, fragment, host_from, path, protocol, query_start,
    significant_from, top_level,
};

/// The functions of this file.
pub(crate) const DEFINITIONS: &[Definition] = &[
    Definition::new("protocol", |request| part(request, protocol)),
    Definition::new("domain", |request| part(request, domain)),
    Definition::new("domainWithoutWWW", |request| part(request, domain_without_www)),
    Definition::new("topLevelDomain", |request| part(request, top_level)),
    Definition::new("firstSignificantSubdomain", |request| part(request, first_significant)),
    Definition::new("cutToFirstSignificantSubdomain", |request| part(request, |url| significant_from(url, false))),
    Definition::new("cutToFirstSignificantSubdomainWithWWW", |request| {
        part(request, |url| significant_from(url, true))
    }),
    Definition::new("netloc", |request| part(request, netloc)),
    Definition::new("path", |request| part(request, |url| without(path(url), b"?#"))),
    Definition::new("pathFull", |request| part(request, path)),
    Definition::new("queryString", |request| part(request, query_string)),
    Definition::new("queryStringAndFragment", |request| part(request, query_string_and_fragment)),
    Definition::new("fragment", |request| part(request, fragment)),
    Definition::new("port", port),
    Definition::new("cutWWW", |request| text_to_text(request, cut_www)),
    Definition::new("cutQueryString", |request| text_to_text(request, cut_query_string)),
    Definition::new("cutFragment", |request| part(request, |url| without(url, b"#"))),
    Definition::new("cutQueryStringAndFragment", |request| part(request, |url| without(url, b"?#"))),
    Definition::new("extractURLParameter", |request| {
        texts_to_text(request, |url, name, out| out.extend_from_slice(parameters::value(url, name)))
    }),
    Definition::new("extractURLParameters", |request| {
        text_to_texts(request, |url, push| parameters::all(url).try_for_each(push))
    }),
    Definition::new("extractURLParameterNames", |request| {
        text_to_texts(request, |url, push| parameters::names(url).try_for_each(push))
    }),
    Definition::new("cutURLParameter", cut_parameter),
    Definition::new("URLHierarchy", |request| text_to_texts(request, hierarchy)),
    Definition::new("URLPathHierarchy", |request| {
        text_to_texts(request, |url, push| {
            let path = path(url);
            if path.is_empty() { Ok(()) } else { levels(path, 0, push) }
        })
    }),
];

/// A part that is a piece of the URL itself.
fn part(request: &Request<'_>, part: fn(&[u8]) -> &[u8]) -> Result<Resolved> {
    check_texts(request, 1)?;
    Ok(Resolved::new(DataType::String, move |args: &[Operand], call: &Call| {
        map_text(&args[0], call.rows, |url, out| out.extend_from_slice(part(url)))
    }))
}

/// Up to the first of `ends`.
fn without<'a>(url: &'a [u8], ends: &[u8]) -> &'a [u8] {
    let end = url.iter().position(|byte| ends.contains(byte)).unwrap_or(url.len());
    &url[..end]
}

/// Everything between protocol and path: user, host and port.
fn netloc(url: &[u8]) -> &[u8] {
    without(host_from(url).unwrap_or_default(), b"/?#")
}

fn query_string(url: &[u8]) -> &[u8] {
    query_start(url).map_or(b"", |query| without(query, b"#"))
}

/// What follows the first `?`, or where there is none the first `#`.
fn query_string_and_fragment(url: &[u8]) -> &[u8] {
    query_start(url).unwrap_or_else(|| fragment(url))
}

/// The URL without what stands between `?` and `#`.
fn cut_query_string(url: &[u8], out: &mut Vec<u8>) {
    let Some(query) = query_start(url) else { return out.extend_from_slice(url) };
    let start = url.len() - query.len() - 1;
    let end = query.iter().position(|byte| *byte == b'#').map_or(url.len(), |at| start + 1 + at);
    out.extend_from_slice(&url[..start]);
    out.extend_from_slice(&url[end..]);
}

/// `port(url [, otherwise])`.
fn port(request: &Request<'_>) -> Result<Resolved> {
    request.arity(1..=2)?;
    check_text(request, 0)?;
    if request.args.len() == 2 && *request.ty(1) != DataType::UInt16 {
        return Err(request.wrong_type(1, "UInt16"));
    }
    Ok(Resolved::new(DataType::UInt16, |args: &[Operand], call: &Call| {
        let urls = Bytes::of(&args[0])?;
        let defaults = args.get(1).map(Integers::of).transpose()?;
        let port = |row| {
            let otherwise = defaults.as_ref().map_or(0, |defaults| defaults.get(row) as u16);
            parts::port(urls.get(row)).unwrap_or(otherwise)
        };
        Ok(Arc::new(UInt16Array::from_iter_values((0..call.rows).map(port))))
    }))
}

/// `cutURLParameter(url, name or names)`.
fn cut_parameter(request: &Request<'_>) -> Result<Resolved> {
    request.arity(2..=2)?;
    check_text(request, 0)?;
    match request.ty(1) {
        DataType::Array(inner) if inner.is_string() => {}
        ty if ty.is_string() => return texts_to_text(request, parameters::cut),
        _ => return Err(request.wrong_type(1, "String or Array(String)")),
    }
    Ok(Resolved::new(DataType::String, |args: &[Operand], call: &Call| {
        let lists = Lists::of(&args[1], call.rows)?;
        let names = Bytes::of_array(&lists.elements, false)?;
        let urls = Bytes::of(&args[0])?;
        let mut result = crate::columns::Texts::with_capacity(call.rows, urls.size());
        for row in 0..call.rows {
            let mut url = urls.get(row).to_vec();
            for i in lists.range(row) {
                let mut cut = Vec::with_capacity(url.len());
                parameters::cut(&url, names.get(i), &mut cut);
                url = cut;
            }
            result.push(&url)?;
        }
        Ok(result.finish())
    }))
}

/// The levels of the path, each with everything before it; a URL without a protocol has one only.
fn hierarchy(url: &[u8], push: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    match host_from(url) {
        Some(host) => levels(url, url.len() - host.len() + without(host, b"/?#").len(), push),
        None if url.is_empty() => Ok(()),
        None => push(url),
    }
}

/// The URL cut behind every `/`, `?` and `#` from `from` on, shortest first, and whole.
fn levels(url: &[u8], from: usize, push: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    for at in from..url.len() {
        let is_end = matches!(url[at], b'/' | b'?' | b'#');
        let first_slash_of_path = from == 0 && at == 0;
        if is_end && !first_slash_of_path && at + 1 < url.len() {
            push(&url[..=at])?;
        }
    }
    if url.is_empty() { Ok(()) } else { push(url) }
}
