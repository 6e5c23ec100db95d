//! A published generation is whole, or it is refused.
