//! Removing old revisions, and what stands for them.

use super::*;

/// A store whose environment has revisions 1 to `count`, with their numbers as flags.
fn store_with(bed: &Bed, page: &Page, count: u32) -> Store {
    let store = bed.open();
    for flags in 1..=count {
        set(page, flags);
        persist(&store, page, &format!("change {flags}"));
    }
    store
}

fn breaches(store: &Store) -> Vec<String> {
    let verification = verify(store, None).unwrap();
    let breaches = verification.breaches.into_iter();
    breaches.map(|breach| breach.problem).collect()
}

#[test]
fn the_newest_stay_as_they_were() {
    let (bed, page) = (Bed::new(), page(0));
    let store = store_with(&bed, &page, 10);
    let before = history(&store, ENV, 99, None);
    let (removed, pruned) = try_prune(&store, ENV, 4).unwrap();
    assert_eq!((removed, pruned.kept, pruned.oldest), (6, 4, Some(7)));
    assert_eq!(history(&store, ENV, 99, None), before[..4]);
    assert_eq!(history(&store, ENV, 99, Some(7)), []);
    assert_eq!(effective(&store, ENV).unwrap().id, 10);
    let verification = verify(&store, None).unwrap();
    assert_eq!(verification.breaches, []);
    let chain = &verification.environments[0];
    assert_eq!(
        (chain.revisions, chain.pruned, chain.head),
        (4, 6, pruned.head)
    );

    // Nothing more has to go, so nothing is written.
    let again = try_prune(&store, ENV, 4).unwrap();
    assert_eq!((again.0, again.1.head), (0, pruned.head));
    let many = try_prune(&store, ENV, u32::MAX).unwrap();
    assert_eq!((many.0, many.1.kept), (0, 4));
    let nobody = try_prune(&store, "nobody", 1).unwrap();
    assert_eq!((nobody.0, nobody.1.kept, nobody.1.oldest), (0, 0, None));

    // Numbers go on.
    assert_eq!(persist(&store, &page, "").revision.id, 11);
    assert_eq!(breaches(&store), [""; 0]);
}

#[test]
fn the_state_in_effect_and_the_one_before_it_stay() {
    let (bed, page) = (Bed::new(), page(0));
    let store = store_with(&bed, &page, 6);
    // In effect is a copy of 3, before which 2 was.
    try_rollback(&store, &page, Some(3), None).unwrap();
    let (removed, pruned) = try_prune(&store, ENV, 1).unwrap();
    assert_eq!((removed, pruned.oldest), (1, Some(2)));
    let entry = try_rollback(&store, &page, None, None).unwrap();
    assert_eq!(entry.revision.restored_from, Some(2));
    assert_eq!(flags(&entry), 2);
    // Its parent was 1, which is gone.
    let error = try_rollback(&store, &page, None, None).unwrap_err();
    assert_eq!(code(&error), "ERR_REVISION_PRUNED");
    assert!(error.to_string().contains("up to 1 were pruned"), "{error}");

    // A slow old snapshot that never took effect is not the state in effect.
    let mut old = page.take_snapshot();
    old.ticket -= 1;
    for _ in 0..3 {
        ask(&store, persist_job(ENV, &page, old, "slow", None)).unwrap();
    }
    let current = effective(&store, ENV).unwrap();
    let (_, pruned) = try_prune(&store, ENV, 1).unwrap();
    assert_eq!(pruned.oldest, Some(current.id));
    assert_eq!(effective(&store, ENV).unwrap(), current);
    assert_eq!(breaches(&store), [""; 0]);
}

#[test]
fn what_was_pruned_is_named_when_somebody_asks_for_it() {
    let (bed, page) = (Bed::new(), page(0));
    let store = store_with(&bed, &page, 5);
    try_prune(&store, ENV, 2).unwrap();
    let compare = |from, to| {
        ask(&store, |reply| Job::Compare {
            environment: ENV.to_owned(),
            from,
            to,
            reply,
        })
    };
    for error in [
        try_rollback(&store, &page, Some(3), None).unwrap_err(),
        compare(3, 5).unwrap_err(),
        compare(5, 1).unwrap_err(),
    ] {
        assert_eq!(code(&error), "ERR_REVISION_PRUNED", "{error}");
    }
    for error in [
        try_rollback(&store, &page, Some(6), None).unwrap_err(),
        compare(4, 6).unwrap_err(),
    ] {
        assert_eq!(code(&error), "ERR_REVISION_NOT_FOUND", "{error}");
    }
}

#[test]
fn digests_from_before_and_after_a_pruning_are_in_the_chain() {
    let (bed, page) = (Bed::new(), page(0));
    let store = store_with(&bed, &page, 5);
    let digests: Vec<_> = history(&store, ENV, 9, None)
        .into_iter()
        .map(|entry| entry.revision.digest)
        .collect();
    let mut heads = vec![try_prune(&store, ENV, 3).unwrap().1.head];
    heads.push(persist(&store, &page, "").revision.digest);
    let mut all = [&digests[..], &heads].concat();
    for (age, digest) in digests.iter().enumerate() {
        // The last one that went is what the first one left is chained to.
        let is_known = verify(&store, Some(*digest)).unwrap().is_ok();
        assert_eq!(is_known, age <= 3);
    }
    for head in &heads {
        assert!(verify(&store, Some(*head)).unwrap().is_ok());
    }
    heads.push(try_prune(&store, ENV, 2).unwrap().1.head);
    heads.push(try_prune(&store, ENV, 1).unwrap().1.head);
    all.extend(&heads);
    all.push([9; 32]);
    for digest in all {
        let left = history(&store, ENV, 9, None)
            .iter()
            .any(|entry| entry.revision.digest == digest);
        let is_known = verify(&store, Some(digest)).unwrap().is_ok();
        assert!(is_known || !left);
    }
    assert!(verify(&store, Some(heads[3])).unwrap().is_ok());
    assert!(!verify(&store, Some([9; 32])).unwrap().is_ok());
}

/// Long histories go in several transactions, and others persist in between.
#[test]
fn persists_go_on_while_revisions_are_removed() {
    let bed = Bed::in_memory();
    let (store, page) = (bed.open(), page(0b1));
    persist_many(&store, &page, 12_000);
    let verifier = Arc::new(Verifier::new(ENV.to_owned(), None));
    verify_slice(&store, &verifier).unwrap();
    verify_slice(&store, &verifier).unwrap();
    let mut slices = 0;
    let pruned = loop {
        let progress = prune_slice(&store, ENV, 10).unwrap();
        slices += 1;
        assert_eq!(breaches(&store), [""; 0]);
        if let Some(pruned) = progress.outcome {
            break pruned;
        }
        assert!(progress.done < progress.total);
        persist(&store, &page, "meanwhile");
    };
    assert_eq!(slices, 3);
    assert_eq!((pruned.kept, pruned.oldest), (10, Some(11_993)));
    assert!(pruned.free_bytes > 500_000, "{} bytes", pruned.free_bytes);
    // A check that was under way begins again.
    let verification = loop {
        if let Some(verification) = verify_slice(&store, &verifier).unwrap().outcome {
            break verification;
        }
    };
    assert_eq!(
        (verification.breaches, verification.revisions),
        (vec![], 10)
    );
    let anchors = "SELECT count(*) FROM anchor";
    on_connection(&store, move |connection| {
        let count: i64 = connection.query_row(anchors, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 3);
    });
    // With what they are chained to, their anchors go.
    for _ in 0..10 {
        persist(&store, &page, "later");
    }
    try_prune(&store, ENV, 5).unwrap();
    on_connection(&store, move |connection| {
        let count: i64 = connection.query_row(anchors, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 1);
    });
    assert_eq!(breaches(&store), [""; 0]);
}

#[test]
fn a_broken_history_is_not_pruned_away() {
    for (sql, keep) in [
        ("UPDATE revision SET actor = 'somebody' WHERE id = 2", 3),
        ("DELETE FROM revision WHERE id = 1", 3),
        ("UPDATE anchor SET actor = 'somebody'", 1),
        ("UPDATE anchor SET start = zeroblob(32)", 1),
    ] {
        let bed = Bed::new();
        let page = page(0);
        let store = store_with(&bed, &page, 5);
        if sql.contains("anchor") {
            try_prune(&store, ENV, 4).unwrap();
            set(&page, 6);
            persist(&store, &page, "after");
            set(&page, 7);
            persist(&store, &page, "after");
        }
        drop(store);
        bed.wait_until_closed();
        assert_eq!(bed.outsider().execute(sql, []).unwrap(), 1);
        let store = bed.open();
        let before = history(&store, ENV, 99, None);
        let error = try_prune(&store, ENV, keep).unwrap_err();
        assert_eq!(code(&error), "ERR_HISTORY_BROKEN", "{sql}: {error}");
        assert_eq!(history(&store, ENV, 99, None), before);
        assert_ne!(breaches(&store), [""; 0]);
    }
}

/// Whatever is changed about an anchor, or taken away with it.
#[test]
fn edits_of_the_anchor_are_found() {
    for sql in [
        "UPDATE anchor SET after = after - 1",
        "UPDATE anchor SET after = after + 1",
        "UPDATE anchor SET removed = removed + 1",
        "UPDATE anchor SET last = last - 1",
        "UPDATE anchor SET start = zeroblob(32)",
        "UPDATE anchor SET record = zeroblob(13)",
        "UPDATE anchor SET rollouts = zeroblob(64)",
        "UPDATE anchor SET effective = effective - 1",
        "UPDATE anchor SET actor = 'somebody'",
        "UPDATE anchor SET created_at = created_at - 1",
        "UPDATE anchor SET digest = zeroblob(32)",
        "UPDATE anchor SET environment = 7",
        "DELETE FROM anchor",
        "DELETE FROM revision WHERE id = 3",
        "DELETE FROM revision WHERE id = 6",
        "UPDATE revision SET reason = 'x' WHERE id = 3",
        "UPDATE environment SET digest = (SELECT digest FROM revision WHERE id = 5) WHERE last = 5",
    ] {
        for persists_after in [0, 1] {
            let (bed, page) = (Bed::in_memory(), page(0));
            let store = store_with(&bed, &page, 5);
            try_prune(&store, ENV, 3).unwrap();
            for _ in 0..persists_after {
                persist(&store, &page, "after");
            }
            drop(store);
            bed.wait_until_closed();
            let outsider = bed.outsider();
            outsider.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
            let changed = outsider.execute(sql, []).unwrap();
            outsider.close().unwrap();
            // Opened without looking for the state in effect, which may be what was deleted.
            let store = Store::open(&bed.path(), Access::ReadWrite).unwrap();
            assert_eq!(breaches(&store).is_empty(), changed == 0, "{sql}");
        }
    }
}
