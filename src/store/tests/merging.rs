//! Several live states on one database: nobody's change is undone by somebody else's persist.

use std::time::{Duration, Instant};

use super::*;
use crate::store::rows::revision::Kind;

#[test]
fn a_program_keeps_what_others_changed_and_its_own() {
    let bed = Bed::new();
    let (store, program) = (bed.open(), page(0b0001));
    persist(&store, &program, "start");
    // A command of another process, with a live state of its own.
    let command = page(0b0001);
    command.change(&state(0b0001), Units::NONE, 1).unwrap();
    try_apply(&store, &command, (state(0b0010), 0b0010), None).unwrap();
    assert_eq!(command.snapshot().state, state(0b0011));

    set(&program, 0b0101);
    let entry = persist(&store, &program, "deploy");
    assert_eq!(flags(&entry), 0b0111);
    // It is blamed for its own change alone, and has the other one from now on.
    assert_eq!(entry.revision.delta, Some(Units::of_first_bank(0b0100)));
    assert_eq!(
        (program.snapshot().state, program.contains()),
        (state(0b0111), 3)
    );
    assert!(program.is_persisted());

    // What it changes back afterwards is its own again.
    set(&program, 0b0101);
    let entry = persist(&store, &program, "");
    assert_eq!(entry.revision.delta, Some(Units::of_first_bank(0b0010)));
}

#[test]
fn a_flip_that_nobody_persisted_wins_over_an_earlier_commit_of_another_page() {
    let bed = Bed::new();
    let (store, program) = (bed.open(), page(0));
    persist(&store, &program, "");
    set(&program, 0b1);
    let other = page(0);
    other.change(&state(0), Units::NONE, 1).unwrap();
    let mut given = state(0);
    given.rollouts[0] = 500;
    try_apply(&store, &other, (given, 0b1), None).unwrap();
    // The switch and the rollout of a feature are one unit.
    let entry = persist(&store, &program, "");
    assert_eq!(entry.revision.state, state(0b1));
    assert_eq!(program.snapshot().state, state(0b1));
}

#[test]
fn commits_name_what_they_set_even_if_it_was_so_already() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b1));
    persist(&store, &page, "");
    let commit = try_apply(&store, &page, (state(0b11), 0b11), None).unwrap();
    assert_eq!(commit.revision.kind, Kind::Commit);
    assert_eq!(
        commit.revision.delta,
        Some(Units::with_terminal(Bits::of_first_bank(0b11)))
    );
    assert_eq!((commit.revision.ticket, page.contains()), (0, 2));
}

#[test]
fn a_live_state_whose_base_was_pruned_has_to_be_loaded_before_it_persists() {
    let bed = Bed::new();
    let (store, idle, busy) = (bed.open(), page(0), page(0));
    persist(&store, &idle, "");
    for flags in 1..5 {
        set(&busy, flags);
        persist(&store, &busy, "");
    }
    try_prune(&store, ENV, 1).unwrap();
    set(&idle, 0b1000);
    let error = ask(
        &store,
        persist_job(ENV, &idle, idle.take_snapshot(), "", None),
    )
    .unwrap_err();
    assert_eq!(code(&error), "ERR_BASE_PRUNED");
    assert!(
        error.to_string().contains("revision 1 of production"),
        "{error}"
    );
    load(&store, ENV, &idle).unwrap();
    set(&idle, 0b1100);
    assert_eq!(flags(&persist(&store, &idle, "")), 0b1100);
}

#[test]
fn who_prunes_takes_over_what_others_persisted_first() {
    let bed = Bed::new();
    let (store, idle, busy) = (bed.open(), page(0), page(0));
    persist(&store, &idle, "");
    busy.change(&state(0), Units::NONE, 1).unwrap();
    for flags in 1..5 {
        set(&busy, flags);
        persist(&store, &busy, "");
    }
    set(&idle, 0b1000);
    ask(&store, |reply| Job::Prune {
        prune: Prune {
            environment: ENV.to_owned(),
            page: idle.clone(),
            keep: 1,
            actor: "cleaner".to_owned(),
        },
        reply,
    })
    .unwrap();
    assert_eq!(flags(&persist(&store, &idle, "")), 0b1100);
}

#[test]
fn what_others_persisted_is_put_on_where_nothing_new_is_to_be_persisted() {
    let bed = Bed::new();
    let (store, program, other) = (bed.open(), page(0), page(0));
    persist(&store, &program, "");
    other.change(&state(0), Units::NONE, 1).unwrap();
    try_apply(&store, &other, (state(0b10), 0b10), None).unwrap();
    let job = |reply| {
        Job::Persist(Persist {
            environment: ENV.to_owned(),
            page: program.clone(),
            snapshot: program.take_snapshot().into(),
            reason: String::new(),
            actor: String::new(),
            unless_same: true,
            if_revision: None,
            reply,
        })
    };
    let answer = ask(&store, job).unwrap().value;
    assert_eq!(answer.revision.id, 2, "nothing was written");
    assert_eq!(program.snapshot().state, state(0b10));
}

#[test]
fn edits_set_single_units_and_leave_the_rest_as_it_is_in_effect() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b001));
    let mut before = state(0b001);
    before.rollouts[1] = 500;
    page.change(&before, Units::ALL, 0).unwrap();
    persist(&store, &page, "");
    set(&page, 0b111);
    let edits = Edits {
        on: Bits::of_first_bank(0b010),
        off: Bits::of_first_bank(0b001),
        rollouts: vec![(3, 70)],
        terminal: None,
    };
    let entry = try_restore(&store, ENV, &page, Source::Edits(edits), None).unwrap();
    assert_eq!((entry.revision.kind, flags(&entry)), (Kind::Commit, 0b010));
    assert_eq!(entry.revision.delta, Some(Units::of_first_bank(0b1011)));
    let live = page.snapshot().state;
    assert_eq!(live.flags.first_bank(), 0b110);
    // Only the switch of feature 1 was set.
    assert_eq!(live.rollouts[..4], [10_000, 10_000, 10_000, 70]);
    // Also where that is so already.
    let edits = Edits {
        on: Bits::of_first_bank(0b010),
        ..Edits::default()
    };
    let again = try_restore(&store, ENV, &page, Source::Edits(edits), None).unwrap();
    assert_eq!(
        (again.revision.id, again.revision.delta),
        (3, Some(Units::of_first_bank(0b10)))
    );
}

#[test]
fn an_edit_of_half_a_feature_leaves_the_other_half_as_it_is_live() {
    let bed = Bed::new();
    let (store, page, other) = (bed.open(), page(0), page(0));
    persist(&store, &page, "");
    // Neither flip is persisted.
    let mut live = state(0b01);
    live.rollouts[1] = 500;
    page.change(&live, Units::ALL, 1).unwrap();
    // Nor is what another page persists meanwhile in the live state.
    other.change(&state(0), Units::NONE, 1).unwrap();
    set(&other, 0b100);
    persist(&store, &other, "");
    let edits = Edits {
        on: Bits::of_first_bank(0b10),
        rollouts: vec![(0, 70)],
        ..Edits::default()
    };
    let entry = try_restore(&store, ENV, &page, Source::Edits(edits), None).unwrap();
    assert_eq!(flags(&entry), 0b110);
    assert_eq!(entry.revision.state.rollouts[..2], [70, 10_000]);
    let live = page.snapshot();
    assert_eq!(live.state.flags.first_bank(), 0b111);
    assert_eq!(live.state.rollouts[..2], [70, 500]);
    assert_eq!(live.contains, 3);
    // They are the page's own changes, which its next snapshot persists.
    let entry = persist(&store, &page, "");
    assert_eq!(entry.revision.delta, Some(Units::of_first_bank(0b11)));
    assert_eq!(flags(&entry), 0b111);
}

#[test]
fn a_page_that_follows_has_what_others_persist_and_keeps_its_own() {
    let bed = Bed::new();
    let (store, other) = (bed.open(), page(0));
    let mut arena = Arena::default();
    let handle = arena.allocate(&state(0), 0, true).unwrap();
    let follower = arena.page(handle).unwrap().clone();
    store.follow(ENV, &follower).unwrap();
    // A snapshot has a change before all of its words are set.
    let until = |flags, contains| {
        let started = Instant::now();
        while follower.snapshot().state.flags.first_bank() != flags
            || follower.contains() != contains
        {
            assert!(started.elapsed() < Duration::from_secs(20));
            std::thread::yield_now();
        }
    };
    set(&other, 0b001);
    persist(&store, &other, "");
    until(0b001, 1);
    // What it has changed itself stays.
    set(&follower, 0b011);
    let edits = Edits {
        on: Bits::of_first_bank(0b100),
        ..Edits::default()
    };
    try_restore(&store, ENV, &other, Source::Edits(edits), None).unwrap();
    until(0b111, 2);
    // Its own flip is not persisted.
    let entry = persist(&store, &follower, "");
    assert_eq!(entry.revision.delta, Some(Units::of_first_bank(0b10)));
    // It ends with its last user.
    arena.release(handle).unwrap();
    drop(follower);
    persist(&store, &other, "");
    let next = arena.allocate(&state(0), 0, true).unwrap();
    persist(&store, &other, "");
    assert_eq!(arena.page(next).unwrap().snapshot().state, state(0));
}
