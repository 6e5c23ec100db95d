//! One model for many callers at once: whoever asks while a forward pass runs shares the next one, and a lone caller never waits.
//!
//! A forward pass takes all cores, so passes run one at a time; short calls (a question) that came meanwhile go together into
//! one, which costs less than one each. Long calls (passages to index, a large request for vectors) are run piece by piece, and
//! short ones go between the pieces. There is no timer: who finds the model free begins at once.
//! A call whose caller has left meanwhile ([`while_wanted`]) never reaches the model.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Instant;

use super::{EncodeError, Encoder};
use crate::paper::{Role, UnitVector};

/// Tokens of one pass: what a pass takes is what a question waits for at most. Some hundred are enough to keep cores busy.
const PASS_TOKENS: usize = 1_024;

/// Passes of short calls while a long one waits: it gets on, however many ask.
const MOST_BEFORE_LONG: usize = 8;

thread_local! {
    /// For whom this thread works: an encoder is asked deep below whoever knows.
    static CALLER: RefCell<Option<Weak<()>>> = const { RefCell::new(None) };
}

/// Works for a `caller` who may leave, which drops what `caller` points to: calls that wait for the model then come to nothing
/// ([`EncodeError::Abandoned`]).
pub fn while_wanted<T>(caller: Weak<()>, work: impl FnOnce() -> T) -> T {
    /// Also where the work panics, the thread's next work is for somebody else.
    struct Before(Option<Weak<()>>);
    impl Drop for Before {
        fn drop(&mut self) {
            CALLER.set(self.0.take());
        }
    }
    let _before = Before(CALLER.replace(Some(caller)));
    work()
}

/// An encoder whose concurrent callers share forward passes.
pub struct SharedEncoder {
    encoder: Arc<dyn Encoder>,
    turns: Mutex<Turns>,
    changed: Condvar,
}

/// Who waits for what.
#[derive(Default)]
struct Turns {
    is_running: bool,
    short: VecDeque<Arc<Call>>,
    /// Tickets, in the order of coming.
    long: VecDeque<u64>,
    tickets: u64,
    /// Of short calls, since a long one waits.
    passes: usize,
}

impl Turns {
    fn is_turn_of_long(&self) -> bool {
        !self.long.is_empty() && (self.short.is_empty() || self.passes >= MOST_BEFORE_LONG)
    }

    /// The calls that share the next pass: the oldest, and of the others those in the same roles, as many as fit.
    fn next_pass(&mut self) -> Vec<Arc<Call>> {
        let mut pass: Vec<Arc<Call>> = Vec::new();
        let mut tokens = 0;
        let mut left = VecDeque::with_capacity(self.short.len());
        for call in self.short.drain(..) {
            if call.is_abandoned() {
                let _ = call.ended.set(Ended::Abandoned);
                continue;
            }
            let fits = pass
                .first()
                .is_none_or(|first| first.roles == call.roles && tokens + call.tokens <= PASS_TOKENS);
            if fits {
                tokens += call.tokens;
                pass.push(call);
            } else {
                left.push_back(call);
            }
        }
        self.short = left;
        self.passes = if self.long.is_empty() { 0 } else { self.passes + 1 };
        pass
    }
}

/// In which roles texts are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Roles {
    One(Role),
    Both,
}

impl Roles {
    fn count(self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Both => 2,
        }
    }
}

/// A short call that waits.
struct Call {
    roles: Roles,
    texts: Vec<String>,
    tokens: usize,
    /// Who waits; nobody who could leave, if `None`.
    caller: Option<Weak<()>>,
    ended: OnceLock<Ended>,
}

impl Call {
    fn is_abandoned(&self) -> bool {
        self.caller.as_ref().is_some_and(|caller| caller.strong_count() == 0)
    }
}

/// How a shared pass ended for one of its calls.
enum Ended {
    /// With its vectors, taken once.
    Encoded(Mutex<Vec<UnitVector>>),
    /// Somebody's text broke the pass: each goes by itself, and meets its own failure only.
    Parted,
    /// Nobody waits for it any more.
    Abandoned,
}

/// The right to run the model; given back when dropped, also by a panic.
struct Turn<'a> {
    of: &'a SharedEncoder,
    /// The ticket of who has more to run: back in line before anybody else can overtake.
    again: Option<u64>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut turns = self.of.lock();
        turns.is_running = false;
        turns.long.extend(self.again);
        drop(turns);
        self.of.changed.notify_all();
    }
}

impl SharedEncoder {
    /// Shares `encoder`.
    #[must_use]
    pub fn new(encoder: Arc<dyn Encoder>) -> Self {
        Self { encoder, turns: Mutex::default(), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, turns: MutexGuard<'a, Turns>) -> MutexGuard<'a, Turns> {
        self.changed.wait(turns).unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, roles: Roles, texts: &[&str]) -> Result<Vec<UnitVector>, EncodeError> {
        let tokens: Vec<usize> =
            texts.iter().map(|text| self.encoder.count_tokens(text).saturating_mul(roles.count())).collect();
        let all = sum(&tokens);
        if all <= PASS_TOKENS {
            return self.run_short(roles, texts, all);
        }
        let mut vectors = Vec::with_capacity(texts.len());
        let ticket = self.line_up();
        for piece in pieces(&tokens) {
            let (begun, is_last) = (piece.start, piece.end == texts.len());
            let of_piece = sum(tokens.get(piece.clone()).unwrap_or_default());
            let texts = texts.get(piece).unwrap_or_default();
            let mut turn = self.turn_of_long(ticket);
            vectors.extend(self.pass(roles, texts, of_piece).map_err(|error| error.behind(begun))?);
            turn.again = (!is_last).then_some(ticket);
        }
        Ok(vectors)
    }

    /// Together with who else waits; by who finds the model free.
    fn run_short(&self, roles: Roles, texts: &[&str], tokens: usize) -> Result<Vec<UnitVector>, EncodeError> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let caller = CALLER.with_borrow(Clone::clone);
        let call = Arc::new(Call { roles, texts, tokens, caller, ended: OnceLock::new() });
        let mut turns = self.lock();
        turns.short.push_back(Arc::clone(&call));
        loop {
            match call.ended.get() {
                Some(Ended::Encoded(vectors)) => {
                    return Ok(std::mem::take(&mut vectors.lock().unwrap_or_else(PoisonError::into_inner)));
                }
                Some(Ended::Abandoned) => return Err(EncodeError::Abandoned),
                Some(Ended::Parted) => {
                    while turns.is_running {
                        turns = self.wait(turns);
                    }
                    turns.is_running = true;
                    drop(turns);
                    let _turn = Turn { of: self, again: None };
                    let texts: Vec<&str> = call.texts.iter().map(String::as_str).collect();
                    return self.pass(roles, &texts, tokens);
                }
                None if turns.is_running || turns.is_turn_of_long() => turns = self.wait(turns),
                None => {
                    turns.is_running = true;
                    let pass = turns.next_pass();
                    drop(turns);
                    let turn = Turn { of: self, again: None };
                    self.run_pass(&pass);
                    drop(turn);
                    turns = self.lock();
                }
            }
        }
    }

    fn run_pass(&self, pass: &[Arc<Call>]) {
        let Some(roles) = pass.first().map(|call| call.roles) else { return };
        let texts: Vec<&str> = pass.iter().flat_map(|call| &call.texts).map(String::as_str).collect();
        let tokens = pass.iter().map(|call| call.tokens).sum();
        metrics::histogram!("paperkin_encoder_pass_calls").record(pass.len() as f64);
        let encoded = catch_unwind(AssertUnwindSafe(|| self.pass(roles, &texts, tokens)));
        let mut vectors = match encoded {
            Ok(Ok(vectors)) if vectors.len() == texts.len() => Some(vectors.into_iter()),
            _ => None,
        };
        for call in pass {
            let ended = vectors.as_mut().map_or(Ended::Parted, |vectors| {
                Ended::Encoded(Mutex::new(vectors.by_ref().take(call.texts.len()).collect()))
            });
            let _ = call.ended.set(ended);
        }
    }

    fn line_up(&self) -> u64 {
        let mut turns = self.lock();
        turns.tickets += 1;
        let ticket = turns.tickets;
        turns.long.push_back(ticket);
        ticket
    }

    fn turn_of_long(&self, ticket: u64) -> Turn<'_> {
        let mut turns = self.lock();
        while turns.is_running || turns.long.front() != Some(&ticket) || !turns.is_turn_of_long() {
            turns = self.wait(turns);
        }
        turns.long.pop_front();
        turns.passes = 0;
        turns.is_running = true;
        Turn { of: self, again: None }
    }

    fn pass(&self, roles: Roles, texts: &[&str], tokens: usize) -> Result<Vec<UnitVector>, EncodeError> {
        let started = Instant::now();
        let encoded = match roles {
            Roles::One(role) => self.encoder.encode(role, texts),
            Roles::Both => self.encoder.encode_both(texts),
        };
        metrics::histogram!("paperkin_encoder_pass_seconds").record(started.elapsed());
        metrics::histogram!("paperkin_encoder_pass_tokens").record(tokens as f64);
        metrics::counter!("paperkin_encoder_tokens_total").increment(tokens as u64);
        encoded
    }
}

impl Encoder for SharedEncoder {
    fn fingerprint(&self) -> &str {
        self.encoder.fingerprint()
    }

    fn dimension(&self) -> usize {
        self.encoder.dimension()
    }

    fn token_limit(&self) -> usize {
        self.encoder.token_limit()
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.encoder.count_tokens(text)
    }

    fn tokens_read(&self, role: Role, text: &str) -> usize {
        self.encoder.tokens_read(role, text)
    }

    fn encode(&self, role: Role, texts: &[&str]) -> Result<Vec<UnitVector>, EncodeError> {
        self.run(Roles::One(role), texts)
    }

    fn encode_both(&self, texts: &[&str]) -> Result<Vec<UnitVector>, EncodeError> {
        self.run(Roles::Both, texts)
    }
}

/// What cannot be read counts as endless.
fn sum(tokens: &[usize]) -> usize {
    tokens.iter().fold(0, |sum, tokens| sum.saturating_add(*tokens))
}

/// Texts in a row that fit into one pass, or one text.
fn pieces(tokens: &[usize]) -> Vec<std::ops::Range<usize>> {
    let mut pieces: Vec<std::ops::Range<usize>> = Vec::new();
    let mut filled = 0_usize;
    for (at, tokens) in tokens.iter().enumerate() {
        filled = filled.saturating_add(*tokens);
        match pieces.last_mut() {
            Some(piece) if filled <= PASS_TOKENS => piece.end = at + 1,
            _ => {
                filled = *tokens;
                pieces.push(at..at + 1);
            }
        }
    }
    pieces
}

#[cfg(test)]
#[path = "shared_tests.rs"]
mod tests;
