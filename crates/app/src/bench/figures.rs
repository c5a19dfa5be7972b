//! What was measured, and how it is shown: medians with their spread, beside the peer's.

use std::fmt::Write;

use engine::Env;

/// Time since some moment.
pub(super) struct Stopwatch<'a> {
    env: &'a Env,
    started_ns: u64,
}

impl Stopwatch<'_> {
    /// From now on.
    pub(super) fn start(env: &Env) -> Stopwatch<'_> {
        Stopwatch { env, started_ns: env.clock.monotonic_ns() }
    }

    pub(super) fn seconds(&self) -> f64 {
        self.env.clock.monotonic_ns().saturating_sub(self.started_ns) as f64 / 1e9
    }
}

/// Values of one figure, one a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples(Vec<f64>);

impl Samples {
    pub(super) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(super) fn extend(&mut self, values: impl IntoIterator<Item = f64>) {
        self.0.extend(values);
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// The value below which such a share of all lies.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let sorted = self.sorted();
        let at = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
        sorted.get(at).copied().unwrap_or(f64::NAN)
    }

    fn text(&self) -> String {
        let (low, high) = (self.quantile(0.0), self.quantile(1.0));
        format!("{} ({} – {})", number(self.quantile(0.5)), number(low), number(high))
    }
}

/// Three significant digits or so, thousands apart.
fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => "–".to_owned(),
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => {
            let digits = format!("{value:.0}");
            let mut text = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at).is_multiple_of(3) {
                    text.push(',');
                }
                text.push(digit);
            }
            text
        }
    }
}

/// Which way is better.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Better {
    More,
    Less,
}

/// One line of the report.
pub(super) struct Figure {
    name: String,
    unit: &'static str,
    better: Better,
    ours: Samples,
    /// None where the peer has nothing like it.
    peer: Option<Samples>,
    /// Of what: input, connections, transport.
    note: String,
}

impl Figure {
    /// A figure that only we have.
    pub(super) fn new(name: &str, unit: &'static str, better: Better, ours: Samples) -> Figure {
        Figure { name: name.to_owned(), unit, better, ours, peer: None, note: String::new() }
    }

    /// With the peer's beside it.
    #[must_use]
    pub(super) fn beside(mut self, peer: Samples) -> Figure {
        self.peer = Some(peer);
        self
    }

    /// Of what it is.
    #[must_use]
    pub(super) fn noted(mut self, note: impl Into<String>) -> Figure {
        self.note = note.into();
        self
    }

    /// How many times better ours is, by medians.
    fn ratio(&self) -> Option<f64> {
        let peer = self.peer.as_ref()?.quantile(0.5);
        let ours = self.ours.quantile(0.5);
        Some(if self.better == Better::More { ours / peer } else { peer / ours })
    }
}

/// The figures as a table.
pub(super) fn table(figures: &[Figure], peer: &str) -> String {
    let peer = format!("ClickHouse {peer}");
    let mut text = String::new();
    let mut line = |name: &str, ours: &str, theirs: &str, ratio: &str, note: &str| {
        let line = format!("{name:<54} {ours:>32} {theirs:>32} {ratio:>10}  {note}");
        // writing to a String does not fail
        let _ = writeln!(text, "{}", line.trim_end());
    };
    line("median (smallest – largest)", "Everview", &peer, "better by", "");
    for figure in figures {
        let theirs = figure.peer.as_ref().map_or_else(|| "–".to_owned(), Samples::text);
        let ratio = figure.ratio().map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}×"));
        line(&format!("{}, {}", figure.name, figure.unit), &figure.ours.text(), &theirs, &ratio, &figure.note);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let samples = Samples(vec![3.0, 1.0, 2.0, 5.0, 4.0]);
        assert_eq!((samples.quantile(0.0), samples.quantile(0.5), samples.quantile(1.0)), (1.0, 3.0, 5.0));
        assert!(Samples::default().quantile(0.5).is_nan());
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([1.234, 12.34, 1234567.8].map(number), ["1.23", "12.3", "1,234,568"]);
    }

    #[test]
    fn less_time_and_more_rows_are_both_better() {
        let of = |value: f64| Samples(vec![value]);
        let figure = |better, ours, peer| Figure::new("", "", better, of(ours)).beside(of(peer));
        assert_eq!(figure(Better::More, 4.0, 2.0).ratio(), Some(2.0));
        assert_eq!(figure(Better::Less, 1.0, 2.0).ratio(), Some(2.0));
    }
}
