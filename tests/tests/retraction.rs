//! Laws 4 and 5: what is taken back leaves no trace; a corrected log equals one that was never wrong.

use driftline_schema::event::{Branch, Control, ControlAction, Event, Vote};
use driftline_schema::{AuthorId, CommitId, ControlId, Verdict};
use driftline_testkit::history::Project;
use driftline_testkit::lab::{Lab, Way};

const WAY: Way = Way { workers: 2, records_per_binding: 5 };

fn commit(event: &Event) -> CommitId {
    event.change.as_ref().expect("histories hold changes").commit
}

/// A branch move; the same with nothing withdrawn says nothing, and keeps every later record at its position.
fn branch(repository: &str, withdrawn: Vec<CommitId>) -> Event {
    Event::of_branch(repository, Branch { name: "main".into(), commit: None, withdrawn, time: 1_500_000_000 })
}

fn digests(events: &[Event]) -> std::collections::BTreeMap<&'static str, String> {
    let lab = Lab::new(1);
    lab.append(events);
    lab.digests(WAY).parts()
}

#[test]
fn a_force_push_leaves_the_state_of_a_log_without_the_commits() {
    let history = Project::history("p", 11, 60);
    let gone: Vec<CommitId> = history[50..].iter().map(commit).collect();
    let mut corrected = history.clone();
    corrected.push(branch("p", gone));
    let mut never_wrong = history[..50].to_vec();
    never_wrong.extend((0..11).map(|_| branch("p", vec![])));
    assert_eq!(digests(&corrected), digests(&never_wrong));
}

#[test]
fn the_time_of_a_branch_move_is_that_of_a_commit_which_may_go_and_advances_no_clock() {
    let history = Project::history("p", 15, 60);
    let moved = |time| {
        let mut events = history.clone();
        events.push(Event::of_branch("p", Branch { name: "main".into(), commit: None, withdrawn: vec![], time }));
        digests(&events)
    };
    let last = history.last().and_then(|event| event.change.as_ref()).expect("a change").commit_time;
    assert_eq!(moved(last + 400 * 86_400), moved(last));
}

#[test]
fn withdrawing_from_the_middle_of_history_repeats_what_follows() {
    let history = Project::history("p", 12, 60);
    let mut corrected = history.clone();
    corrected.push(branch("p", vec![commit(&history[20])]));
    let mut never_wrong = history.clone();
    never_wrong[20] = branch("p", vec![]);
    never_wrong.push(branch("p", vec![]));
    assert_eq!(digests(&corrected), digests(&never_wrong));
}

#[test]
fn an_erased_author_leaves_the_state_of_a_log_without_them() {
    let history = Project::history("p", 13, 60);
    let author = AuthorId([3; 16]);
    let erase =
        |author| Event::of_control(Control { id: ControlId::of("erase", 1), action: ControlAction::Erase { author } });
    let mut erased = history.clone();
    erased.push(erase(author));
    let mut without: Vec<Event> = history
        .iter()
        .map(|event| {
            let theirs = event.change.as_ref().is_some_and(|change| change.author == author);
            if theirs { branch("p", vec![]) } else { event.clone() }
        })
        .collect();
    assert!(without.iter().zip(&history).any(|(new, old)| new != old), "the author wrote something");
    without.push(erase(AuthorId([99; 16])));
    let (mut erased, mut without) = (digests(&erased), digests(&without));
    // The two control records name different people, which is all that may differ.
    erased.remove("controls");
    without.remove("controls");
    assert_eq!(erased, without);
}

#[test]
fn a_vote_that_is_taken_back_was_never_cast() {
    let history = Project::history("p", 14, 40);
    let vote = |retract, verdict| {
        let voter = AuthorId([9; 16]);
        let commit = commit(&history[5]);
        Event::of_vote("p", Vote { commit, voter, verdict, weight: 2, time: 1_500_000_000, retract })
    };
    let mut taken_back = history.clone();
    taken_back.extend([vote(false, Verdict::Defective), vote(true, Verdict::Defective)]);
    let mut never = history.clone();
    never.extend([branch("p", vec![]), branch("p", vec![])]);
    assert_eq!(digests(&taken_back), digests(&never));
    let mut cast = history.clone();
    cast.extend([vote(false, Verdict::Defective), branch("p", vec![])]);
    assert_ne!(digests(&cast), digests(&never), "a live vote is seen");
}

#[test]
fn a_commit_that_comes_twice_counts_once() {
    let history = Project::history("p", 15, 40);
    let mut twice = history.clone();
    twice.extend_from_slice(&history[30..]);
    let mut once = history.clone();
    once.extend((30..40).map(|_| branch("p", vec![])));
    assert_eq!(digests(&twice), digests(&once));
}
