//! Windows. Nothing is mapped yet: everything says that it cannot.

pub(crate) use super::none::{
    Mapping, boot_id, can_be_read, create_new, file_id, granularity, guard, is_locked_elsewhere, is_remote,
    keeps_reserved_space, lock, open, open_for_sweep, page_size, pid_namespace, process_start_of,
    rename_without_replacing, reserve, sync_directory, wait, wake, wall_ms,
};
