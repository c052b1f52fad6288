//! What each advice is called.

use super::system;
use crate::advice::Advice;

pub(super) fn advice(advice: Advice) -> Option<libc::c_int> {
    match advice {
        Advice::Normal => Some(libc::MADV_NORMAL),
        Advice::Random => Some(libc::MADV_RANDOM),
        Advice::Sequential => Some(libc::MADV_SEQUENTIAL),
        Advice::WillNeed => Some(libc::MADV_WILLNEED),
        other => system::advice(other),
    }
}
