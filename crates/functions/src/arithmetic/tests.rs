//! The real engine's answers about arithmetic.

use crate::testing::check;

#[test]
fn arithmetic_answers_as_the_real_engine() {
    check(include_str!("answers.txt"));
}
