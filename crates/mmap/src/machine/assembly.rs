//! What the assembly of all processors shares: how its functions return, where a fault leaves to, and the names of its
//! labels.
//!
//! The names carry the version, so that two versions of this crate can be linked into one program.

use super::terms::Unreachable;

/// What a function returns in the first register's lower half.
pub(super) const DONE: u32 = 0;
pub(super) const DIFFERENT: u32 = 1;
pub(super) const FAULT: u32 = 2;

/// Eight bytes in the first register, and in the second 0 or the address of a fault.
#[repr(C)]
pub(super) struct Loaded {
    value: u64,
    address: usize,
}

impl Loaded {
    #[inline(always)]
    pub(super) fn bytes(self) -> Result<[u8; 8], Unreachable> {
        if self.address == 0 { Ok(self.value.to_le_bytes()) } else { Err(Unreachable(self.address)) }
    }
}

/// One of the constants in the first register, and in the second the address of a fault (else anything).
#[repr(C)]
pub(super) struct Outcome {
    code: u32,
    address: usize,
}

impl Outcome {
    #[inline(always)]
    pub(super) fn done(self) -> Result<(), Unreachable> {
        if self.code == DONE { Ok(()) } else { Err(Unreachable(self.address)) }
    }

    #[inline(always)]
    pub(super) fn equal(self) -> Result<bool, Unreachable> {
        match self.code {
            DONE => Ok(true),
            DIFFERENT => Ok(false),
            FAULT.. => Err(Unreachable(self.address)),
        }
    }
}

unsafe extern "C" {
    #[link_name = symbol!("asm_start")]
    static ASM_START: u8;
    #[link_name = symbol!("asm_fault")]
    static ASM_FAULT: u8;
    #[link_name = symbol!("asm_end")]
    static ASM_END: u8;
}

/// Whether a fault leaves by an exit of its own.
pub(crate) const HAS_EXITS: bool = true;

/// Where a fault at this instruction leaves to, if it is one of ours. The address of the fault has to be in the second of the
/// registers that return values.
pub(crate) fn error_exit(pc: usize) -> Option<usize> {
    let code = (&raw const ASM_START).addr()..(&raw const ASM_END).addr();
    code.contains(&pc).then(|| (&raw const ASM_FAULT).addr())
}

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
        concat!("_", $crate::machine::assembly::symbol!($name))
    };
}
#[cfg(not(target_vendor = "apple"))]
macro_rules! label {
    ($name:literal) => {
        $crate::machine::assembly::symbol!($name)
    };
}

/// On ELF the symbols are hidden: no other library sees them.
#[cfg(any(target_vendor = "apple", windows))]
macro_rules! hidden {
    ($name:literal) => {
        ""
    };
}
#[cfg(not(any(target_vendor = "apple", windows)))]
macro_rules! hidden {
    ($name:literal) => {
        concat!(".hidden ", $crate::machine::assembly::label!($name))
    };
}

/// A label that is seen by name.
macro_rules! mark {
    ($name:literal) => {
        concat!(
            ".globl ",
            $crate::machine::assembly::label!($name),
            "\n",
            $crate::machine::assembly::hidden!($name),
            "\n",
            $crate::machine::assembly::label!($name),
            ":\n"
        )
    };
}

/// A function whose instructions are in these files, one after the other.
macro_rules! routine {
    ($name:literal, $($file:literal),+) => {
        concat!(".p2align 5\n", $crate::machine::assembly::mark!($name), $(include_str!($file)),+)
    };
}

#[allow(unused_imports)] // `hidden` and `label` are for `mark`
pub(super) use {hidden, label, mark, routine, symbol};
