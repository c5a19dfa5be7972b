//! Made-up events of a shop: views and clicks of products, as JSON lines, the same for the same seed and start.
//!
//! Popularity follows Zipf's law. Some lines are out of order, very late, said twice, or no events at all, in named
//! shares, so that a pipeline has something to get right. Never here: pacing, clocks, insertion.

use std::collections::VecDeque;
use std::fmt::Write;

/// What is generated.
#[derive(Clone, PartialEq, Debug)]
pub struct GeneratorConfig {
    /// Same seed and start, same lines.
    pub seed: u64,
    /// Event time of the first event, in milliseconds since 1970.
    pub start_ms: i64,
    /// Events in a second of event time; at least 1.
    pub rate: u64,
    /// How many products there are; at least 1.
    pub products: usize,
}

/// Events arrive up to so much behind the newest, and are not late by it.
const OUT_OF_ORDER_MS: u64 = 5_000;
/// Very late events are behind by at least a minute and up to ten.
const VERY_LATE_MS: (u64, u64) = (60_000, 600_000);
/// Shares of very late, malformed and repeated lines, in millionths.
const VERY_LATE: u64 = 1_000;
const MALFORMED: u64 = 5_000;
const REPEATED: u64 = 2_000;
/// A line may be repeated as long as it is among so many newest.
const REMEMBERED: usize = 1_000;
const USERS: u64 = 50_000;

/// The generator: an endless iterator of lines without their line ends.
#[derive(Clone, Debug)]
pub struct Generator {
    config: GeneratorConfig,
    random: SplitMix,
    /// Share of products up to each one, in 2^64ths.
    popularity: Vec<u64>,
    count: u64,
    newest: VecDeque<String>,
}

impl Generator {
    /// A generator at its first event.
    pub fn new(config: GeneratorConfig) -> Generator {
        let products = config.products.max(1);
        let weights: Vec<f64> = (1..=products).map(|rank| 1.0 / rank as f64).collect();
        let total: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let popularity = weights.iter().map(|weight| {
            sum += weight / total;
            // the last one takes what rounding left
            (sum * 2f64.powi(64)) as u64
        });
        let popularity = popularity.collect();
        // events of another time are other events, with ids of their own
        let random = SplitMix(config.seed ^ SplitMix(config.start_ms as u64).next());
        Generator { config, random, popularity, count: 0, newest: VecDeque::new() }
    }

    /// Lines so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Appends the next line and its line end.
    pub fn line(&mut self, out: &mut Vec<u8>) {
        let line = self.next_line();
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }

    fn next_line(&mut self) -> String {
        let elapsed_ms = u128::from(self.count) * 1_000 / u128::from(self.config.rate.max(1));
        let now_ms = self.config.start_ms.saturating_add(i64::try_from(elapsed_ms).unwrap_or(i64::MAX));
        self.count += 1;
        let fate = self.random.below(1_000_000);
        if fate < REPEATED && !self.newest.is_empty() {
            let at = self.random.below(self.newest.len() as u64);
            return self.newest.get(at as usize).cloned().unwrap_or_default();
        }
        let event = self.event(now_ms, fate);
        if (REPEATED..REPEATED + MALFORMED).contains(&fate) {
            return self.malformed(&event);
        }
        let line = event.line();
        self.newest.push_back(line.clone());
        if self.newest.len() > REMEMBERED {
            self.newest.pop_front();
        }
        line
    }

    fn event(&mut self, now_ms: i64, fate: u64) -> Event {
        let behind_ms = if (REPEATED + MALFORMED..REPEATED + MALFORMED + VERY_LATE).contains(&fate) {
            VERY_LATE_MS.0 + self.random.below(VERY_LATE_MS.1 - VERY_LATE_MS.0)
        } else {
            self.random.below(OUT_OF_ORDER_MS)
        };
        let share = self.random.next();
        let rank = self.popularity.partition_point(|sum| *sum < share).min(self.popularity.len() - 1);
        // a product's own rate of clicks, between 1 % and 20 %
        let clicks = 10 + SplitMix(rank as u64 ^ self.config.seed).below(190);
        let is_click = self.random.below(1_000) < clicks;
        Event {
            id: (u128::from(self.random.next()) << 64) | u128::from(self.random.next()),
            product: rank + 1,
            user: 1 + self.random.below(USERS),
            is_click,
            time_ms: (now_ms - behind_ms as i64).max(0),
        }
    }

    /// A line that is no valid event, in one of the ways that lines are wrong.
    fn malformed(&mut self, event: &Event) -> String {
        let line = event.line();
        match self.random.below(6) {
            0 => line.get(..line.len() / 2).unwrap_or_default().to_owned(),
            1 => line.replacen(&event.uuid(), "", 1),
            2 => line.replacen("\"product_id\"", "\"product\"", 1),
            3 => line.replacen("\"event_type\":\"", "\"event_type\":\"re", 1),
            4 => line.replacen(&event.time_ms.to_string(), "\"now\"", 1),
            _ => line.replacen(&event.time_ms.to_string(), "-1", 1),
        }
    }
}

/// One event.
struct Event {
    id: u128,
    product: usize,
    user: u64,
    is_click: bool,
    time_ms: i64,
}

impl Event {
    /// The id as a UUID of version 4.
    fn uuid(&self) -> String {
        let id = (self.id & !(0xf << 76) & !(0b11 << 62)) | (0x4 << 76) | (0b10 << 62);
        let hex = format!("{id:032x}");
        let mut uuid = String::with_capacity(36);
        for (at, digit) in hex.chars().enumerate() {
            if matches!(at, 8 | 12 | 16 | 20) {
                uuid.push('-');
            }
            uuid.push(digit);
        }
        uuid
    }

    fn line(&self) -> String {
        let mut line = String::with_capacity(160);
        let kind = if self.is_click { "click" } else { "view" };
        write!(
            line,
            "{{\"event_id\":\"{}\",\"product_id\":\"product-{}\",\"user_id\":\"user-{}\",\"event_type\":\"{kind}\",\
             \"event_time\":{}}}",
            self.uuid(),
            self.product,
            self.user,
            self.time_ms
        )
        .expect("writing to a String does not fail");
        line
    }
}

/// A small generator of random numbers whose sequence never changes with a library's version (SplitMix64).
#[derive(Clone, Copy, Debug)]
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `bound`, which is at least 1.
    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(seed: u64, count: usize) -> Vec<String> {
        let config = GeneratorConfig { seed, start_ms: 1_700_000_000_000, rate: 1_000, products: 1_000 };
        let mut generator = Generator::new(config);
        (0..count).map(|_| generator.next_line()).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_lines() {
        assert_eq!(lines(7, 5_000), lines(7, 5_000));
        assert_ne!(lines(7, 100), lines(8, 100));
    }

    #[test]
    fn shares_are_about_what_is_said() {
        let lines = lines(1, 200_000);
        let first = lines.iter().filter(|line| line.contains("\"product-1\"")).count();
        let tenth = lines.iter().filter(|line| line.contains("\"product-10\"")).count();
        assert!((7..=13).contains(&(first / tenth)), "{first} {tenth}");
        let mut seen = std::collections::BTreeSet::new();
        let repeated = lines.iter().filter(|line| !seen.insert(line.as_str())).count();
        assert!((300..=500).contains(&repeated), "{repeated}");
        let broken = lines.iter().filter(|line| !line.ends_with('}')).count();
        assert!((100..=240).contains(&broken), "{broken}");
    }
}
