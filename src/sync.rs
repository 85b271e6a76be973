//! Locking.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. What the mutexes of this crate guard is whole between any two statements, so a panic elsewhere spoils nothing.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
