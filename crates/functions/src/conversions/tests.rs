//! The real engine's answers about conversions.

use crate::testing::check;

#[test]
fn conversions_answer_as_the_real_engine() {
    check(include_str!("answers.txt"));
}
