//! A cache that is a file: shared by every process, warm after a crash.
