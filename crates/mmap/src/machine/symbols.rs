//! The names of the assembly's labels.
//!
//! They carry the version, so that two versions of this crate can be linked into one program.

macro_rules! symbol {
    ($name:literal) => {
        concat!(
            "samovar_mmap_",
            env!("CARGO_PKG_VERSION_MAJOR"),
            "_",
            env!("CARGO_PKG_VERSION_MINOR"),
            "_",
            env!("CARGO_PKG_VERSION_PATCH"),
            "_",
            $name
        )
    };
}

/// As the assembler sees it.
#[cfg(target_vendor = "apple")]
macro_rules! label {
    ($name:literal) => {
        concat!("_", $crate::machine::symbols::symbol!($name))
    };
}
#[cfg(not(target_vendor = "apple"))]
macro_rules! label {
    ($name:literal) => {
        $crate::machine::symbols::symbol!($name)
    };
}

/// On ELF the symbols are nobody's outside the library that they end up in.
#[cfg(any(target_vendor = "apple", windows))]
macro_rules! hidden {
    ($name:literal) => {
        ""
    };
}
#[cfg(not(any(target_vendor = "apple", windows)))]
macro_rules! hidden {
    ($name:literal) => {
        concat!(".hidden ", $crate::machine::symbols::label!($name))
    };
}

pub(super) use {hidden, label, symbol};
