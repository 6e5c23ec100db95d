//! The words of the product: what a paper, a record, a commentary and a passage are.
//!
//! This room is pure: no IO, no async, no dependency on any other room. Everything else in the house is
//! written in these types, so a change here is a change of the product's meaning.
//!
//! A **record** is what one source says about one paper; a **paper** is all records of one work, merged.
//! The store keeps the records, so a source can change its mind, and be withdrawn, without guessing.

mod ascending;
mod asked_author;
mod author;
mod chunk;
mod doubt;
mod duplicates;
mod id;
mod identity;
mod language;
mod latex;
mod latex_math;
mod latex_symbols;
mod merge;
mod nearness;
mod numerals;
mod passage;
mod people;
mod record;
mod text;
mod title;
mod vector;

pub use ascending::place_of;
pub use asked_author::{AskedAuthor, author_key};
pub use author::{family_and_given, family_first, natural_name, natural_order};
pub use chunk::{Span, chunk, sentences, telling_sentences};
pub use doubt::{Against, Doubt, doubt};
pub use duplicates::{DoubtfulPair, candidate_keys, doubtful_pairs};
pub use id::{ArxivId, Doi, Mention, PaperId, identifiers_in};
pub use identity::{Evidence, Verdict, repository_name, same_work, united};
pub use language::Language;
pub use latex::{latex_text, unicode_of};
pub use merge::{Note, Paper};
pub use passage::{Passage, PassageKind, TextHash, passages_of};
pub use record::{Commentary, Record, Source};
pub use text::{code_points, cut, letters_and_digits, normalise, single_line};
pub(crate) use title::fold as fold_accents;
pub use title::{folded_title, is_small_word, normalised_title};
pub use vector::{PassageVectors, Role, UnitVector, VectorError};
pub(crate) use vector::{dot, in_bytes};
