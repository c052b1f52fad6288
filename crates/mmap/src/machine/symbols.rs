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

/// A label that is seen by name.
macro_rules! mark {
    ($name:literal) => {
        concat!(
            ".globl ",
            $crate::machine::symbols::label!($name),
            "\n",
            $crate::machine::symbols::hidden!($name),
            "\n",
            $crate::machine::symbols::label!($name),
            ":\n"
        )
    };
}

/// A function whose instructions are in these files, one after the other.
macro_rules! routine {
    ($name:literal, $($file:literal),+) => {
        concat!(".p2align 5\n", $crate::machine::symbols::mark!($name), $(include_str!($file)),+)
    };
}

#[allow(unused_imports)] // `hidden` and `label` are for `mark`
pub(super) use {hidden, label, mark, routine, symbol};
