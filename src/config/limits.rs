//! Every bound of the product, in one place.

use std::time::Duration;

/// Bounds on what one request may ask and hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Code points of a question; a longer one is refused, not cut. So many are some seconds for the model, which
    /// everybody else waits for.
    pub question_characters: usize,
    /// Hits in one answer.
    pub hits: usize,
    /// Papers and texts that one `related` may name.
    pub examples: usize,
    /// Texts of one embedding request.
    pub texts: usize,
    /// Tokens of one embedding request, all its texts together: some ten seconds for a laptop, in many short turns.
    pub text_tokens: usize,
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// Memory for all bodies of requests: each takes as much of it as it says it has, or `body_bytes`.
    pub body_room: usize,
    /// Bytes of papers in one body.
    pub upload_bytes: usize,
    /// Uploads under way; the memory for their bodies is so many times `upload_bytes`.
    pub uploads: usize,
    /// Uploads whose papers wait to be embedded; one more is answered 503 before it is read.
    pub waiting_tasks: usize,
    /// Event streams open at once.
    pub event_streams: usize,
    /// Exports under way: each keeps a snapshot, whose space the writer cannot reuse.
    pub exports: usize,
    /// Bytes of a request's target and headers.
    pub header_bytes: usize,
    /// Open connections.
    pub connections: usize,
    /// Requests under way; one more is answered 503.
    pub requests: usize,
    /// Questions being answered at once, which share the model's passes, and as many that need no model; the others wait, and cost
    /// nothing if their client leaves.
    pub questions: usize,
    /// From the first byte of a connection to the end of the request's headers.
    pub header_time: Duration,
    /// From the headers to the end of the body, however steadily it trickles.
    pub body_time: Duration,
    /// From the whole request to the answer.
    pub request_time: Duration,
    /// The longest pause of a client in reading its answer.
    pub reading_pause: Duration,
    /// From a signal to stop until connections are dropped: whoever stops us waits for ten seconds, mostly.
    pub drain_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            question_characters: 4_000,
            hits: 1_000,
            examples: 100,
            texts: 256,
            text_tokens: 65_536,
            body_bytes: 1024 * 1024,
            body_room: 16 * 1024 * 1024,
            upload_bytes: 16 * 1024 * 1024,
            uploads: 4,
            waiting_tasks: 256,
            event_streams: 64,
            exports: 2,
            header_bytes: 64 * 1024,
            connections: 4_096,
            requests: 64,
            questions: 16,
            header_time: Duration::from_secs(10),
            body_time: Duration::from_secs(20),
            request_time: Duration::from_secs(30),
            reading_pause: Duration::from_secs(10),
            drain_time: Duration::from_secs(9),
        }
    }
}

impl Limits {
    /// So small that a test reaches them at once.
    #[must_use]
    pub fn for_testing() -> Self {
        Self {
            question_characters: 2_000,
            hits: 50,
            examples: 4,
            texts: 4,
            text_tokens: 600,
            body_bytes: 16 * 1024,
            upload_bytes: 64 * 1024,
            event_streams: 2,
            exports: 1,
            connections: 16,
            requests: 4,
            header_time: Duration::from_millis(300),
            body_time: Duration::from_millis(300),
            request_time: Duration::from_secs(5),
            reading_pause: Duration::from_secs(5),
            drain_time: Duration::from_secs(1),
            ..Self::default()
        }
    }
}
