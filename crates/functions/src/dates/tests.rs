//! The real engine's answers about dates and times.

use crate::testing::check;

#[test]
fn dates_answer_as_the_real_engine() {
    check(include_str!("answers.txt"));
}
