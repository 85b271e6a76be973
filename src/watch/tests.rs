use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::*;
use crate::page::{Arena, State, Units};

const PATIENCE: Duration = Duration::from_secs(20);

fn private_page() -> Page {
    let mut arena = Arena::default();
    let handle = arena.allocate(&State::with_flags(0), 0, true).unwrap();
    arena.page(handle).unwrap().clone()
}

struct Listening {
    page: Page,
    subscription: Subscription,
    delivery: Arc<Delivery>,
    lag: Arc<Lag>,
    told: Receiver<()>,
}

fn listen(page: &Page) -> Listening {
    let (sender, receiver) = channel();
    let mut delivery = None;
    let lag = Arc::<Lag>::default();
    let subscription = subscribe::<()>(page, &lag, |given| {
        delivery = Some(given);
        Ok(Box::new(move || sender.send(()).is_ok()))
    });
    page.sleepers().store(1, SeqCst);
    Listening {
        page: page.clone(),
        subscription: subscription.unwrap(),
        delivery: delivery.unwrap(),
        lag,
        told: receiver,
    }
}

impl Listening {
    /// As JavaScript does when it is called.
    fn look(&self) -> u32 {
        self.delivery.looking();
        self.page.sleepers().store(1, SeqCst);
        self.page.snapshot().state.flags.first_bank()
    }

    /// Looks after every message until it sees these flags.
    fn await_flags(&self, flags: u32) {
        loop {
            self.told.recv_timeout(PATIENCE).unwrap();
            if self.look() == flags {
                return;
            }
        }
    }
}

fn set(page: &Page, flags: u32) {
    page.change(&State::with_flags(flags), Units::ALL, page.contains())
        .unwrap();
    announce(page);
}

#[test]
fn the_last_of_many_changes_is_seen() {
    let page = private_page();
    let listener = listen(&page);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for flags in 1..=20_000 {
                set(&page, flags);
            }
        });
        listener.await_flags(20_000);
    });
}

#[test]
fn a_listener_that_has_not_looked_is_not_told_again_and_holds_up_nobody() {
    let page = private_page();
    let other_page = private_page();
    let first = listen(&page);
    let second = listen(&page);
    let third = listen(&other_page);
    for flags in 1..=50 {
        set(&page, flags);
        second.await_flags(flags);
    }
    assert_eq!(third.told.try_iter().count(), 0);
    set(&other_page, 1);
    third.await_flags(1);
    assert_eq!(first.told.try_iter().count(), 1);
    assert_eq!(first.look(), 50);
}

#[test]
fn while_nobody_has_looked_writers_need_not_tell() {
    let page = private_page();
    let listener = listen(&page);
    set(&page, 1);
    for flags in 2..1_000 {
        assert_eq!(page.sleepers().load(SeqCst), 0);
        set(&page, flags);
    }
    assert_eq!(listener.told.try_iter().count(), 1);
    listener.look();
    set(&page, 7);
    listener.await_flags(7);
}

#[test]
fn listeners_that_went_are_forgotten() {
    let page = private_page();
    let listens = || listeners().contains_key(&address(&page));
    let closed = listen(&page);
    let Listening {
        told, subscription, ..
    } = listen(&page);
    drop(closed.subscription);
    assert!(listens());
    // Its thread ended without closing the subscription.
    drop(told);
    set(&page, 1);
    assert!(!listens());
    drop(subscription);
}

#[test]
fn how_long_a_listener_was_not_called_is_taken_down() {
    const HELD_UP: Duration = Duration::from_millis(3);
    let page = private_page();
    let listener = listen(&page);
    let other = listen(&page);
    let first = std::time::Instant::now();
    set(&page, 1);
    let told = std::time::Instant::now();
    while told.elapsed() < HELD_UP {
        // Of several changes the first counts: it has waited longest. The other listener has each of them told.
        set(&page, 2);
        other.look();
    }
    listener.await_flags(2);
    let (lag, most) = (listener.lag.summary(), first.elapsed());
    assert_eq!(lag.count, 1);
    assert!(u128::from(lag.max) >= HELD_UP.as_nanos(), "{lag:?}");
    assert!(
        u128::from(lag.max) <= most.as_nanos(),
        "{lag:?} in {most:?}"
    );
}
