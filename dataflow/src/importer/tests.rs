//! Cuts at fixed numbers, and repositories in trouble beside others that are not.

use super::*;

#[test]
fn cuts_are_due_at_fixed_numbers_of_changes() {
    let schedule = Schedule::new(&TrainingConfig::default());
    let due: Vec<u64> = (0..2_100).filter(|changes| schedule.due(*changes)).collect();
    assert_eq!(due, vec![200, 500, 1_000, 1_500, 2_000]);
    for changes in 0..2_100 {
        assert_eq!(schedule.cuts(changes), due.iter().filter(|at| **at <= changes).count() as u64, "{changes}");
    }
}
