//! Stands in for `search::ranker` until that is merged: the same API, dense rankings only.

use crate::index::{Centring, PassageMeans};
use crate::paper::{Language, Paper, Passage, Role, UnitVector};
use crate::search::SearchError;
use crate::store::PaperNumber;

/// A way to rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The model's plain cosine.
    Dense,
    /// Words.
    Lexical,
    /// Both ranks.
    ReciprocalRank,
    /// What the product does.
    Shipped,
}

/// One chunk of a question.
pub struct Piece {
    /// Its language.
    pub language: Language,
    /// Its vector as a question.
    pub as_query: UnitVector,
    /// Its vector as a passage.
    pub as_passage: UnitVector,
}

/// What is asked.
pub struct Question {
    /// Its text.
    pub text: String,
    /// Its chunks.
    pub pieces: Vec<Piece>,
}

/// A paper found.
pub struct RankedPaper {
    /// Which.
    pub paper: PaperNumber,
}

type Row = (PaperNumber, UnitVector, UnitVector);

/// Everything in memory.
pub struct Ranker {
    rows: Vec<Row>,
    centring: Centring,
}

impl Ranker {
    /// Of papers numbered by position.
    pub fn in_memory(
        _papers: &[Paper],
        passages: &[(PaperNumber, Passage, UnitVector)],
        prior: &Centring,
        _dimension: usize,
    ) -> Result<Self, SearchError> {
        let mut means = PassageMeans::default();
        for (_, passage, raw) in passages {
            means.add(passage.language, raw.as_slice());
        }
        let centring = prior.blended_with(&means);
        let row = |(paper, passage, raw): &(PaperNumber, Passage, UnitVector)| {
            (*paper, raw.clone(), centring.apply(Role::Passage, passage.language, raw))
        };
        Ok(Self { rows: passages.iter().map(row).collect(), centring })
    }

    /// Papers that answer.
    pub fn rank(
        &self,
        question: &Question,
        method: Method,
        limit: usize,
        allow: &dyn Fn(PaperNumber) -> bool,
    ) -> Vec<RankedPaper> {
        let plain = method != Method::Shipped;
        let asked = |piece: &Piece| {
            if plain {
                piece.as_query.clone()
            } else {
                self.centring.apply(Role::Query, piece.language, &piece.as_query)
            }
        };
        let pieces: Vec<UnitVector> = question.pieces.iter().map(asked).collect();
        UnitVector::mean_of(&pieces).map(|asked| self.near(&asked, plain, limit, allow)).unwrap_or_default()
    }

    /// Papers like these.
    pub fn related(
        &self,
        liked: &[PaperNumber],
        _disliked: &[PaperNumber],
        method: Method,
        limit: usize,
        allow: &dyn Fn(PaperNumber) -> bool,
    ) -> Vec<RankedPaper> {
        let plain = method != Method::Shipped;
        let of = |row: &Row| if plain { row.1.clone() } else { row.2.clone() };
        let own: Vec<UnitVector> = self.rows.iter().filter(|row| liked.contains(&row.0)).map(of).collect();
        let others = |paper| allow(paper) && !liked.contains(&paper);
        UnitVector::mean_of(&own).map(|asked| self.near(&asked, plain, limit, &others)).unwrap_or_default()
    }

    fn near(
        &self,
        asked: &UnitVector,
        plain: bool,
        limit: usize,
        allow: &dyn Fn(PaperNumber) -> bool,
    ) -> Vec<RankedPaper> {
        let mut best: std::collections::HashMap<PaperNumber, f32> = std::collections::HashMap::new();
        for (paper, raw, centred) in self.rows.iter().filter(|row| allow(row.0)) {
            let cosine = if plain { raw } else { centred }.cosine(asked);
            best.entry(*paper).and_modify(|known| *known = known.max(cosine)).or_insert(cosine);
        }
        let mut found: Vec<(PaperNumber, f32)> = best.into_iter().collect();
        found.sort_unstable_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
        found.into_iter().take(limit).map(|(paper, _)| RankedPaper { paper }).collect()
    }
}
