//! Dates and times as text, in a time zone, without any clock.
//!
//! Calendar arithmetic follows Howard Hinnant's `days_from_civil` (public domain).

use chrono::{MappedLocalTime, Offset, TimeZone};

/// A time zone; UTC is special because nearly all columns use it and it needs no table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Zone {
    /// Coordinated Universal Time.
    #[default]
    Utc,
    /// A zone of the tz database.
    Named(chrono_tz::Tz),
}

impl Zone {
    /// The zone of that name in the tz database.
    pub fn parse(name: &str) -> Option<Zone> {
        match name.parse().ok()? {
            chrono_tz::UTC | chrono_tz::Etc::UTC => Some(Zone::Utc),
            zone => Some(Zone::Named(zone)),
        }
    }

    /// The name in the tz database.
    pub fn name(self) -> &'static str {
        match self {
            Zone::Utc => "UTC",
            Zone::Named(zone) => zone.name(),
        }
    }

    /// The zone of a type's argument, or `default` where it has none (the type was checked when it was parsed).
    pub fn of(name: &Option<std::sync::Arc<str>>, default: Zone) -> Zone {
        name.as_deref().and_then(Zone::parse).unwrap_or(default)
    }

    /// Seconds east of UTC at that instant.
    pub fn offset_at(self, utc_seconds: i64) -> i64 {
        match self {
            Zone::Utc => 0,
            Zone::Named(zone) => chrono::DateTime::from_timestamp(utc_seconds, 0)
                .map_or(0, |at| zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc().into()),
        }
    }

    /// The instant at which the wall clock of the zone shows `local` seconds. Where it shows them twice, the first; where
    /// it never does (a gap), as if the change had happened already: an hour earlier on the clock, as ClickHouse has it.
    pub fn to_utc(self, local_seconds: i64) -> i64 {
        let Zone::Named(zone) = self else { return local_seconds };
        let Some(local) = chrono::DateTime::from_timestamp(local_seconds, 0) else { return local_seconds };
        match zone.offset_from_local_datetime(&local.naive_utc()) {
            MappedLocalTime::Single(offset) | MappedLocalTime::Ambiguous(offset, _) => {
                local_seconds - i64::from(offset.fix().local_minus_utc())
            }
            MappedLocalTime::None => local_seconds - self.offset_at(local_seconds + 86_400),
        }
    }
}

/// A calendar day: year, month 1 … 12, day 1 … 31.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs)]
pub struct Civil {
    pub year: i64,
    pub month: u8,
    pub day: u8,
}

/// The calendar day `days` after 1970-01-01.
pub fn civil_of(days: i64) -> Civil {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    Civil {
        year: yoe + era * 400 + i64::from(month <= 2),
        month: month as u8,
        day: (doy - (153 * mp + 2) / 5 + 1) as u8,
    }
}

/// Days from 1970-01-01 to a calendar day; days past the month's end count on into the next.
pub fn days_of(civil: Civil) -> i64 {
    let month = i64::from(civil.month);
    let year = civil.year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let yoe = year.rem_euclid(400);
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + i64::from(civil.day) - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

/// Days in a month.
pub fn days_in_month(year: i64, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn push_digits(out: &mut Vec<u8>, value: i64, width: usize) {
    let start = out.len();
    out.resize(start + width, b'0');
    let mut rest = value;
    for slot in out[start..].iter_mut().rev() {
        *slot = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// Appends `2025-03-01`.
pub fn write_date(out: &mut Vec<u8>, days: i64) {
    let civil = civil_of(days);
    push_digits(out, civil.year.clamp(0, 9999), 4);
    out.push(b'-');
    push_digits(out, civil.month.into(), 2);
    out.push(b'-');
    push_digits(out, civil.day.into(), 2);
}

/// Appends `2025-03-01 10:00:00`, the wall clock of `zone` at that instant.
pub fn write_date_time(out: &mut Vec<u8>, utc_seconds: i64, zone: Zone) {
    let local = utc_seconds + zone.offset_at(utc_seconds);
    write_date(out, local.div_euclid(86_400));
    let second = local.rem_euclid(86_400);
    for (separator, value) in [(b' ', second / 3600), (b':', second / 60 % 60), (b':', second % 60)] {
        out.push(separator);
        push_digits(out, value, 2);
    }
}

/// Appends a DateTime64 of `precision` digits after the point.
pub fn write_date_time64(out: &mut Vec<u8>, ticks: i64, precision: u8, zone: Zone) {
    let scale = 10i64.pow(precision.min(18).into());
    write_date_time(out, ticks.div_euclid(scale), zone);
    if precision > 0 {
        out.push(b'.');
        push_digits(out, ticks.rem_euclid(scale), precision.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(ticks: i64, precision: u8, zone: Zone) -> String {
        let mut out = Vec::new();
        write_date_time64(&mut out, ticks, precision, zone);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn calendar_round_trips() {
        for days in (-30_000..80_000).step_by(17) {
            assert_eq!(days_of(civil_of(days)), days);
        }
        assert_eq!(civil_of(0), Civil { year: 1970, month: 1, day: 1 });
    }

    #[test]
    fn times_print_in_their_zone() {
        let seoul = Zone::parse("Asia/Seoul").unwrap();
        assert_eq!(text(1_735_689_600_123, 3, Zone::Utc), "2025-01-01 00:00:00.123");
        assert_eq!(text(1_735_689_600, 0, seoul), "2025-01-01 09:00:00");
        assert_eq!(text(-1, 3, Zone::Utc), "1969-12-31 23:59:59.999");
        assert_eq!(seoul.to_utc(9 * 3600), 0);
    }

    #[test]
    fn a_wall_time_that_never_comes_is_an_hour_earlier() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        assert_eq!(berlin.to_utc(1_743_301_800), 1_743_294_600); // 2025-03-30 02:30
    }

    #[test]
    fn a_wall_time_that_comes_twice_is_its_first() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        // 2025-10-26 02:30 exists as +02:00 and as +01:00
        assert_eq!(berlin.to_utc(1_761_445_800), 1_761_445_800 - 7200);
    }
}
