//! Every kernel that this machine has gives what the portable one gives, and that gives what the formulas say.

use proptest::prelude::*;

use super::blocks::{Quantised, Signal, Strip, WIDTH};
use super::kernel::{Kernel, KernelChoice, Normalisation, Plain};
use super::pack::{NIBBLES_OFFSET, Packed, Packing};
use super::shorts::{Pairs, Values};

fn portable() -> Box<dyn Kernel> {
    KernelChoice::Portable.kernel().unwrap()
}

fn others() -> impl Iterator<Item = Box<dyn Kernel>> {
    let own = KernelChoice::ALL.into_iter().filter(|choice| *choice != KernelChoice::Portable);
    let own = own.filter_map(KernelChoice::kernel);
    #[cfg(target_arch = "x86_64")]
    let own = own.chain(super::avx2::twin::new().map(|twin| Box::new(twin) as Box<dyn Kernel>));
    own
}

/// Numbers that are the same every time, between -1 and 1, some of them 0, some far out.
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed | 1;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0;
            match state >> 59 {
                0 => 0.0,
                1 => value * 30.0,
                _ => value,
            }
        })
        .collect()
}

fn strips(seed: u64, count: usize) -> Vec<Strip> {
    numbers(seed, count * WIDTH).as_chunks().0.iter().copied().map(Strip).collect()
}

fn quantised(kernel: &dyn Kernel, strips: &[Strip], offset: i32) -> Quantised {
    let mut signal = Signal::Quantised(Quantised::default());
    signal.resize(strips.len());
    signal.all_mut().store(kernel, strips, offset);
    match signal {
        Signal::Quantised(quantised) => quantised,
        Signal::Halves(_) | Signal::Plain(_) | Signal::Thirds(_) => unreachable!(),
    }
}

/// Rows of Q4_0 as GGML stores them, with every nibble and scales of both signs.
fn stored_q4(seed: u64, outputs: usize, blocks: usize) -> Vec<u8> {
    let noise = numbers(seed, outputs * blocks * 17);
    let block = |noise: &[f32]| {
        let scale = half::f16::from_f32(noise[0]).to_le_bytes();
        let nibbles = noise[1..].iter().map(|value| (value.abs() * 1e6) as u32 as u8);
        scale.into_iter().chain(nibbles).collect::<Vec<u8>>()
    };
    noise.chunks_exact(17).flat_map(block).collect()
}

/// The value of number `at` in a row of Q4_0 (GGML's `dequantize_row_q4_0`).
fn value_q4(row: &[u8], at: usize) -> f32 {
    let block = &row[at / 32 * 18..][..18];
    let byte = block[2 + at % 16];
    let nibble = if at % 32 < 16 { byte & 15 } else { byte >> 4 };
    (f32::from(nibble) - 8.0) * half::f16::from_le_bytes([block[0], block[1]]).to_f32()
}

fn assert_near(found: &[Strip], expected: &[Strip], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len());
    let largest =
        expected.iter().flat_map(|strip| strip.0).fold(1e-6f32, |largest, value| largest.max(value.abs()));
    for (row, (found, expected)) in found.iter().zip(expected).enumerate() {
        for (lane, (found, expected)) in found.0.iter().zip(&expected.0).enumerate() {
            let error = (found - expected).abs() / largest;
            assert!(error <= tolerance, "{what}: row {row}, output {lane}: {found} instead of {expected}");
        }
    }
}

#[test]
fn at_least_one_kernel_is_tried_where_ours_are_meant_for() {
    let names: Vec<String> = others().map(|kernel| kernel.choice().to_string()).collect();
    println!("kernels of this machine: {names:?}; best: {}", KernelChoice::best());
    #[cfg(target_arch = "x86_64")]
    assert_eq!(std::is_x86_feature_detected!("avx2"), names.contains(&"avx2".to_owned()));
    #[cfg(target_arch = "aarch64")]
    assert_eq!(
        std::arch::is_aarch64_feature_detected!("dotprod"),
        names.contains(&"neon-dotprod".to_owned())
    );
    for choice in KernelChoice::ALL {
        assert_eq!(choice.to_string().parse(), Ok(choice));
    }
}

/// From stored bytes to products: against plain sums over the dequantised numbers.
#[test]
fn packed_weights_are_the_stored_ones() {
    let (rows, blocks, panels) = (5, 3, 2);
    let stored = stored_q4(7, panels * WIDTH, blocks);
    let packed = Packed::from_q4(&stored, blocks * WIDTH).unwrap();
    let input = quantised(&*portable(), &strips(3, blocks * rows), NIBBLES_OFFSET);
    let stored_row = blocks * 18;
    for panel in 0..panels {
        let mut out = vec![Strip::ZERO; rows];
        let signal = Signal::Quantised(quantised(&*portable(), &strips(3, blocks * rows), NIBBLES_OFFSET));
        packed.product(&*portable(), &signal, blocks, panel, &mut out);
        let expected: Vec<Strip> = (0..rows)
            .map(|row| {
                Strip(std::array::from_fn(|output| {
                    let weights = &stored[(panel * WIDTH + output) * stored_row..][..stored_row];
                    let products = (0..blocks * WIDTH).map(|at| {
                        let strip = at / WIDTH * rows + row;
                        let value = f32::from(input.codes[strip].0[at % WIDTH]) * input.scales[strip];
                        f64::from(value) * f64::from(value_q4(weights, at))
                    });
                    products.sum::<f64>() as f32
                }))
            })
            .collect();
        assert_near(&out, &expected, 1e-5, "Q4_0");
    }
    assert!(Packed::from_q4(&stored[1..], blocks * WIDTH).is_none());
    assert!(Packed::from_q4(&stored, 33).is_none());
    assert!(Packed::plain(&[0.0; 33], 33).is_none());
}

#[test]
fn weights_in_8_bits_and_in_f32_are_near_the_real_ones() {
    let (rows, blocks) = (4, 2);
    let weights = numbers(11, 2 * WIDTH * blocks * WIDTH);
    let input = strips(5, blocks * rows);
    for (packing, packed, tolerance) in [
        (Packing::F32, Packed::plain(&weights, blocks * WIDTH).unwrap(), 1e-6),
        (Packing::Q8, Packed::quantised(&weights, blocks * WIDTH).unwrap(), 0.02),
    ] {
        let mut signal = packing.signal(&*portable());
        signal.resize(input.len());
        signal.all_mut().store(&*portable(), &input, packing.offset());
        for panel in 0..2 {
            let mut out = vec![Strip::ZERO; rows];
            packed.product(&*portable(), &signal, blocks, panel, &mut out);
            let expected: Vec<Strip> = (0..rows)
                .map(|row| {
                    Strip(std::array::from_fn(|output| {
                        let weights = &weights[(panel * WIDTH + output) * blocks * WIDTH..];
                        (0..blocks * WIDTH)
                            .map(|at| {
                                f64::from(input[at / WIDTH * rows + row].0[at % WIDTH])
                                    * f64::from(weights[at])
                            })
                            .sum::<f64>() as f32
                    }))
                })
                .collect();
            assert_near(&out, &expected, tolerance, "dense");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn products_are_those_of_the_portable_kernel(rows in 1usize..60, blocks in 1usize..30, seed: u64) {
        let stored = stored_q4(seed, WIDTH, blocks);
        let values = numbers(seed, WIDTH * blocks * WIDTH);
        let input = strips(seed ^ 1, blocks * rows);
        let all = [
            (Packing::Q4, Packed::from_q4(&stored, blocks * WIDTH).unwrap()),
            (Packing::Q8, Packed::quantised(&values, blocks * WIDTH).unwrap()),
            (Packing::F32, Packed::plain(&values, blocks * WIDTH).unwrap()),
        ];
        for (packing, packed) in all {
            let product = |kernel: &dyn Kernel| {
                let mut signal = packing.signal(kernel);
                signal.resize(input.len());
                signal.all_mut().store(kernel, &input, packing.offset());
                let mut out = vec![Strip([f32::NAN; WIDTH]); rows];
                packed.product(kernel, &signal, blocks, 0, &mut out);
                out
            };
            let expected = product(&*portable());
            // Products in bf16 are nearer to the numbers than the portable kernel's; the next test is theirs.
            let bytes = packing != Packing::F32;
            for kernel in others().filter(|kernel| !bytes || kernel.in_halves().is_none()) {
                assert_near(&product(&*kernel), &expected, 2e-5, &kernel.choice().to_string());
            }
        }
    }

    /// A weight cut to bf16 is at most .6 % from the number, a rounded activation .4 %; in three parts both are the number. And the
    /// product of a row is the same with any others.
    #[test]
    fn products_in_halves_are_near_the_real_ones(rows in 1usize..70, blocks in 1usize..50, seed: u64) {
        let stored = stored_q4(seed, WIDTH, blocks);
        let values = numbers(seed, WIDTH * blocks * WIDTH);
        let input = strips(seed ^ 1, blocks * rows);
        for kernel in others().filter(|kernel| kernel.in_halves().is_some()) {
            // What a weight is, and how far bytes may be from it.
            let of_nibbles = |output: usize, at: usize| (value_q4(&stored[output * blocks * 18..], at), 0.0);
            let of_bytes = |output: usize, at: usize| {
                let row = &values[output * blocks * WIDTH..];
                let block = &row[at / WIDTH * WIDTH..][..WIDTH];
                let largest = block.iter().fold(0f32, |largest, value| largest.max(value.abs()));
                (row[at], largest / 254.0)
            };
            let of_f32 = |output: usize, at: usize| (values[output * blocks * WIDTH + at], 0.0);
            type Weight<'a> = &'a dyn Fn(usize, usize) -> (f32, f32);
            let all: [(_, _, Weight<'_>, f32); 3] = [
                (Packing::Q4, Packed::from_q4(&stored, blocks * WIDTH).unwrap(), &of_nibbles, 0.01),
                (Packing::Q8, Packed::quantised(&values, blocks * WIDTH).unwrap(), &of_bytes, 0.01),
                (Packing::F32, Packed::plain(&values, blocks * WIDTH).unwrap(), &of_f32, 1e-6),
            ];
            for (packing, packed, weight, precision) in all {
                let product = |input: &[Strip]| {
                    let mut signal = packing.signal(&*kernel);
                    signal.resize(input.len());
                    signal.all_mut().store(&*kernel, input, packing.offset());
                    let mut out = vec![Strip([f32::NAN; WIDTH]); input.len() / blocks];
                    packed.product(&*kernel, &signal, blocks, 0, &mut out);
                    out
                };
                let found = product(&input);
                for (row, found) in found.iter().enumerate() {
                    for output in [0, 15, 16, 31] {
                        let (mut sum, mut slack) = (0f64, f64::from(precision) / 10.0);
                        for at in 0..blocks * WIDTH {
                            let value = f64::from(input[at / WIDTH * rows + row].0[at % WIDTH]);
                            let (weight, error) = weight(output, at);
                            sum += value * f64::from(weight);
                            slack += value.abs() * f64::from(weight.abs() * precision + error);
                        }
                        let error = (f64::from(found.0[output]) - sum).abs();
                        prop_assert!(error <= slack, "{}: {} instead of {}", row, found.0[output], sum);
                    }
                }
                let row = seed as usize % rows;
                let alone: Vec<Strip> = (0..blocks).map(|block| input[block * rows + row]).collect();
                prop_assert_eq!(product(&alone)[0], found[row]);
            }
        }
    }

    #[test]
    fn what_is_no_product_is_the_same_everywhere(rows in 1usize..30, blocks in 1usize..13, keys in 1usize..70, seed: u64) {
        for kernel in others() {
            let (bias, added) = (strips(seed ^ 2, blocks), strips(seed ^ 3, rows * blocks));
            let norm = Normalisation {
                weight: strips(seed ^ 4, blocks), shift: strips(seed ^ 5, blocks), epsilon: 1e-12,
            };
            let both = |work: &dyn Fn(&dyn Kernel, &mut Vec<Strip>), tolerance, what: &str| {
                let (mut found, mut expected) = (strips(seed, rows * blocks), strips(seed, rows * blocks));
                work(&*kernel, &mut found);
                work(&*portable(), &mut expected);
                assert_near(&found, &expected, tolerance, what);
            };
            both(&|kernel, strips| kernel.gelu(strips, &bias[0]), 1e-6, "gelu");
            both(&|kernel, strips| kernel.shift(strips, &bias[0], 0.5), 1e-6, "shift");
            both(&|kernel, strips| kernel.stretch(strips, &numbers(seed, rows * blocks)), 1e-6, "stretch");
            both(&|kernel, strips| kernel.add_and_normalise(strips, &added, rows, &bias, &norm), 1e-4, "norm");
            both(&|kernel, strips| {
                let mut columns = [Strip::ZERO; WIDTH];
                strips.resize(WIDTH, Strip::ZERO);
                kernel.transpose(strips.first_chunk().unwrap(), &mut columns);
                strips.clone_from_slice(&columns);
            }, 0.0, "transpose");
            let keys = keys.min(blocks * WIDTH);
            both(&|kernel, strips| {
                let mut factors = vec![0.0; rows];
                kernel.soften(strips, keys, &mut factors);
                strips.push(Strip(std::array::from_fn(|lane| factors.get(lane).copied().unwrap_or_default())));
            }, 1e-5, "softmax");

            // Each kernel pairs keys in its own way: only from scores to what is attended are all alike.
            let (groups, values) = (keys.div_ceil(WIDTH), strips(seed ^ 6, keys.div_ceil(WIDTH) * WIDTH));
            let attend = |kernel: &dyn Kernel, in_shorts: bool| {
                let (mut scores, mut factors) = (strips(seed, groups * rows), vec![0.0; rows]);
                let mut out = vec![Strip([f32::NAN; WIDTH]); rows];
                if in_shorts {
                    let (mut pairs, mut step) = (vec![Pairs::ZERO; values.len()], 0.0);
                    kernel.pack_values(&values, keys, &mut pairs, &mut step);
                    kernel.soften_shorts(&mut scores, keys, &mut factors);
                    let weights = Plain { strips: &scores, stride: rows };
                    kernel.product_shorts(weights, Values { pairs: &pairs, step }, &factors, &mut out);
                } else {
                    kernel.soften(&mut scores, keys, &mut factors);
                    kernel.product_f32(Plain { strips: &scores, stride: rows }, &values, &mut out);
                    kernel.stretch(&mut out, &factors);
                }
                out
            };
            let expected = attend(&*portable(), true);
            assert_near(&expected, &attend(&*portable(), false), 1e-3, "shorts");
            assert_near(&attend(&*kernel, true), &expected, 1e-4, "attention in shorts");

            let input = strips(seed, rows * 5);
            let (found, expected) = (quantised(&*kernel, &input, 8), quantised(&*portable(), &input, 8));
            prop_assert_eq!(found.codes, expected.codes);
            prop_assert_eq!(found.scales, expected.scales);
            if !matches!(kernel.choice(), KernelChoice::Avx2) {
                prop_assert_eq!(found.starts, expected.starts);
            }
        }
    }
}

#[test]
fn gelu_softmax_and_norm_are_what_the_formulas_say() {
    let kernel = portable();
    let mut values: Vec<Strip> = (0..40)
        .map(|row| Strip(std::array::from_fn(|lane| (row * 32 + lane) as f32 / 64.0 - 10.0)))
        .collect();
    let inputs = values.clone();
    kernel.gelu(&mut values, &Strip([0.25; WIDTH]));
    for (value, input) in values.iter().zip(&inputs).flat_map(|(a, b)| a.0.into_iter().zip(b.0)) {
        let x = f64::from(input) + 0.25;
        let expected = 0.5 * x * (1.0 + candle_core::cpu::erf::erf_f64(x / 2f64.sqrt()));
        assert!((f64::from(value) - expected).abs() < 2e-6, "gelu({x}) is {value}, not {expected}");
    }

    let keys = 50;
    let mut scores = strips(9, 2);
    let plain: Vec<f64> = scores.iter().flat_map(|strip| strip.0).take(keys).map(f64::from).collect();
    let mut factors = [0f32];
    kernel.soften(&mut scores, keys, &mut factors);
    let largest = plain.iter().copied().fold(f64::MIN, f64::max);
    let sum: f64 = plain.iter().map(|score| (score - largest).exp()).sum();
    for (at, score) in scores.iter().flat_map(|strip| strip.0).enumerate() {
        let expected = plain.get(at).map_or(0.0, |plain| (plain - largest).exp() / sum);
        assert!((f64::from(score * factors[0]) - expected).abs() < 1e-6, "softmax at {at}");
    }

    let (rows, blocks) = (3, 4);
    let (mut hidden, added, bias) = (strips(1, rows * blocks), strips(2, rows * blocks), strips(3, blocks));
    let norm = Normalisation { weight: strips(4, blocks), shift: strips(5, blocks), epsilon: 1e-5 };
    let before = hidden.clone();
    kernel.add_and_normalise(&mut hidden, &added, rows, &bias, &norm);
    for row in 0..rows {
        let of = |block: usize, lane: usize| {
            let at = block * rows + row;
            f64::from(before[at].0[lane]) + f64::from(added[at].0[lane]) + f64::from(bias[block].0[lane])
        };
        let all: Vec<f64> = (0..blocks * WIDTH).map(|at| of(at / WIDTH, at % WIDTH)).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let variance = all.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / all.len() as f64;
        for (at, value) in all.iter().enumerate() {
            let (block, lane) = (at / WIDTH, at % WIDTH);
            let expected = (value - mean) / (variance + 1e-5).sqrt() * f64::from(norm.weight[block].0[lane])
                + f64::from(norm.shift[block].0[lane]);
            let found = f64::from(hidden[block * rows + row].0[lane]);
            assert!(
                (found - expected).abs() < 1e-4 * expected.abs().max(1.0),
                "norm: {found}, not {expected}"
            );
        }
    }
}

/// A strip of zeros, and one with a single large number.
#[test]
fn quantising_loses_at_most_half_a_step() {
    let mut input = strips(21, 40);
    input[0] = Strip::ZERO;
    input[1] = Strip(std::array::from_fn(|lane| if lane == 9 { -1e6 } else { 1.0 }));
    let quantised = quantised(&*portable(), &input, 8);
    for (at, strip) in input.iter().enumerate() {
        let scale = quantised.scales[at];
        for (code, value) in quantised.codes[at].0.iter().zip(&strip.0) {
            assert!((f32::from(*code) * scale - value).abs() <= scale * 0.5001);
        }
        let sum: i32 = quantised.codes[at].0.iter().map(|code| i32::from(*code)).sum();
        assert_eq!(quantised.starts[at], -8 * sum);
    }
}

/// Lengths that do not fit are caught before anything is read.
#[test]
fn kernels_refuse_what_would_be_read_beyond_its_end() {
    for kernel in others().chain([portable()]) {
        let input = strips(1, 4);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut out = vec![Strip::ZERO; 5];
            kernel.product_f32(Plain { strips: &input, stride: 4 }, &strips(2, WIDTH), &mut out);
        }));
        assert!(caught.is_err(), "{}", kernel.choice());
        let mut codes = quantised(&*portable(), &input, 8);
        codes.scales.pop();
        let packed = Packed::from_q4(&stored_q4(1, WIDTH, 1), WIDTH).unwrap();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            packed.product(&*kernel, &Signal::Quantised(codes), 1, 0, &mut [Strip::ZERO; 4]);
        }));
        assert!(caught.is_err(), "{}", kernel.choice());
    }
}
