//! The real engine's answers about functions over numbers.

use crate::testing::check;

#[test]
fn numbers_answer_as_the_real_engine() {
    check(include_str!("answers.txt"));
}
