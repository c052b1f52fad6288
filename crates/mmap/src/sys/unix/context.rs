//! The program counter that a signal interrupted, on the processors and systems where the assembly copy is.

/// Where the interrupted program goes on, and what it finds in the register that carries a fault's address.
pub(super) struct Resume {
    pub(super) pc: usize,
    pub(super) address: usize,
}

#[cfg(all(any(target_os = "linux", target_os = "android"), target_arch = "x86_64"))]
mod registers {
    use super::Resume;
    use libc::{REG_RDX, REG_RIP, greg_t, ucontext_t};

    /// Whether the handler can tell where the program was.
    pub(crate) const ARE_KNOWN: bool = true;

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // registers are 64 bits wide
    pub(crate) fn pc(context: &ucontext_t) -> usize {
        context.uc_mcontext.gregs[REG_RIP as usize] as usize
    }

    #[allow(clippy::cast_possible_wrap, clippy::cast_sign_loss)] // registers are 64 bits wide
    pub(crate) fn resume(context: &mut ucontext_t, at: &Resume) {
        context.uc_mcontext.gregs[REG_RIP as usize] = at.pc as greg_t;
        context.uc_mcontext.gregs[REG_RDX as usize] = at.address as greg_t;
    }
}

#[cfg(all(any(target_os = "linux", target_os = "android"), target_arch = "aarch64"))]
mod registers {
    use super::Resume;
    use libc::ucontext_t;

    /// Whether the handler can tell where the program was.
    pub(crate) const ARE_KNOWN: bool = true;

    #[allow(clippy::cast_possible_truncation)] // registers are 64 bits wide
    pub(crate) fn pc(context: &ucontext_t) -> usize {
        context.uc_mcontext.pc as usize
    }

    pub(crate) fn resume(context: &mut ucontext_t, at: &Resume) {
        context.uc_mcontext.pc = at.pc as u64;
        context.uc_mcontext.regs[1] = at.address as u64;
    }
}

#[cfg(all(target_os = "macos", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod registers {
    use super::Resume;
    use libc::ucontext_t;

    /// Whether the handler can tell where the program was.
    pub(crate) const ARE_KNOWN: bool = true;

    #[allow(clippy::cast_possible_truncation)] // registers are 64 bits wide
    pub(crate) fn pc(context: &ucontext_t) -> usize {
        // SAFETY: the kernel points it at the registers it saved, for the time of the handler.
        let saved = unsafe { &*context.uc_mcontext };
        #[cfg(target_arch = "x86_64")]
        return saved.__ss.__rip as usize;
        #[cfg(target_arch = "aarch64")]
        return saved.__ss.__pc as usize;
    }

    pub(crate) fn resume(context: &mut ucontext_t, at: &Resume) {
        // SAFETY: the kernel points it at the registers it saved, for the time of the handler.
        let saved = unsafe { &mut *context.uc_mcontext };
        #[cfg(target_arch = "x86_64")]
        {
            saved.__ss.__rip = at.pc as u64;
            saved.__ss.__rdx = at.address as u64;
        }
        #[cfg(target_arch = "aarch64")]
        {
            saved.__ss.__pc = at.pc as u64;
            saved.__ss.__x[1] = at.address as u64;
        }
    }
}

#[cfg(all(target_os = "freebsd", target_arch = "x86_64"))]
mod registers {
    use super::Resume;
    use libc::ucontext_t;

    /// Whether the handler can tell where the program was.
    pub(crate) const ARE_KNOWN: bool = true;

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // registers are 64 bits wide
    pub(crate) fn pc(context: &ucontext_t) -> usize {
        context.uc_mcontext.mc_rip as usize
    }

    #[allow(clippy::cast_possible_wrap)] // registers are 64 bits wide
    pub(crate) fn resume(context: &mut ucontext_t, at: &Resume) {
        context.uc_mcontext.mc_rip = at.pc as i64;
        context.uc_mcontext.mc_rdx = at.address as i64;
    }
}

#[cfg(not(any(
    all(
        any(target_os = "linux", target_os = "android", target_os = "macos"),
        any(target_arch = "x86_64", target_arch = "aarch64")
    ),
    all(target_os = "freebsd", target_arch = "x86_64"),
)))]
mod registers {
    use super::Resume;
    use libc::ucontext_t;

    /// Whether the handler can tell where the program was.
    pub(crate) const ARE_KNOWN: bool = false;

    /// No address of any code: there is none with an error exit.
    pub(crate) fn pc(_context: &ucontext_t) -> usize {
        0
    }

    pub(crate) fn resume(_context: &mut ucontext_t, at: &Resume) {
        unreachable!("no code has an exit to {:#x} for {:#x}", at.pc, at.address);
    }
}

pub(super) use registers::{ARE_KNOWN, pc, resume};
