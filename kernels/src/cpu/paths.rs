//! Which instructions of the core are used, chosen when the program runs.
//!
//! Every path computes the same integers, and the same operations on `f64` in the same order, so every path returns the same
//! bits; tests run on each.

/// A set of instructions, from the least to the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Path {
    /// What every machine has.
    Portable,
    /// Registers of 256 bits.
    Avx2,
    /// Registers of 512 bits, with masks.
    #[default]
    Avx512,
}

impl Path {
    /// The most this core has, `self` at most.
    pub(super) fn available(self) -> Self {
        self.min(Self::detected())
    }

    #[cfg(target_arch = "x86_64")]
    fn detected() -> Self {
        let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2");
        let has_popcnt = is_x86_feature_detected!("popcnt") && is_x86_feature_detected!("bmi1");
        let has_avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        match (has_avx2 && has_popcnt, has_avx512) {
            (true, true) => Self::Avx512,
            (true, false) => Self::Avx2,
            (false, _) => Self::Portable,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn detected() -> Self {
        Self::Portable
    }
}

/// Defines a function that calls `$body` as compiled for the path it is given: the same code, in wider registers. `$body` must
/// be `#[inline(always)]`, or it would be compiled for the portable path only.
macro_rules! on_each_path {
    ($(#[$meta:meta])* $visible:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? = $body:ident) => {
        $(#[$meta])*
        $visible fn $name(path: crate::cpu::paths::Path, $($argument: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
                fn on_avx2($($argument: $type),*) $(-> $result)? {
                    $body($($argument),*)
                }
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,popcnt")]
                fn on_avx512($($argument: $type),*) $(-> $result)? {
                    $body($($argument),*)
                }
                match path {
                    // SAFETY: a path other than the portable one is only made where the core has its instructions.
                    crate::cpu::paths::Path::Avx512 => return unsafe { on_avx512($($argument),*) },
                    // SAFETY: as above.
                    crate::cpu::paths::Path::Avx2 => return unsafe { on_avx2($($argument),*) },
                    crate::cpu::paths::Path::Portable => {}
                }
            }
            let _ = path;
            $body($($argument),*)
        }
    };
}

pub(super) use on_each_path;

/// Asks for the cache line that holds `value` ahead of its use; changes nothing else.
#[inline(always)]
pub(super) fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 core has the instruction, and it cannot fault, least of all on a reference.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
