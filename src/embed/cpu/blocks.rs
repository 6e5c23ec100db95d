//! How numbers lie in memory on the CPU path: in *strips* of 32, the width of a Q4_0 block, of an attention head of this
//! model and of two AVX-512 registers at once.
//!
//! A matrix of `rows` tokens is kept block by block: strip `[block][row]`. What one panel of weights gives is then one
//! contiguous slice, which is what lets threads share a matrix without sharing a slice of it.

use super::kernel::Kernel;

/// Numbers in a strip.
pub(super) const WIDTH: usize = 32;

/// 32 neighbouring numbers of one row.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(super) struct Strip(pub(super) [f32; WIDTH]);

impl Strip {
    pub(super) const ZERO: Self = Self([0.0; WIDTH]);
}

/// A strip in bf16: the upper halves of its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub(super) struct Halves(pub(super) [u16; WIDTH]);

/// A strip in three of bf16, the sum of which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub(super) struct Thirds(pub(super) [Halves; 3]);

/// A strip in 8 bits: `code * scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(32))]
pub(super) struct Codes(pub(super) [i8; WIDTH]);

/// Quantised strips `[block][row]`, with what the products need of each.
#[derive(Debug, Default)]
pub(super) struct Quantised {
    pub(super) codes: Vec<Codes>,
    pub(super) scales: Vec<f32>,
    /// What the sum of `code * weight` starts from, so that weights can be kept without their sign: `-offset * sum of codes`,
    /// in the form that the kernel which made it reads.
    pub(super) starts: Vec<i32>,
}

/// Rows of [`Quantised`], `[block][row]`; the blocks may stand farther apart than the rows that are meant.
#[derive(Clone, Copy, Debug)]
pub(super) struct QuantisedRows<'a> {
    pub(super) codes: &'a [Codes],
    pub(super) scales: &'a [f32],
    pub(super) starts: &'a [i32],
    /// Strips from a row of one block to the same row of the next.
    pub(super) stride: usize,
}

impl Quantised {
    /// The rows from `row` on, of blocks of `stride` rows.
    pub(super) fn rows(&self, row: usize, stride: usize) -> QuantisedRows<'_> {
        let Self { codes, scales, starts } = self;
        QuantisedRows { codes: &codes[row..], scales: &scales[row..], starts: &starts[row..], stride }
    }

    /// Makes room for so many strips. What they hold is not defined.
    pub(super) fn resize(&mut self, strips: usize) {
        self.codes.resize(strips, Codes([0; WIDTH]));
        self.scales.resize(strips, 0.0);
        self.starts.resize(strips, 0);
    }

    pub(super) fn all_mut(&mut self) -> QuantisedMut<'_> {
        let Self { codes, scales, starts } = self;
        QuantisedMut { codes, scales, starts }
    }
}

impl QuantisedRows<'_> {
    /// Kernels read without bounds: here they are.
    pub(super) fn check(&self, blocks: usize, rows: usize) {
        let strips = [self.codes.len(), self.scales.len(), self.starts.len()];
        assert!(blocks > 0 && strips.iter().all(|strips| (blocks - 1) * self.stride + rows <= *strips));
    }
}

/// Where a kernel's tile of a quantised product reads and writes.
pub(super) struct QuantisedTile<'a> {
    pub(super) input: QuantisedRows<'a>,
    /// The tile's first row.
    pub(super) row: usize,
    pub(super) scales: &'a [Strip],
    pub(super) out: &'a mut [Strip],
}

/// Some blocks of [`Quantised`], to be written.
#[derive(Debug)]
pub(super) struct QuantisedMut<'a> {
    pub(super) codes: &'a mut [Codes],
    pub(super) scales: &'a mut [f32],
    pub(super) starts: &'a mut [i32],
}

/// The input of a product, as precise as the weights want it.
#[derive(Debug)]
pub(super) enum Signal {
    /// For quantised weights.
    Quantised(Quantised),
    /// For quantised weights, where the machine multiplies in bf16.
    Halves(Vec<Halves>),
    /// For weights in f32.
    Plain(Vec<Strip>),
    /// For weights in f32, where the machine multiplies in bf16.
    Thirds(Vec<Thirds>),
}

/// Some blocks of a [`Signal`], to be written.
#[derive(Debug)]
pub(super) enum SignalMut<'a> {
    Quantised(QuantisedMut<'a>),
    Halves(&'a mut [Halves]),
    Plain(&'a mut [Strip]),
    Thirds(&'a mut [Thirds]),
}

impl Signal {
    /// Makes room for so many strips. What they hold is not defined.
    pub(super) fn resize(&mut self, strips: usize) {
        match self {
            Self::Quantised(quantised) => quantised.resize(strips),
            Self::Halves(halves) => halves.resize(strips, Halves([0; WIDTH])),
            Self::Plain(plain) => plain.resize(strips, Strip::ZERO),
            Self::Thirds(thirds) => thirds.resize(strips, Thirds([Halves([0; WIDTH]); 3])),
        }
    }

    pub(super) fn all_mut(&mut self) -> SignalMut<'_> {
        match self {
            Self::Quantised(quantised) => SignalMut::Quantised(quantised.all_mut()),
            Self::Halves(halves) => SignalMut::Halves(halves),
            Self::Plain(plain) => SignalMut::Plain(plain),
            Self::Thirds(thirds) => SignalMut::Thirds(thirds),
        }
    }
}

impl<'a> SignalMut<'a> {
    /// The strips in pieces of `strips` each, the last one shorter.
    pub(super) fn pieces(self, strips: usize) -> impl Iterator<Item = SignalMut<'a>> {
        let mut rest = Some(self);
        std::iter::from_fn(move || {
            let whole = rest.take()?;
            if whole.len() <= strips {
                return (whole.len() > 0).then_some(whole);
            }
            let (piece, others) = whole.split_at(strips);
            rest = Some(others);
            Some(piece)
        })
    }

    /// Writes `strips`, as many as there is room for.
    pub(super) fn store(self, kernel: &dyn Kernel, strips: &[Strip], offset: i32) {
        match self {
            Self::Quantised(quantised) => kernel.quantise(strips, offset, quantised),
            Self::Halves(halves) => match kernel.in_halves() {
                Some(products) => products.halve(strips, halves),
                None => unreachable!("`Packing` makes halves for kernels that take them"),
            },
            Self::Plain(plain) => plain.copy_from_slice(strips),
            Self::Thirds(thirds) => match kernel.in_halves() {
                Some(products) => products.split(strips, thirds),
                None => unreachable!("`Packing` makes thirds for kernels that take them"),
            },
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Quantised(quantised) => quantised.codes.len(),
            Self::Halves(halves) => halves.len(),
            Self::Plain(plain) => plain.len(),
            Self::Thirds(thirds) => thirds.len(),
        }
    }

    fn split_at(self, strips: usize) -> (Self, Self) {
        match self {
            Self::Quantised(QuantisedMut { codes, scales, starts }) => {
                let (codes, more_codes) = codes.split_at_mut(strips);
                let (scales, more_scales) = scales.split_at_mut(strips);
                let (starts, more_starts) = starts.split_at_mut(strips);
                (
                    Self::Quantised(QuantisedMut { codes, scales, starts }),
                    Self::Quantised(QuantisedMut {
                        codes: more_codes,
                        scales: more_scales,
                        starts: more_starts,
                    }),
                )
            }
            Self::Halves(halves) => {
                let (halves, more) = halves.split_at_mut(strips);
                (Self::Halves(halves), Self::Halves(more))
            }
            Self::Plain(plain) => {
                let (plain, more) = plain.split_at_mut(strips);
                (Self::Plain(plain), Self::Plain(more))
            }
            Self::Thirds(thirds) => {
                let (thirds, more) = thirds.split_at_mut(strips);
                (Self::Thirds(thirds), Self::Thirds(more))
            }
        }
    }
}
