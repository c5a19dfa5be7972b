//! One cell as JSON.

use arrow::array::{Array, AsArray, ListArray, StructArray};
use arrow::datatypes::{Float32Type, Float64Type};
use types::text::{Quoting, Zone, write_cell};
use types::{DataType, Setting, Settings};

/// The settings that shape JSON values, read once a result.
#[derive(Clone, Copy)]
pub(super) struct JsonStyle {
    zone: Zone,
    quote_64bit: bool,
    quote_denormals: bool,
    escape_slash: bool,
    named_tuples_as_objects: bool,
    /// Every value is a string, as the formats with `Strings` in their name have it.
    as_text: bool,
}

impl JsonStyle {
    pub(super) fn new(zone: Zone, settings: &Settings) -> JsonStyle {
        JsonStyle {
            zone,
            quote_64bit: settings.flag(Setting::OutputFormatJsonQuote64bitIntegers),
            quote_denormals: settings.flag(Setting::OutputFormatJsonQuoteDenormals),
            escape_slash: settings.flag(Setting::OutputFormatJsonEscapeForwardSlashes),
            named_tuples_as_objects: settings.flag(Setting::OutputFormatJsonNamedTuplesAsObjects),
            as_text: false,
        }
    }

    /// The same with every value as a string of its text.
    pub(super) fn as_text(self) -> JsonStyle {
        JsonStyle { as_text: true, ..self }
    }

    /// Appends the value of a column; `pretty` as for [`JsonStyle::write`].
    pub(super) fn value(&self, out: &mut Vec<u8>, ty: &DataType, array: &dyn Array, row: usize, pretty: Option<usize>) {
        if !self.as_text {
            return self.write(out, ty, array, row, pretty);
        }
        let mut text = Vec::new();
        write_cell(&mut text, ty, array, row, Quoting::Raw, self.zone);
        self.write_string(out, &text);
    }

    /// Appends the cell. `pretty` is the depth in tabs at which tuples are broken into lines, as format JSON does.
    fn write(&self, out: &mut Vec<u8>, ty: &DataType, array: &dyn Array, row: usize, pretty: Option<usize>) {
        if super::is_null(array, row) {
            return out.extend_from_slice(b"null");
        }
        match ty {
            DataType::Nullable(inner) | DataType::LowCardinality(inner) => self.write(out, inner, array, row, pretty),
            DataType::SimpleAggregateFunction(s) => self.write(out, &s.args[0], array, row, pretty),
            DataType::Array(inner) => {
                let (list, start, end) = bounds(array.as_list(), row);
                out.push(b'[');
                for i in start..end {
                    if i > start {
                        out.push(b',');
                    }
                    self.write(out, inner, list.values(), i, None);
                }
                out.push(b']');
            }
            DataType::Map(entry) => self.write_map(out, entry, array.as_list(), row),
            DataType::Tuple(_) => self.write_tuple(out, ty, array.as_struct(), row, pretty),
            DataType::Bool => write_cell(out, ty, array, row, Quoting::Raw, self.zone),
            DataType::Float32 | DataType::Float64 => self.write_float(out, ty, array, row),
            number if number.is_number() => {
                let wide = number.integer_width().is_some_and(|width| width >= 8) && self.quote_64bit;
                out.extend_from_slice(if wide { b"\"" } else { b"" });
                write_cell(out, ty, array, row, Quoting::Raw, self.zone);
                out.extend_from_slice(if wide { b"\"" } else { b"" });
            }
            DataType::Interval(_) => write_cell(out, ty, array, row, Quoting::Raw, self.zone),
            other => {
                let mut text = Vec::new();
                write_cell(&mut text, other, array, row, Quoting::Raw, self.zone);
                self.write_string(out, &text);
            }
        }
    }

    fn write_float(&self, out: &mut Vec<u8>, ty: &DataType, array: &dyn Array, row: usize) {
        let finite = match ty {
            DataType::Float32 => array.as_primitive::<Float32Type>().value(row).is_finite(),
            _ => array.as_primitive::<Float64Type>().value(row).is_finite(),
        };
        match (finite, self.quote_denormals) {
            (true, _) => write_cell(out, ty, array, row, Quoting::Raw, self.zone),
            (false, false) => out.extend_from_slice(b"null"),
            (false, true) => {
                out.push(b'"');
                write_cell(out, ty, array, row, Quoting::Raw, self.zone);
                out.push(b'"');
            }
        }
    }

    /// Keys are strings, whatever their type.
    fn write_map(&self, out: &mut Vec<u8>, entry: &(DataType, DataType), map: &ListArray, row: usize) {
        let (list, start, end) = bounds(map, row);
        let pairs: &StructArray = list.values().as_struct();
        out.push(b'{');
        for i in start..end {
            if i > start {
                out.push(b',');
            }
            let mut key = Vec::new();
            write_cell(&mut key, &entry.0, pairs.column(0), i, Quoting::Raw, self.zone);
            self.write_string(out, &key);
            out.push(b':');
            self.write(out, &entry.1, pairs.column(1), i, None);
        }
        out.push(b'}');
    }

    fn write_tuple(&self, out: &mut Vec<u8>, ty: &DataType, tuple: &StructArray, row: usize, pretty: Option<usize>) {
        let DataType::Tuple(fields) = ty else { return };
        let named =
            self.named_tuples_as_objects && !fields.is_empty() && fields.iter().all(|field| field.name.is_some());
        let inner = pretty.map(|depth| depth + 1);
        out.push(if named { b'{' } else { b'[' });
        for (i, field) in fields.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            new_line(out, inner);
            if let (true, Some(name)) = (named, &field.name) {
                self.write_string(out, name.as_bytes());
                out.extend_from_slice(if pretty.is_some() { b": " } else { b":" });
            }
            self.write(out, &field.ty, tuple.column(i), row, inner);
        }
        new_line(out, pretty);
        out.push(if named { b'}' } else { b']' });
    }

    /// Appends a JSON string; bytes that are not UTF-8 become the replacement character.
    pub(super) fn write_string(&self, out: &mut Vec<u8>, text: &[u8]) {
        out.push(b'"');
        for c in String::from_utf8_lossy(text).chars() {
            match c {
                '"' => out.extend_from_slice(b"\\\""),
                '\\' => out.extend_from_slice(b"\\\\"),
                '/' if self.escape_slash => out.extend_from_slice(b"\\/"),
                '\n' => out.extend_from_slice(b"\\n"),
                '\r' => out.extend_from_slice(b"\\r"),
                '\t' => out.extend_from_slice(b"\\t"),
                '\u{8}' => out.extend_from_slice(b"\\b"),
                '\u{c}' => out.extend_from_slice(b"\\f"),
                c if c < ' ' => out.extend_from_slice(format!("\\u{:04X}", u32::from(c)).as_bytes()),
                c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        out.push(b'"');
    }
}

fn bounds(list: &ListArray, row: usize) -> (&ListArray, usize, usize) {
    (list, list.value_offsets()[row] as usize, list.value_offsets()[row + 1] as usize)
}

fn new_line(out: &mut Vec<u8>, depth: Option<usize>) {
    if let Some(depth) = depth {
        out.push(b'\n');
        out.extend(std::iter::repeat_n(b'\t', depth));
    }
}
