//! The patterns of `sequenceMatch`: `(?1)` an event meeting condition 1, `.` any event, `.*` any number of them,
//! `(?t<=60)` a bound on the time between its neighbours.

use super::Event;

/// Comparisons with the time between two events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Compare {
    Less,
    LessOrEqual,
    Equal,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Item {
    /// An event meeting the condition of that number, from 0.
    Condition(u32),
    Any,
    AnyNumber,
    Time(Compare, u64),
}

/// A parsed pattern.
pub(super) struct Pattern {
    items: Vec<Item>,
}

/// Steps of one search at most: nested `.*` could else take exponential time. ClickHouse stops there too.
const STEPS_MAX: u64 = 1_000_000;

impl Pattern {
    /// The pattern `text` over `conditions` conditions; an error says what was expected.
    pub fn parse(text: &str, conditions: usize) -> Result<Pattern, &'static str> {
        let mut items = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            rest = if let Some(after) = rest.strip_prefix("(?t") {
                let (inside, after) = after.split_once(')').ok_or("a closing parenthesis")?;
                items.push(time(inside)?);
                after
            } else if let Some(after) = rest.strip_prefix("(?") {
                let (inside, after) = after.split_once(')').ok_or("a closing parenthesis")?;
                match inside.parse::<u32>() {
                    Ok(number) if 0 < number && number as usize <= conditions => {
                        items.push(Item::Condition(number - 1))
                    }
                    _ => return Err("the number of a condition in (?N)"),
                }
                after
            } else if let Some(after) = rest.strip_prefix(".*") {
                items.push(Item::AnyNumber);
                after
            } else if let Some(after) = rest.strip_prefix('.') {
                items.push(Item::Any);
                after
            } else {
                return Err("(?N), (?t op seconds), . or .* in the pattern");
            };
        }
        Ok(Pattern { items })
    }

    /// The end (exclusive) of the match that begins at or after `from` and is found first, or `None`.
    pub fn find(&self, events: &[Event], from: usize) -> Option<usize> {
        let mut steps = 0;
        (from..events.len()).find_map(|start| self.matches(events, start, start, 0, &mut steps))
    }

    /// The end of a match of the items from `item` on at `at`; `before` is where the last matched event stands.
    fn matches(&self, events: &[Event], at: usize, before: usize, item: usize, steps: &mut u64) -> Option<usize> {
        *steps += 1;
        if *steps > STEPS_MAX {
            return None;
        }
        match self.items.get(item) {
            None => Some(at),
            Some(Item::Condition(number)) => {
                events.get(at).filter(|event| event.met >> number & 1 == 1)?;
                self.matches(events, at + 1, at, item + 1, steps)
            }
            Some(Item::Any) => {
                events.get(at)?;
                self.matches(events, at + 1, at, item + 1, steps)
            }
            Some(Item::AnyNumber) => (at..=events.len())
                .find_map(|next| self.matches(events, next, before.max(next.saturating_sub(1)), item + 1, steps)),
            Some(Item::Time(compare, seconds)) => {
                // events in between may be passed until the time fits
                let start = events.get(before)?.time;
                (at..events.len())
                    .filter(|next| holds(*compare, events[*next].time.abs_diff(start), *seconds))
                    .find_map(|next| self.matches(events, next, next, item + 1, steps))
            }
        }
    }
}

fn holds(compare: Compare, passed: u64, seconds: u64) -> bool {
    match compare {
        Compare::Less => passed < seconds,
        Compare::LessOrEqual => passed <= seconds,
        Compare::Equal => passed == seconds,
        Compare::Greater => passed > seconds,
        Compare::GreaterOrEqual => passed >= seconds,
    }
}

/// What stands between `(?t` and `)`.
fn time(text: &str) -> Result<Item, &'static str> {
    const OPERATORS: [(&str, Compare); 6] = [
        ("<=", Compare::LessOrEqual),
        (">=", Compare::GreaterOrEqual),
        ("==", Compare::Equal),
        ("=", Compare::Equal),
        ("<", Compare::Less),
        (">", Compare::Greater),
    ];
    OPERATORS
        .iter()
        .find_map(|(operator, compare)| Some((compare, text.strip_prefix(operator)?)))
        .and_then(|(compare, number)| Some(Item::Time(*compare, number.trim().parse().ok()?)))
        .ok_or("a comparison with seconds in (?t…)")
}
