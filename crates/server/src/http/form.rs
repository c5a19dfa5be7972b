//! Requests whose body is a form (`multipart/form-data`): fields `query` and `param_…`, as in the URL.
//!
//! ```text
//! --boundary CRLF  Content-Disposition: form-data; name="query" CRLF  CRLF  value CRLF  … --boundary--
//! ```
//! Fields of other names would be external tables, and are refused.

use std::collections::BTreeMap;

use types::ErrorCode;

use super::exception::Exception;

/// The fields of a form.
#[derive(Default, Debug, PartialEq)]
pub(super) struct Form {
    pub(super) query: Vec<u8>,
    pub(super) params: BTreeMap<String, String>,
}

/// The boundary that a `Content-Type` names; none when it is no form.
pub(super) fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let named = parameters.split(';').filter_map(|parameter| parameter.trim().split_once('='));
    let found = named.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    Some(found.1.trim_matches('"').to_owned()).filter(|boundary| !boundary.is_empty())
}

/// The fields of a whole body.
pub(super) fn parse(body: &[u8], boundary: &str) -> Result<Form, Exception> {
    let mark = format!("--{boundary}").into_bytes();
    let mut form = Form::default();
    let mut rest = after(body, &mark).ok_or_else(|| wrong("it does not begin with its boundary"))?;
    let end = [b"\r\n", mark.as_slice()].concat();
    while !rest.starts_with(b"--") {
        let part = rest.strip_prefix(b"\r\n").ok_or_else(|| wrong("a boundary is no line of its own"))?;
        let length = find(part, &end).ok_or_else(|| wrong("it is cut off"))?;
        let (part, following) = part.split_at(length);
        take(&mut form, part)?;
        rest = following.get(end.len()..).unwrap_or_default();
    }
    Ok(form)
}

fn wrong(reason: &str) -> Exception {
    Exception::new(ErrorCode::BAD_ARGUMENTS, format!("the form in the body cannot be read: {reason}"))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn after<'b>(bytes: &'b [u8], mark: &[u8]) -> Option<&'b [u8]> {
    bytes.get(find(bytes, mark)? + mark.len()..)
}

/// One field: its headers, an empty line, its value.
fn take(form: &mut Form, part: &[u8]) -> Result<(), Exception> {
    let length = find(part, b"\r\n\r\n").ok_or_else(|| wrong("a field has no headers"))?;
    let (headers, value) = (part.get(..length).unwrap_or_default(), part.get(length + 4..).unwrap_or_default());
    let headers = String::from_utf8_lossy(headers).into_owned();
    let name = headers.split("name=\"").nth(1).and_then(|rest| rest.split('"').next());
    match name {
        Some("query") => form.query.extend_from_slice(value),
        Some(name) if name.starts_with("param_") => {
            let text = String::from_utf8_lossy(value).into_owned();
            form.params.insert(name.trim_start_matches("param_").to_owned(), text);
        }
        Some(name) => {
            let message = format!("external table \"{name}\" in the body of a request is not supported yet");
            return Err(Exception::new(ErrorCode::NOT_IMPLEMENTED, message));
        }
        None => return Err(wrong("a field has no name")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundary_is_in_the_content_type() {
        assert_eq!(boundary("multipart/form-data; boundary=\"x y\"").unwrap(), "x y");
        assert_eq!(boundary("Multipart/Form-Data; charset=utf-8; boundary=abc").unwrap(), "abc");
        assert!(boundary("text/plain; boundary=abc").is_none() && boundary("multipart/form-data").is_none());
    }

    #[test]
    fn fields_are_statement_and_parameters() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT {s:String}\r\n--b\r\n\
                    Content-Disposition: form-data; name=\"param_s\"\r\n\r\na\r\nb\r\n--b--\r\n";
        let form = parse(body.as_bytes(), "b").unwrap();
        assert_eq!(form.query, b"SELECT {s:String}");
        assert_eq!(form.params.get("s").unwrap(), "a\r\nb");
    }

    #[test]
    fn what_is_no_form_or_brings_a_table_is_refused() {
        let table = b"--b\r\nContent-Disposition: form-data; name=\"t\"; filename=\"t\"\r\n\r\n1\r\n--b--\r\n";
        assert_eq!(parse(table, "b").unwrap_err().code, ErrorCode::NOT_IMPLEMENTED);
        for body in [&b""[..], b"--b", b"--b\r\n", b"--b\r\nx", b"--b\r\nx\r\n--b--", b"SELECT 1"] {
            assert!(parse(body, "b").is_err(), "{body:?}");
        }
    }
}
