//! Listening to pages.

use std::sync::Arc;

use napi::Status;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::ThreadsafeFunctionCallMode::NonBlocking;
use napi_derive::napi;

use super::distribution::NativeLag;
use super::page::page;
use super::{Result, runtime_error};
use crate::error::Error;
use crate::page::{Doorbell, Page};
use crate::watch::{self, Delivery, Subscription};

/// Listening to a page, until closed.
#[napi]
pub struct NativeSubscription {
    subscription: Option<Subscription>,
    page: Page,
    doorbell: Option<Doorbell>,
}

#[napi]
impl NativeSubscription {
    /// Where to listen for other processes, which connect there and send the moment of each change, see
    /// [`NativeLag::note`]. Any earlier doorbell is removed. `null` for a page that no other process sees.
    #[napi(catch_unwind)]
    pub fn doorbell(&mut self) -> Result<Option<String>> {
        self.doorbell = None;
        let Some(doorbell) = self.page.put_up_doorbell()? else {
            return Ok(None);
        };
        let path = doorbell.address()?.into_os_string();
        let address = path.into_string().map_err(|path| Error::LiveFile {
            path: path.into(),
            source: std::io::ErrorKind::InvalidFilename.into(),
        })?;
        self.doorbell = Some(doorbell);
        Ok(Some(address))
    }

    /// Lets other processes find the doorbell, now that connections to its address are accepted.
    #[napi(catch_unwind)]
    pub fn publish_doorbell(&mut self) -> Result<()> {
        if let Some(doorbell) = &mut self.doorbell {
            doorbell.publish()?;
        }
        Ok(())
    }

    /// Whether other processes still find the doorbell. Throws when this process cannot tell.
    #[napi(catch_unwind)]
    pub fn is_doorbell_up(&self) -> Result<bool> {
        match &self.doorbell {
            Some(doorbell) => Ok(doorbell.is_up()?),
            None => Ok(false),
        }
    }

    /// Ends it. A call that is under way may still come.
    #[napi(catch_unwind)]
    pub fn close(&mut self) {
        self.subscription = None;
        self.doorbell = None;
    }
}

/// Calls `listener` on this thread after a change of the page that this process made, if a listener has asked for it.
/// Changes that come before the call are one. `lag` gets how long the call takes. Does not keep the process running.
#[napi(catch_unwind)]
pub fn watch_page(
    handle: u32,
    listener: Function<'_, (), ()>,
    lag: &NativeLag,
) -> Result<NativeSubscription> {
    let page = page(handle)?;
    let subscription = watch::subscribe(&page, lag.lag(), |delivery: Arc<Delivery>| {
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
        page,
        doorbell: None,
    })
}

/// Notifies the listeners of the page. The caller has counted a change and reset the mark of the sleepers.
#[napi(catch_unwind)]
pub fn wake_page(handle: u32) -> Result<()> {
    watch::wake(&page(handle)?);
    Ok(())
}
