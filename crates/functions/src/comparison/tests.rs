//! The real engine's answers about comparisons and logic.

use crate::testing::check;

#[test]
fn comparisons_answer_as_the_real_engine() {
    check(include_str!("answers.txt"));
}
