//! How the result of a call of the system is read, and the sizes of pages.

use std::io;
use std::sync::OnceLock;
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};

/// What a call that answers 0 for a failure says.
pub(super) fn check(outcome: i32) -> io::Result<()> {
    if outcome == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

struct Sizes {
    page: usize,
    granularity: u64,
}

fn sizes() -> &'static Sizes {
    static SIZES: OnceLock<Sizes> = OnceLock::new();
    SIZES.get_or_init(|| {
        let mut info = SYSTEM_INFO::default();
        // SAFETY: there is room for the answer.
        unsafe { GetSystemInfo(&raw mut info) };
        Sizes {
            page: usize::try_from(info.dwPageSize).unwrap_or(1 << 12),
            granularity: info.dwAllocationGranularity.into(),
        }
    })
}

/// Maps begin at multiples of this.
pub(crate) fn granularity() -> u64 {
    sizes().granularity
}

/// Bytes of a page.
pub(crate) fn page_size() -> usize {
    sizes().page
}
