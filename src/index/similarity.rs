//! Dot products of bytes and of f32, by the best instructions that the machine has.
//!
//! Chosen once for each set of vectors. Bytes are summed without rounding, so every machine has the same sum; f32 are summed in an
//! order of the machine's own.

#![expect(unsafe_code, reason = "kernels: vector instructions, chosen at run time")]

use std::sync::LazyLock;

use crate::paper::dot;

/// The dot product of two vectors of one length, as the index computes it; for peers that are measured beside it.
#[must_use]
pub fn product(left: &[f32], right: &[f32]) -> f32 {
    static BEST: LazyLock<Products> = LazyLock::new(Products::best);
    (BEST.floats)(left, right)
}

/// The two products; of slices of one length.
#[derive(Clone, Copy)]
pub(super) struct Products {
    /// Of bytes. Where one of them is -128 the sum may be wrong, and nothing worse.
    pub(super) bytes: fn(&[i8], &[i8]) -> i32,
    /// Of f32.
    pub(super) floats: fn(&[f32], &[f32]) -> f32,
}

impl Products {
    /// The fastest that this machine has.
    pub(super) fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if x86::has_avx512() {
                return x86::AVX512;
            }
            if x86::has_avx2() {
                return x86::AVX2;
            }
        }
        #[cfg(target_arch = "aarch64")]
        if neon::has_dotprod() {
            return neon::DOTPROD;
        }
        Self::PORTABLE
    }

    /// Plain Rust.
    pub(super) const PORTABLE: Self = Self {
        bytes: |left, right| left.iter().zip(right).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum(),
        floats: dot,
    };
}

/// Asks the memory for what is going to be read.
pub(super) fn prefetch<T>(row: &[T]) {
    #[cfg(target_arch = "x86_64")]
    x86::prefetch(row);
    #[cfg(target_arch = "aarch64")]
    neon::prefetch(row);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = row;
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Products;

    pub(super) fn has_avx512() -> bool {
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vnni")
    }

    pub(super) fn has_avx2() -> bool {
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
    }

    /// Only where [`has_avx512`].
    pub(super) const AVX512: Products = Products {
        // SAFETY: the machine has the features, as whoever takes this has asked.
        bytes: |left, right| unsafe { bytes_avx512(left, right) },
        // SAFETY: the same.
        floats: |left, right| unsafe { floats_avx512(left, right) },
    };

    /// Only where [`has_avx2`].
    pub(super) const AVX2: Products = Products {
        // SAFETY: the machine has the features, as whoever takes this has asked.
        bytes: |left, right| unsafe { bytes_avx2(left, right) },
        // SAFETY: the same.
        floats: |left, right| unsafe { floats_avx2(left, right) },
    };

    pub(super) fn prefetch<T>(row: &[T]) {
        for line in row.chunks((64 / size_of::<T>()).max(1)) {
            // SAFETY: a hint; it reads nothing, and every x86-64 has it.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
        }
    }

    /// `vpdpbusd` takes the left as unsigned: 128 is added, and what that adds to the sum is summed beside.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    fn bytes_avx512(left: &[i8], right: &[i8]) -> i32 {
        let high = _mm512_set1_epi8(-128);
        let (lefts, rights) = (left.as_chunks::<64>(), right.as_chunks::<64>());
        let (mut sums, mut excess) = (_mm512_setzero_si512(), _mm512_setzero_si512());
        for (left, right) in lefts.0.iter().zip(rights.0) {
            // SAFETY: 64 bytes each.
            let (left, right) = unsafe {
                (_mm512_loadu_si512(left.as_ptr().cast()), _mm512_loadu_si512(right.as_ptr().cast()))
            };
            sums = _mm512_dpbusd_epi32(sums, _mm512_xor_si512(left, high), right);
            excess = _mm512_dpbusd_epi32(excess, high, right);
        }
        let sum = _mm512_reduce_add_epi32(_mm512_sub_epi32(sums, excess));
        sum + (Products::PORTABLE.bytes)(lefts.1, rights.1)
    }

    #[target_feature(enable = "avx512f")]
    fn floats_avx512(left: &[f32], right: &[f32]) -> f32 {
        let (lefts, rights) = (left.as_chunks::<64>(), right.as_chunks::<64>());
        let mut sums = [_mm512_setzero_ps(); 4];
        for (left, right) in lefts.0.iter().zip(rights.0) {
            for (at, sum) in sums.iter_mut().enumerate() {
                // SAFETY: four times sixteen numbers each.
                let (left, right) = unsafe {
                    (
                        _mm512_loadu_ps(left.as_ptr().add(at * 16)),
                        _mm512_loadu_ps(right.as_ptr().add(at * 16)),
                    )
                };
                *sum = _mm512_fmadd_ps(left, right, *sum);
            }
        }
        let [a, b, c, d] = sums;
        let sum = _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(a, b), _mm512_add_ps(c, d)));
        sum + (Products::PORTABLE.floats)(lefts.1, rights.1)
    }

    /// `vpmaddubsw` wants one side without sign: the left's goes to the right. Two products of at most 127 by 127 fit into 16 bits.
    #[target_feature(enable = "avx2")]
    fn bytes_avx2(left: &[i8], right: &[i8]) -> i32 {
        let (lefts, rights) = (left.as_chunks::<32>(), right.as_chunks::<32>());
        let mut sums = _mm256_setzero_si256();
        for (left, right) in lefts.0.iter().zip(rights.0) {
            // SAFETY: 32 bytes each.
            let (left, right) = unsafe {
                (_mm256_loadu_si256(left.as_ptr().cast()), _mm256_loadu_si256(right.as_ptr().cast()))
            };
            let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(left), _mm256_sign_epi8(right, left));
            sums = _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
        }
        let halves = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
        let halves = _mm_add_epi32(halves, _mm_shuffle_epi32::<0b_01_00_11_10>(halves));
        let halves = _mm_add_epi32(halves, _mm_shuffle_epi32::<0b_10_11_00_01>(halves));
        _mm_cvtsi128_si32(halves) + (Products::PORTABLE.bytes)(lefts.1, rights.1)
    }

    #[target_feature(enable = "avx2,fma")]
    fn floats_avx2(left: &[f32], right: &[f32]) -> f32 {
        let (lefts, rights) = (left.as_chunks::<32>(), right.as_chunks::<32>());
        let mut sums = [_mm256_setzero_ps(); 4];
        for (left, right) in lefts.0.iter().zip(rights.0) {
            for (at, sum) in sums.iter_mut().enumerate() {
                // SAFETY: four times eight numbers each.
                let (left, right) = unsafe {
                    (_mm256_loadu_ps(left.as_ptr().add(at * 8)), _mm256_loadu_ps(right.as_ptr().add(at * 8)))
                };
                *sum = _mm256_fmadd_ps(left, right, *sum);
            }
        }
        let [a, b, c, d] = sums;
        let mut lanes = [0.0; 8];
        // SAFETY: eight numbers.
        unsafe {
            _mm256_storeu_ps(lanes.as_mut_ptr(), _mm256_add_ps(_mm256_add_ps(a, b), _mm256_add_ps(c, d)));
        };
        lanes.iter().sum::<f32>() + (Products::PORTABLE.floats)(lefts.1, rights.1)
    }
}

#[cfg(target_arch = "aarch64")]
mod neon {
    use std::arch::aarch64::*;
    use std::arch::asm;

    use super::Products;

    pub(super) fn has_dotprod() -> bool {
        std::arch::is_aarch64_feature_detected!("dotprod")
    }

    /// Only where [`has_dotprod`].
    pub(super) const DOTPROD: Products = Products {
        // SAFETY: the machine has the feature, as whoever takes this has asked.
        bytes: |left, right| unsafe { bytes(left, right) },
        floats,
    };

    pub(super) fn prefetch<T>(row: &[T]) {
        for line in row.chunks((64 / size_of::<T>()).max(1)) {
            // SAFETY: a hint; it reads nothing. (The intrinsic for it is not in stable Rust.)
            unsafe {
                asm!("prfm pldl1keep, [{}]", in(reg) line.as_ptr(), options(readonly, nostack, preserves_flags));
            }
        }
    }

    /// `sdot`, as assembly, as its intrinsic is not in stable Rust.
    #[target_feature(enable = "neon,dotprod")]
    fn bytes(left: &[i8], right: &[i8]) -> i32 {
        let (lefts, rights) = (left.as_chunks::<64>(), right.as_chunks::<64>());
        let mut sums = [vdupq_n_s32(0); 4];
        for (left, right) in lefts.0.iter().zip(rights.0) {
            for (at, sum) in sums.iter_mut().enumerate() {
                // SAFETY: four times sixteen bytes each; then arithmetic on registers alone.
                unsafe {
                    let left = vld1q_s8(left.as_ptr().add(at * 16));
                    let right = vld1q_s8(right.as_ptr().add(at * 16));
                    asm!(
                        "sdot {sum:v}.4s, {left:v}.16b, {right:v}.16b",
                        sum = inlateout(vreg) *sum,
                        left = in(vreg) left,
                        right = in(vreg) right,
                        options(pure, nomem, nostack, preserves_flags),
                    );
                }
            }
        }
        let [a, b, c, d] = sums;
        let sum = vaddvq_s32(vaddq_s32(vaddq_s32(a, b), vaddq_s32(c, d)));
        sum + (Products::PORTABLE.bytes)(lefts.1, rights.1)
    }

    fn floats(left: &[f32], right: &[f32]) -> f32 {
        let (lefts, rights) = (left.as_chunks::<16>(), right.as_chunks::<16>());
        // SAFETY: every AArch64 has NEON; four times four numbers each.
        let sum = unsafe {
            let mut sums = [vdupq_n_f32(0.0); 4];
            for (left, right) in lefts.0.iter().zip(rights.0) {
                for (at, sum) in sums.iter_mut().enumerate() {
                    let left = vld1q_f32(left.as_ptr().add(at * 4));
                    let right = vld1q_f32(right.as_ptr().add(at * 4));
                    *sum = vfmaq_f32(*sum, left, right);
                }
            }
            let [a, b, c, d] = sums;
            vaddvq_f32(vaddq_f32(vaddq_f32(a, b), vaddq_f32(c, d)))
        };
        sum + (Products::PORTABLE.floats)(lefts.1, rights.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn available() -> Vec<Products> {
        #[cfg(target_arch = "x86_64")]
        let all = [(x86::has_avx512(), x86::AVX512), (x86::has_avx2(), x86::AVX2), (true, Products::best())];
        #[cfg(not(target_arch = "x86_64"))]
        let all = [(true, Products::PORTABLE), (true, Products::best())];
        all.into_iter().filter_map(|(has, products)| has.then_some(products)).collect()
    }

    proptest! {
        #[test]
        fn every_kernel_sums_what_plain_rust_sums(
            pairs in proptest::collection::vec((-127i8..=127, -127i8..=127), 0..500),
        ) {
            let (left, right): (Vec<i8>, Vec<i8>) = pairs.into_iter().unzip();
            let floats = |bytes: &[i8]| bytes.iter().map(|byte| f32::from(*byte) / 64.0).collect::<Vec<_>>();
            let (float_left, float_right) = (floats(&left), floats(&right));
            let sum = (Products::PORTABLE.bytes)(&left, &right);
            for products in available() {
                prop_assert_eq!((products.bytes)(&left, &right), sum);
                let float = (products.floats)(&float_left, &float_right);
                prop_assert!((float - sum as f32 / 4096.0).abs() < 1e-3, "{} {}", float, sum);
            }
        }
    }

    #[test]
    fn the_largest_bytes_do_not_overflow() {
        for products in available() {
            for length in [1, 31, 64, 384, 1024] {
                for (one, other) in [(127, 127), (127, -127), (-127, -127)] {
                    let sum = (products.bytes)(&vec![one; length], &vec![other; length]);
                    assert_eq!(sum, i32::from(one) * i32::from(other) * length as i32);
                }
            }
        }
    }
}
