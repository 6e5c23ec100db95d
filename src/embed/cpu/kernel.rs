//! What a CPU can do fast, behind one interface: chosen once, when the model is loaded.
//!
//! A product takes all rows of its input to one *panel* of weights, 32 outputs wide. Every kernel sums in the same order
//! whatever the number of rows, so a text's vector is the same alone and in any batch, to the bit.

use std::fmt;
use std::str::FromStr;

use serde::de::IntoDeserializer;
use serde::{Deserialize, Serialize};

use super::blocks::{Halves, QuantisedMut, QuantisedRows, Strip, Thirds, WIDTH};
use super::pack::{Bytes, Nibbles};
use super::portable;
use super::shorts::{Pairs, Values};

/// Rows of f32 or bf16, `[block][row]`; the blocks may stand farther apart than the rows that are meant.
#[derive(Clone, Copy)]
pub(super) struct Plain<'a, S = Strip> {
    pub(super) strips: &'a [S],
    /// Strips from a row of one block to the same row of the next.
    pub(super) stride: usize,
}

impl<S> Plain<'_, S> {
    /// Kernels read without bounds: here they are.
    pub(super) fn check(&self, blocks: usize, rows: usize) {
        assert!(blocks > 0 && (blocks - 1) * self.stride + rows <= self.strips.len());
    }
}

/// The constants of a layer norm.
pub(super) struct Normalisation {
    pub(super) weight: Vec<Strip>,
    pub(super) shift: Vec<Strip>,
    pub(super) epsilon: f32,
}

/// The arithmetic of the forward pass on one instruction set. `out.len()` is the number of rows.
pub(super) trait Kernel: Send + Sync {
    /// Which it is.
    fn choice(&self) -> KernelChoice;

    /// Whether products of bytes are so much faster than those of f32 that attention's scores should be made of them too.
    fn prefers_bytes(&self) -> bool;

    /// `input` times a panel of 4-bit weights: 8 of `quads` and one of `scales` a block.
    fn product_q4(&self, input: QuantisedRows<'_>, quads: &[Nibbles], scales: &[Strip], out: &mut [Strip]);

    /// `input` times a panel of 8-bit weights: 16 of `quads` and one of `scales` a block.
    fn product_q8(&self, input: QuantisedRows<'_>, quads: &[Bytes], scales: &[Strip], out: &mut [Strip]);

    /// `input` times a panel of weights in f32, one strip of `panel` a number of a row.
    fn product_f32(&self, input: Plain<'_>, panel: &[Strip], out: &mut [Strip]);

    /// Products of the model's weights in bf16, where they are faster than those of bytes and of f32.
    fn in_halves(&self) -> Option<&dyn HalfProducts> {
        None
    }

    /// 8 bits a number and one scale a strip; what a sum starts from makes up for weights that are `offset` too large.
    fn quantise(&self, strips: &[Strip], offset: i32, out: QuantisedMut<'_>);

    /// See [`super::vector::gelu`].
    fn gelu(&self, strips: &mut [Strip], bias: &Strip);

    /// See [`super::vector::shift`].
    fn shift(&self, strips: &mut [Strip], bias: &Strip, scale: f32);

    /// See [`super::vector::stretch`].
    fn stretch(&self, strips: &mut [Strip], factors: &[f32]);

    /// See [`super::vector::add_and_normalise`].
    fn add_and_normalise(
        &self,
        hidden: &mut [Strip],
        added: &[Strip],
        rows: usize,
        bias: &[Strip],
        norm: &Normalisation,
    );

    /// See [`super::vector::soften`].
    fn soften(&self, scores: &mut [Strip], keys: usize, factors: &mut [f32]);

    /// See [`super::shorts::soften_shorts`].
    fn soften_shorts(&self, scores: &mut [Strip], keys: usize, factors: &mut [f32]);

    /// See [`super::shorts::pack_values`].
    fn pack_values(&self, values: &[Strip], keys: usize, pairs: &mut [Pairs], step: &mut f32);

    /// Softened weights (`[32 keys][row]`) times packed values; each row times its factor.
    fn product_shorts(&self, weights: Plain<'_>, values: Values<'_>, factors: &[f32], out: &mut [Strip]);

    /// See [`super::vector::transpose`].
    fn transpose(&self, rows: &[Strip; WIDTH], out: &mut [Strip; WIDTH]);
}

/// Products in bf16: of quantised weights nearer to the numbers than those with activations in 8 bits, of f32 as exact as any.
pub(super) trait HalfProducts {
    /// Rounded to bf16.
    fn halve(&self, strips: &[Strip], out: &mut [Halves]);

    /// As [`Kernel::product_q4`].
    fn product_q4(&self, input: Plain<'_, Halves>, quads: &[Nibbles], scales: &[Strip], out: &mut [Strip]);

    /// As [`Kernel::product_q8`].
    fn product_q8(&self, input: Plain<'_, Halves>, quads: &[Bytes], scales: &[Strip], out: &mut [Strip]);

    /// In three parts, to the last bit.
    fn split(&self, strips: &[Strip], out: &mut [Thirds]);

    /// As [`Kernel::product_f32`], but that `panel` is whole blocks.
    fn product_f32(&self, input: Plain<'_, Thirds>, panel: &[Strip], out: &mut [Strip]);
}

/// Runs a block for every tile of rows: as few tiles as there can be of at most the first size, and all of nearly the same, as
/// a small tile takes almost as long as a large one. `$R` is the size and `$row` the tile's first row.
macro_rules! tiles {
    ([$most:literal $(, $size:literal)*]; $rows:expr, $R:ident, $row:ident => $body:block) => {
        let rows: usize = $rows;
        let count = rows.div_ceil($most);
        let mut $row = 0;
        for tile in 0..count {
            let size = rows / count + usize::from(tile < rows % count);
            match size {
                $most => {
                    const $R: usize = $most;
                    $body
                }
                $($size => {
                    const $R: usize = $size;
                    $body
                })*
                _ => {}
            }
            $row += size;
        }
    };
}
pub(super) use tiles;

/// The functions that are no product, compiled from [`super::vector`] and [`super::shorts`] for an instruction set.
macro_rules! elementwise {
    ($vector:ty, $features:literal) => {
        elementwise!($vector, $features, vector::gelu(strips: &mut [Strip], bias: &Strip));
        elementwise!($vector, $features, vector::shift(strips: &mut [Strip], bias: &Strip, scale: f32));
        elementwise!($vector, $features, vector::stretch(strips: &mut [Strip], factors: &[f32]));
        elementwise!($vector, $features, vector::add_and_normalise(hidden: &mut [Strip], added: &[Strip], rows: usize, bias: &[Strip], norm: &Normalisation));
        elementwise!($vector, $features, vector::soften(scores: &mut [Strip], keys: usize, factors: &mut [f32]));
        elementwise!($vector, $features, shorts::soften_shorts(scores: &mut [Strip], keys: usize, factors: &mut [f32]));
        elementwise!($vector, $features, shorts::pack_values(values: &[Strip], keys: usize, pairs: &mut [Pairs], step: &mut f32));

        fn transpose(&self, rows: &[Strip; WIDTH], out: &mut [Strip; WIDTH]) {
            #[target_feature(enable = $features)]
            fn inner(rows: &[Strip; WIDTH], out: &mut [Strip; WIDTH]) {
                vector::transpose(rows, out);
            }
            // SAFETY: this kernel is only made where the machine has these features.
            unsafe { inner(rows, out) }
        }
    };
    ($vector:ty, $features:literal, $module:ident::$name:ident($($argument:ident: $kind:ty),*)) => {
        fn $name(&self, $($argument: $kind),*) {
            #[target_feature(enable = $features)]
            fn inner($($argument: $kind),*) {
                // SAFETY: these are the features of the vector.
                unsafe { $module::$name::<$vector>($($argument),*) }
            }
            // SAFETY: this kernel is only made where the machine has these features.
            unsafe { inner($($argument),*) }
        }
    };
}
pub(super) use elementwise;

/// Which instructions the CPU path uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KernelChoice {
    /// Plain Rust: any machine.
    Portable,
    /// x86-64 with AVX2 and FMA: 8-bit products by `vpmaddubsw`.
    Avx2,
    /// As [`Self::Avx2`], with `vpdpbusd` on 256 bits (Alder Lake and later laptops).
    AvxVnni,
    /// `vpdpbusd` on 512 bits.
    Avx512Vnni,
    /// As [`Self::Avx512Vnni`], but weights meet activations in bf16 (f32 in three of them), by `tdpbf16ps` (servers from Sapphire Rapids on).
    AmxBf16,
    /// AArch64 with `sdot` (Apple M, and most of ARM's since 2018).
    NeonDotprod,
}

impl KernelChoice {
    /// Best first.
    pub const ALL: [Self; 6] =
        [Self::AmxBf16, Self::Avx512Vnni, Self::AvxVnni, Self::Avx2, Self::NeonDotprod, Self::Portable];

    /// Whether this machine has the instructions.
    #[must_use]
    pub fn is_available(self) -> bool {
        self.kernel().is_some()
    }

    /// The fastest that this machine has.
    #[must_use]
    pub fn best() -> Self {
        Self::ALL.into_iter().find(|choice| choice.is_available()).unwrap_or(Self::Portable)
    }

    /// The kernel, where the machine has the instructions.
    pub(super) fn kernel(self) -> Option<Box<dyn Kernel>> {
        match self {
            Self::Portable => Some(Box::new(portable::Portable)),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => super::avx2::Avx2::new().map(|kernel| Box::new(kernel) as _),
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => super::avx2::AvxVnni::new().map(|kernel| Box::new(kernel) as _),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => super::avx512::Avx512::vnni().map(|kernel| Box::new(kernel) as _),
            #[cfg(target_arch = "x86_64")]
            Self::AmxBf16 => super::avx512::Avx512::amx().map(|kernel| Box::new(kernel) as _),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::AvxVnni | Self::Avx512Vnni | Self::AmxBf16 => None,
            #[cfg(target_arch = "aarch64")]
            Self::NeonDotprod => super::neon::NeonDotprod::new().map(|kernel| Box::new(kernel) as _),
            #[cfg(not(target_arch = "aarch64"))]
            Self::NeonDotprod => None,
        }
    }
}

impl fmt::Display for KernelChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(formatter)
    }
}

impl FromStr for KernelChoice {
    type Err = serde::de::value::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::deserialize(text.into_deserializer())
    }
}
