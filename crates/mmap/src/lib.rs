//! Map files into memory on every platform; faults are errors, not dead processes.
