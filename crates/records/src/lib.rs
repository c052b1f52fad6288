//! Fixed-size typed records in a mapped file, seen as a slice.
