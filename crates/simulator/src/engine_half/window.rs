//! What a 10-second tumbling window with a watermark 5 seconds behind makes of rows, computed plainly.

use std::collections::{BTreeMap, HashSet};

/// Length of a window.
const SIZE_MS: i64 = 10_000;
/// The watermark is this far behind the greatest event time.
const DELAY_MS: i64 = 5_000;

/// A line of an insert into the landing table.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Line {
    /// A row; the one without a product violates the constraint.
    Event(Event),
    /// No JSON.
    Garbage(String),
}

/// A row of the landing table.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Event {
    pub batch: u64,
    pub id: String,
    pub product: String,
    pub kind: &'static str,
    pub at_ms: i64,
}

/// What came out, each as the sorted lines that its table's query gives.
#[derive(Default, Debug)]
pub struct Outcome {
    results: BTreeMap<(i64, String), (u64, u64)>,
    pub late: Vec<String>,
    pub dead: Vec<String>,
    pub landed: Vec<String>,
}

impl Line {
    /// As it is sent.
    pub fn text(&self) -> String {
        match self {
            Line::Garbage(text) => text.clone(),
            Line::Event(Event { batch, id, product, kind, at_ms }) => {
                format!(r#"{{"batch":{batch},"event_id":"{id}","product":"{product}","kind":"{kind}","at":{at_ms}}}"#)
            }
        }
    }
}

impl Outcome {
    /// Of these lines, in the order of their commits.
    pub fn of<'a>(lines: impl Iterator<Item = &'a Line>) -> Outcome {
        let mut outcome = Outcome::default();
        let mut open: BTreeMap<i64, BTreeMap<String, (u64, u64)>> = BTreeMap::new();
        let mut seen = HashSet::new();
        let mut watermark = i64::MIN;
        for line in lines {
            let Line::Event(event) = line else {
                outcome.dead.push(format!("not_json\t{}", line.text()));
                continue;
            };
            if event.product.is_empty() {
                outcome.dead.push(format!("product\t{}", line.text()));
                continue;
            }
            outcome.landed.push(format!("{}\t{}", event.batch, event.id));
            if !seen.insert(event.id.clone()) {
                continue;
            }
            watermark = watermark.max(event.at_ms - DELAY_MS);
            let start = event.at_ms.div_euclid(SIZE_MS) * SIZE_MS;
            if start + SIZE_MS <= watermark {
                outcome.late.push(format!("{}\t{}\t{}\t{}", event.batch, event.id, event.kind, event.at_ms));
                continue;
            }
            let counts = open.entry(start).or_default().entry(event.product.clone()).or_default();
            match event.kind {
                "view" => counts.0 += 1,
                _ => counts.1 += 1,
            }
            let still_open = open.split_off(&(watermark - SIZE_MS + 1));
            for (start, products) in std::mem::replace(&mut open, still_open) {
                outcome.results.extend(products.into_iter().map(|(product, counts)| ((start, product), counts)));
            }
        }
        outcome.late.sort_unstable();
        outcome.dead.sort_unstable();
        outcome.landed.sort_unstable();
        outcome
    }

    /// Rows of closed windows, by start and product.
    pub fn results(&self) -> Vec<String> {
        let rows = self.results.iter();
        rows.map(|((start, product), (views, clicks))| format!("{start}\t{product}\t{views}\t{clicks}")).collect()
    }
}
