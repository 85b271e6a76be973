//! Listening to pages.

use std::sync::Arc;

use napi::Status;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::ThreadsafeFunctionCallMode::NonBlocking;
use napi_derive::napi;

use super::page::page;
use super::{Result, js_error, runtime_error};
use crate::watch::{self, Delivery, Subscription};

/// Listening to a page, until closed.
#[napi]
pub struct NativeSubscription {
    subscription: Option<Subscription>,
}

#[napi]
impl NativeSubscription {
    /// Ends it. A call that is under way may still come.
    #[napi(catch_unwind)]
    pub fn close(&mut self) {
        self.subscription = None;
    }
}

/// Calls `listener` on this thread after each change of the page, whoever made it. Changes that come before the
/// call are one. Does not keep the process running.
#[napi(catch_unwind)]
pub fn watch_page(handle: u32, listener: Function<'_, (), ()>) -> Result<NativeSubscription> {
    let page = page(handle).map_err(|error| js_error(&error))?;
    let subscription = watch::subscribe(&page, |delivery: Arc<Delivery>| {
        let call = listener
            .build_threadsafe_function::<()>()
            // A strong one would keep the process running.
            .weak::<true>()
            .callee_handled::<false>()
            .build_callback(move |_| {
                delivery.looking();
                Ok(())
            })
            .map_err(runtime_error("call a listener from another thread"))?;
        let notify = move || call.call((), NonBlocking) == Status::Ok;
        Ok::<_, napi::Error<_>>(Box::new(notify) as Box<dyn Fn() -> bool + Send + Sync>)
    })?;
    Ok(NativeSubscription {
        subscription: Some(subscription),
    })
}

/// Wakes those who listen to the page. The caller has counted a change and taken the mark of the sleepers.
#[napi(catch_unwind)]
pub fn wake_page(handle: u32) -> Result<()> {
    page(handle)
        .map(|page| watch::wake(&page))
        .map_err(|error| js_error(&error))
}
