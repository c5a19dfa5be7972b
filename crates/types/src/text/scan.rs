//! Numbers, dates, times and ids read from text. `None` means "this is not one"; nothing here panics.

use arrow::datatypes::i256;

use super::time::{Civil, Zone, days_in_month, days_of};

/// Ticks of a time read from text: whole seconds since 1970 UTC, and nanoseconds after them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub struct Instant {
    pub seconds: i64,
    pub nanos: u32,
}

impl Instant {
    /// Ticks of 10^-precision seconds; further digits are cut off.
    pub fn ticks(self, precision: u8) -> Option<i64> {
        let scale = 10i64.checked_pow(precision.into())?;
        self.seconds.checked_mul(scale)?.checked_add(i64::from(self.nanos) / 10i64.pow(9 - u32::from(precision.min(9))))
    }
}

/// A Float64; also `nan`, `inf`, `-inf`, `infinity` in any case.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    match text.trim_start_matches(['+', '-']).to_ascii_lowercase().as_str() {
        "nan" => Some(f64::NAN),
        "inf" | "infinity" => Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY }),
        plain if plain.starts_with(|c: char| c.is_ascii_digit() || c == '.') => text.parse().ok(),
        _ => None,
    }
}

/// A signed integer in decimal digits, with sign.
pub fn parse_i128(text: &[u8]) -> Option<i128> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// An unsigned integer in decimal digits.
pub fn parse_u128(text: &[u8]) -> Option<u128> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A decimal number scaled by 10^scale, digits beyond the scale cut off; understands exponents.
pub fn parse_decimal(text: &[u8], scale: u8) -> Option<i256> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (mantissa, exponent) = match text.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(at) => (&text[..at], std::str::from_utf8(&text[at + 1..]).ok()?.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let point = mantissa.iter().position(|b| *b == b'.').unwrap_or(mantissa.len());
    let digits: Vec<u8> = mantissa.iter().copied().filter(|b| *b != b'.').collect();
    if digits.is_empty() || mantissa.len() > digits.len() + 1 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // the digits that stand left of the scaled point
    let kept = i64::try_from(point).ok()? + i64::from(exponent) + i64::from(scale);
    let mut number = String::with_capacity(80);
    for i in 0..kept.clamp(0, 400) {
        number.push(digits.get(usize::try_from(i).ok()?).map_or('0', |b| char::from(*b)));
    }
    let number = number.trim_start_matches('0');
    let value = if number.is_empty() { i256::ZERO } else { i256::from_string(number)? };
    Some(if negative { value.wrapping_neg() } else { value })
}

/// `YYYY-MM-DD` (also `YYYY/MM/DD`, one-digit months and days) as days since 1970-01-01, and the rest of the text.
pub fn parse_date_prefix(text: &[u8]) -> Option<(i64, &[u8])> {
    let (year, text) = digits(text, 4, 4)?;
    let [separator @ (b'-' | b'/'), text @ ..] = text else { return None };
    let (month, text) = digits(text, 1, 2)?;
    let [second, text @ ..] = text else { return None };
    let (day, text) = digits(text, 1, 2)?;
    if second != separator || !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month as u8).into() {
        return None;
    }
    Some((days_of(Civil { year, month: month as u8, day: day as u8 }), text))
}

/// A whole date; `YYYYMMDD` is understood as well.
pub fn parse_date(text: &[u8]) -> Option<i64> {
    if let Some((days, [])) = parse_date_prefix(text) {
        return Some(days);
    }
    let (number, []) = digits(text, 8, 8)? else { return None };
    let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
    let fits = (1..=12).contains(&month) && 1 <= day && day <= days_in_month(year, month as u8).into();
    fits.then(|| days_of(Civil { year, month: month as u8, day: day as u8 }))
}

/// A time: `YYYY-MM-DD[ T]hh:mm[:ss[.fraction]][Z|±hh[:mm]]`, `YYYY-MM-DD`, `YYYYMMDDhhmmss`, or a number of seconds since
/// 1970 with an optional fraction. Times without an offset are wall-clock times of `zone`.
pub fn parse_date_time(text: &[u8], zone: Zone) -> Option<Instant> {
    match parse_date_prefix(text) {
        Some((days, rest)) => parse_time_of_day(days, rest, zone),
        None => parse_timestamp(text, zone),
    }
}

fn parse_time_of_day(days: i64, rest: &[u8], zone: Zone) -> Option<Instant> {
    if rest.is_empty() {
        return Some(Instant { seconds: zone.to_utc(days * 86_400), nanos: 0 });
    }
    let [b' ' | b'T' | b't', rest @ ..] = rest else { return None };
    let (hour, rest) = digits(rest, 1, 2)?;
    let [b':', rest @ ..] = rest else { return None };
    let (minute, rest) = digits(rest, 1, 2)?;
    let (second, rest) = match rest {
        [b':', rest @ ..] => digits(rest, 1, 2)?,
        _ => (0, rest),
    };
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (nanos, rest) = fraction(rest)?;
    let local = days * 86_400 + hour * 3600 + minute * 60 + second;
    let seconds = match rest {
        [] => zone.to_utc(local),
        b"Z" | b"z" | b" UTC" => local,
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let (hours, rest) = digits(rest, 2, 2)?;
            let rest = rest.strip_prefix(b":").unwrap_or(rest);
            let (minutes, rest) = if rest.is_empty() { (0, rest) } else { digits(rest, 2, 2)? };
            if !rest.is_empty() {
                return None;
            }
            let offset = hours * 3600 + minutes * 60;
            if *sign == b'+' { local - offset } else { local + offset }
        }
        _ => return None,
    };
    Some(Instant { seconds, nanos })
}

fn parse_timestamp(text: &[u8], zone: Zone) -> Option<Instant> {
    let (negative, text) = text.strip_prefix(b"-").map_or((false, text), |rest| (true, rest));
    if text.len() == 14 && !negative && text.iter().all(u8::is_ascii_digit) {
        let days = parse_date(&text[..8])?;
        let (clock, _) = digits(&text[8..], 6, 6)?;
        let local = days * 86_400 + clock / 10_000 * 3600 + clock / 100 % 100 * 60 + clock % 100;
        return Some(Instant { seconds: zone.to_utc(local), nanos: 0 });
    }
    let (seconds, rest) = digits(text, 1, 18)?;
    let (nanos, rest) = fraction(rest)?;
    match (rest.is_empty(), negative, nanos) {
        (false, ..) => None,
        (true, false, _) => Some(Instant { seconds, nanos }),
        (true, true, 0) => Some(Instant { seconds: -seconds, nanos: 0 }),
        (true, true, nanos) => Some(Instant { seconds: -seconds - 1, nanos: 1_000_000_000 - nanos }),
    }
}

/// `.digits` as nanoseconds, digits past the ninth cut off; no point is zero.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some(rest) = text.strip_prefix(b".") else { return Some((0, text)) };
    let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut nanos = 0u32;
    for i in 0..9 {
        nanos = nanos * 10 + rest.get(i).filter(|_| i < count).map_or(0, |b| u32::from(b - b'0'));
    }
    Some((nanos, &rest[count..]))
}

/// Between `least` and `most` digits as a number, and what follows them.
fn digits(text: &[u8], least: usize, most: usize) -> Option<(i64, &[u8])> {
    let count = text.iter().take(most).take_while(|b| b.is_ascii_digit()).count();
    if count < least {
        return None;
    }
    let number = text[..count].iter().fold(0i64, |number, b| number * 10 + i64::from(b - b'0'));
    Some((number, &text[count..]))
}

/// A UUID with or without dashes.
pub fn parse_uuid(text: &[u8]) -> Option<[u8; 16]> {
    let dashed = text.len() == 36 && [8, 13, 18, 23].iter().all(|i| text[*i] == b'-');
    if !dashed && text.len() != 32 {
        return None;
    }
    let mut bytes = [0; 16];
    let mut hex = text.iter().filter(|b| **b != b'-');
    for byte in &mut bytes {
        let high = char::from(*hex.next()?).to_digit(16)?;
        let low = char::from(*hex.next()?).to_digit(16)?;
        *byte = (high * 16 + low) as u8;
    }
    hex.next().is_none().then_some(bytes)
}

/// An IPv4 address.
pub fn parse_ipv4(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.parse::<std::net::Ipv4Addr>().ok().map(u32::from)
}

/// An IPv6 address; an IPv4 address is mapped into it.
pub fn parse_ipv6(text: &[u8]) -> Option<[u8; 16]> {
    let text = std::str::from_utf8(text).ok()?;
    match text.parse::<std::net::IpAddr>().ok()? {
        std::net::IpAddr::V4(address) => Some(address.to_ipv6_mapped().octets()),
        std::net::IpAddr::V6(address) => Some(address.octets()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_common_shape() {
        let seoul = Zone::parse("Asia/Seoul").unwrap();
        for (text, zone, seconds, nanos) in [
            ("2025-01-01 00:00:00", Zone::Utc, 1_735_689_600, 0),
            ("2025-01-01 09:00:00", seoul, 1_735_689_600, 0),
            ("2025-01-01T00:00:00.5Z", seoul, 1_735_689_600, 500_000_000),
            ("2025-01-01T02:00:00+02:00", Zone::Utc, 1_735_689_600, 0),
            ("2025-01-01", Zone::Utc, 1_735_689_600, 0),
            ("20250101000000", Zone::Utc, 1_735_689_600, 0),
            ("1735689600.25", seoul, 1_735_689_600, 250_000_000),
            ("-1.5", Zone::Utc, -2, 500_000_000),
        ] {
            assert_eq!(parse_date_time(text.as_bytes(), zone), Some(Instant { seconds, nanos }), "{text}");
        }
        for text in
            ["", "2025-13-01", "2025-02-30", "2025-01-01 25:00:00", "2025-01-01x", "now", "2025-01-01 00:00:00+"]
        {
            assert_eq!(parse_date_time(text.as_bytes(), Zone::Utc), None, "{text}");
        }
    }

    #[test]
    fn decimals_are_cut_at_their_scale() {
        for (text, scale, value) in
            [("1.239", 2, 123), ("-0.5", 1, -5), ("1e3", 0, 1000), ("12.5e-1", 2, 125), ("7", 3, 7000)]
        {
            assert_eq!(parse_decimal(text.as_bytes(), scale), Some(i256::from(value)), "{text}");
        }
        for text in ["", "-", "1.2.3", "abc", "1e", "."] {
            assert_eq!(parse_decimal(text.as_bytes(), 2), None, "{text}");
        }
    }

    #[test]
    fn ids_are_read() {
        let uuid = parse_uuid(b"61f0c404-5cb3-11e7-907b-a6006ad3dba0").unwrap();
        assert_eq!(parse_uuid(b"61f0c4045cb311e7907ba6006ad3dba0"), Some(uuid));
        assert_eq!(parse_uuid("61f0c404-5cb3-11e7-907b-a6006ad3dbéé".as_bytes()), None);
        assert_eq!(parse_ipv4(b"1.2.3.4"), Some(0x0102_0304));
        assert!(parse_ipv6(b"1.2.3.4").is_some() && parse_ipv6(b"2001:db8::1").is_some());
    }
}
