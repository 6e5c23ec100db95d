//! Work that may take long while somebody waits for answers: it leaves a core free, and the system gives way to who asks.

use rayon::ThreadPoolBuilder;

/// So much is every such thread put back: the utmost.
#[cfg(target_os = "linux")]
const NICE: i32 = 19;

/// What `work` gives, done by threads of its own: one less than there are cores, at the lowest priority where the system knows one for
/// threads (Linux). Where no threads are to be had it is done as any other work.
pub fn behind<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = ThreadPoolBuilder::new()
        .num_threads(cores.saturating_sub(1).max(1))
        .thread_name(|at| format!("behind-{at}"))
        .start_handler(|_| {
            #[cfg(target_os = "linux")]
            // As fast as the others, if it must be.
            let _ = rustix::process::nice(NICE);
        });
    match threads.build() {
        Ok(threads) => threads.install(work),
        Err(_) => work(),
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    #[test]
    fn work_behind_is_done_by_threads_that_make_way() {
        #[cfg(target_os = "linux")]
        let before = rustix::process::nice(0).unwrap();
        let seen = super::behind(|| {
            let thread = || std::thread::current().name().map(str::to_owned).unwrap_or_default();
            #[cfg(target_os = "linux")]
            assert_eq!(rustix::process::nice(0).unwrap(), super::NICE);
            (0..1000).into_par_iter().map(|_| thread()).collect::<Vec<String>>()
        });
        assert!(seen.iter().all(|name| name.starts_with("behind-")), "{seen:?}");
        #[cfg(target_os = "linux")]
        assert_eq!(rustix::process::nice(0).unwrap(), before, "others keep their priority");
    }
}
