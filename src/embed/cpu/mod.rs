//! The encoder's hot path on the CPU: BERT's forward pass without padding, in arithmetic chosen for the machine.
//!
//! `bert.rs` is the model, to be read as one; `attention.rs` its one part that looks at a sentence at a time. `pack.rs` is how
//! weights lie in memory and `blocks.rs` how tokens do; `kernel.rs` is what the model asks of a machine, `vector.rs` what of it
//! is the same on all, `shorts.rs` attention's part of it in 16 bits, the files named after instructions what is not. `team.rs` says which threads do what.
//!
//! Weights in 4 bits are multiplied as they are stored with activations in 8 bits, a scale for each 32 numbers; weights in
//! f32 are made 8 bits the same way, or kept.

#[cfg(target_arch = "x86_64")]
mod amx;
mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bert;
mod blocks;
mod kernel;
#[cfg(test)]
mod kernel_tests;
#[cfg(test)]
mod measure;
#[cfg(target_arch = "aarch64")]
mod neon;
mod pack;
mod portable;
mod shorts;
mod team;
mod vector;

pub(super) use bert::CpuBert;
pub use kernel::KernelChoice;
