//! The command line: parse, dispatch, exit code.

use std::process::ExitCode;

/// candle maps and frees its tensors over and over; mimalloc keeps the memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    paperkin::cli::run(std::env::args_os())
}
