//! Numbers as ClickHouse prints them.

use arrow::datatypes::i256;

/// Appends a Float64: the shortest text that reads back, an exponent only from 1e21 up and below 1e-6.
pub fn write_f64(out: &mut Vec<u8>, value: f64) {
    let text = format!("{value:e}");
    write_shortest(out, &text, value.is_nan(), value.is_infinite(), value.is_sign_negative());
}

/// Appends a Float32, as [`write_f64`] does.
pub fn write_f32(out: &mut Vec<u8>, value: f32) {
    let text = format!("{value:e}");
    write_shortest(out, &text, value.is_nan(), value.is_infinite(), value.is_sign_negative());
}

/// From Rust's shortest `d.ddde±x` to ClickHouse's spelling.
fn write_shortest(out: &mut Vec<u8>, text: &str, nan: bool, infinite: bool, negative: bool) {
    if nan {
        return out.extend_from_slice(b"nan");
    }
    if negative {
        out.push(b'-');
    }
    if infinite {
        return out.extend_from_slice(b"inf");
    }
    let (mantissa, exponent) = text.trim_start_matches('-').split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    if (-6..21).contains(&exponent) {
        write_plain(out, &digits, exponent);
    } else {
        out.extend_from_slice(mantissa.as_bytes());
        out.push(b'e');
        out.extend_from_slice(exponent.to_string().as_bytes());
    }
}

/// `digits` with the point after the digit `exponent` places right of the first.
fn write_plain(out: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', (-exponent - 1) as usize));
        out.extend_from_slice(digits);
        return;
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        out.extend_from_slice(digits);
        out.extend(std::iter::repeat_n(b'0', whole - digits.len()));
    } else {
        out.extend_from_slice(&digits[..whole]);
        out.push(b'.');
        out.extend_from_slice(&digits[whole..]);
    }
}

/// Appends a decimal of `scale` digits after the point, without trailing zeros (`1.10` prints `1.1`).
pub fn write_decimal(out: &mut Vec<u8>, value: i128, scale: u8) {
    write_scaled(out, value < 0, &value.unsigned_abs().to_string(), scale);
}

/// As [`write_decimal`], for decimals of more than 38 digits.
pub fn write_decimal256(out: &mut Vec<u8>, value: i256, scale: u8) {
    let text = value.to_string();
    write_scaled(out, text.starts_with('-'), text.trim_start_matches('-'), scale);
}

fn write_scaled(out: &mut Vec<u8>, negative: bool, digits: &str, scale: u8) {
    let scale = scale as usize;
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    if negative {
        out.push(b'-');
    }
    out.extend_from_slice(whole.as_bytes());
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        out.push(b'.');
        out.extend_from_slice(fraction.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f64_text(value: f64) -> String {
        let mut out = Vec::new();
        write_f64(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn floats_print_as_clickhouse_prints_them() {
        for (value, text) in [
            (1.0, "1"),
            (-0.0, "-0"),
            (0.5, "0.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e21"),
            (1.5e300, "1.5e300"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (123.456, "123.456"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
            (0.1 + 0.2, "0.30000000000000004"),
            (-2.5e-10, "-2.5e-10"),
        ] {
            assert_eq!(f64_text(value), text);
        }
    }

    #[test]
    fn decimals_drop_trailing_zeros() {
        let text = |value, scale| {
            let mut out = Vec::new();
            write_decimal(&mut out, value, scale);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text(110, 2), "1.1");
        assert_eq!(text(-5, 3), "-0.005");
        assert_eq!(text(0, 2), "0");
        assert_eq!(text(2000, 2), "20");
    }
}
