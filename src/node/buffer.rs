//! Shares native memory with JavaScript as a real `SharedArrayBuffer`, or as an external `ArrayBuffer` where the
//! runtime cannot make the former.
//!
//! `node_api_create_external_sharedarraybuffer` is younger than the oldest runtimes this addon supports, so it is
//! looked up at run time (nodejs.org/api/n-api.html).

#![expect(
    unsafe_code,
    reason = "the runtime takes raw memory, and gives the owner back to a C callback"
)]

use std::ffi::{c_char, c_void};
use std::ptr;

use napi::bindgen_prelude::Unknown;
use napi::{Env, sys};
use once_cell::sync::Lazy;

use super::{Result, js_error};
use crate::error::Error;

/// Gets no env and may run on any thread, so it may do no more than drop the owner.
type SharedFinalizer = unsafe extern "C" fn(data: *mut c_void, hint: *mut c_void);

type CreateExternalSharedArrayBuffer = unsafe extern "C" fn(
    env: sys::napi_env,
    data: *mut c_void,
    byte_length: usize,
    finalize: SharedFinalizer,
    hint: *mut c_void,
    result: *mut sys::napi_value,
) -> sys::napi_status;

static CREATE_SHARED: Lazy<Option<CreateExternalSharedArrayBuffer>> = Lazy::new(|| {
    let symbol = find_symbol(c"node_api_create_external_sharedarraybuffer".as_ptr());
    // SAFETY: a function of this name has this signature, by Node-API's documentation; null becomes `None`.
    unsafe { std::mem::transmute::<*mut c_void, Option<CreateExternalSharedArrayBuffer>>(symbol) }
});

#[cfg(unix)]
fn find_symbol(name: *const c_char) -> *mut c_void {
    // SAFETY: `name` is a C string; the default handle searches what the process has loaded.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name) }
}

#[cfg(windows)]
fn find_symbol(name: *const c_char) -> *mut c_void {
    use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};

    // SAFETY: null asks for the program itself, which is never unloaded.
    let program = unsafe { GetModuleHandleW(ptr::null()) };
    // SAFETY: `name` is a C string.
    let found = unsafe { GetProcAddress(program, name.cast()) };
    found.map_or(ptr::null_mut(), |function| function as *mut c_void)
}

/// Whether [`share`] gives a real `SharedArrayBuffer` in this runtime.
pub fn is_shared() -> bool {
    CREATE_SHARED.is_some()
}

/// A buffer over `length` bytes at `start`. It holds `owner` until the last thread drops it.
///
/// # Safety
///
/// `owner` must keep those bytes allocated at that address.
pub unsafe fn share<T: Send + Sync>(
    env: &Env,
    start: *mut u8,
    length: usize,
    owner: T,
) -> Result<Unknown<'_>> {
    let hint = Box::into_raw(Box::new(owner)).cast::<c_void>();
    let mut value = ptr::null_mut();
    let status = if let Some(create) = *CREATE_SHARED {
        // SAFETY: `env` is live during a call from JavaScript; the caller vouches for the bytes; the finalizer
        // takes `hint` back once.
        unsafe {
            create(
                env.raw(),
                start.cast(),
                length,
                drop_shared::<T>,
                hint,
                &raw mut value,
            )
        }
    } else {
        // SAFETY: as above.
        unsafe {
            sys::napi_create_external_arraybuffer(
                env.raw(),
                start.cast(),
                length,
                Some(drop_external::<T>),
                hint,
                &raw mut value,
            )
        }
    };
    if status != sys::Status::napi_ok {
        // SAFETY: on failure the runtime did not take `hint`.
        drop(unsafe { Box::from_raw(hint.cast::<T>()) });
        return Err(js_error(&match status {
            sys::Status::napi_no_external_buffers_allowed => Error::OutsideBuffers,
            _ => Error::Runtime {
                operation: "share native memory",
                detail: napi::Status::from(status).to_string(),
            },
        }));
    }
    // SAFETY: on success `value` is a value of this env, in the scope of the current call.
    Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), value) })
}

unsafe extern "C" fn drop_shared<T>(_data: *mut c_void, hint: *mut c_void) {
    // SAFETY: `hint` came from `Box::into_raw` in `share`, and the runtime calls a finalizer once.
    drop(unsafe { Box::from_raw(hint.cast::<T>()) });
}

unsafe extern "C" fn drop_external<T>(_env: sys::napi_env, _data: *mut c_void, hint: *mut c_void) {
    // SAFETY: as in `drop_shared`.
    drop(unsafe { Box::from_raw(hint.cast::<T>()) });
}
