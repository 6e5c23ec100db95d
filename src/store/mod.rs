//! The truth: records, papers, passages and raw vectors, in one crash-safe file.
