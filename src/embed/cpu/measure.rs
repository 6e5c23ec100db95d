//! A measurement, not run by default: how fast a core multiplies 4-bit weights, beside what the instruction of its kernel reaches
//! with everything in registers. What stands between them is all that a better kernel could still gain.
//!
//! `cargo test --release --lib embed::cpu::measure -- --ignored --nocapture`

#![expect(unsafe_code, reason = "loops of single instructions")]

use std::time::Instant;

use super::blocks::{Strip, WIDTH};
use super::kernel::{Kernel, KernelChoice};
use super::pack::{Packed, Packing};

/// Tokens of a chunk, blocks that a token is wide, panels of query, key and value.
const ROWS: usize = 256;
const BLOCKS: usize = 12;
const PANELS: usize = 36;
/// Multiply-adds of the linear layers of multilingual-e5-small for a token.
const OF_A_TOKEN: f64 = 12.0 * (4 * 384 * 384 + 2 * 384 * 1536) as f64;

/// The median over nine runs of how many of what `run` counts are done in a second.
fn rate(mut run: impl FnMut() -> f64) -> f64 {
    let mut rates: Vec<f64> = (0..9)
        .map(|_| {
            let start = Instant::now();
            run() / start.elapsed().as_secs_f64()
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Multiply-adds a second of a kernel's products, all of whose weights are in a cache.
fn of_products(kernel: &dyn Kernel) -> f64 {
    let stored: Vec<u8> = (0..PANELS * WIDTH * BLOCKS)
        .flat_map(|block| {
            let nibbles = (0..16).map(move |byte| (block * 31 + byte * 7) as u8);
            half::f16::from_f32(0.01).to_le_bytes().into_iter().chain(nibbles)
        })
        .collect();
    let weights = Packed::from_q4(&stored, BLOCKS * WIDTH).unwrap();
    let tokens = vec![Strip(std::array::from_fn(|number| number as f32 - 15.5)); BLOCKS * ROWS];
    let mut input = Packing::Q4.signal(kernel);
    input.resize(tokens.len());
    input.all_mut().store(kernel, &tokens, Packing::Q4.offset());
    let mut out = vec![Strip::ZERO; ROWS];
    rate(|| {
        for _ in 0..10 {
            for panel in 0..PANELS {
                weights.product(kernel, &input, BLOCKS, panel, &mut out);
                std::hint::black_box(&mut out);
            }
        }
        (10 * PANELS * WIDTH * BLOCKS * WIDTH * ROWS) as f64
    })
}

/// Multiply-adds a second of eight independent sums, each by the instructions `$step` of so many, in a loop of nothing else.
#[cfg(target_arch = "x86_64")]
macro_rules! in_registers {
    ($each:literal, $step:literal) => {
        rate(|| {
            let times = 5_000_000_u64;
            // SAFETY: only registers are written, and all that are have been named; the kernel exists, so the machine has the
            // instructions.
            unsafe {
                std::arch::asm!(
                    "2:",
                    concat!(".irp sum, 0, 1, 2, 3, 4, 5, 6, 7\n", $step, "\n.endr"),
                    "dec {times}",
                    "jnz 2b",
                    times = inout(reg) times => _,
                    out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _, out("xmm5") _,
                    out("xmm6") _, out("xmm7") _, out("xmm8") _, out("xmm14") _, out("xmm15") _,
                    options(nostack, nomem),
                );
            }
            (8 * times * $each) as f64
        })
    };
}

#[cfg(target_arch = "x86_64")]
fn bound(kernel: KernelChoice) -> Option<f64> {
    match kernel {
        KernelChoice::Avx2 => {
            Some(in_registers!(32, "vpmaddubsw ymm8, ymm14, ymm15\nvpaddw ymm\\sum, ymm\\sum, ymm8"))
        }
        KernelChoice::AvxVnni => Some(in_registers!(32, "{{vex}} vpdpbusd ymm\\sum, ymm14, ymm15")),
        KernelChoice::Avx512Vnni => Some(in_registers!(64, "vpdpbusd zmm\\sum, zmm14, zmm15")),
        _ => None,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn bound(_: KernelChoice) -> Option<f64> {
    None
}

#[test]
#[ignore = "a measurement"]
fn products_beside_what_their_instruction_reaches() {
    for choice in KernelChoice::ALL {
        let Some(kernel) = choice.kernel() else { continue };
        let reached = of_products(&*kernel);
        let tokens = |rate| rate / OF_A_TOKEN;
        print!("{choice}: {:.0} G multiply-adds/s a core, {:.0} tokens/s", reached / 1e9, tokens(reached));
        match bound(choice) {
            Some(bound) => println!(
                "; {:.0}% of {:.0}, {:.0} tokens/s, in registers",
                100.0 * reached / bound,
                bound / 1e9,
                tokens(bound)
            ),
            None => println!(),
        }
    }
}
