//! A map between two layouts: who came stands among the nearest who are there, who went is not there.

use rayon::prelude::*;

use super::{CHANGED_SHARE, Map, MapError, NEIGHBOURS, PaperVectors, Point};

/// Neighbours whose middle a newcomer takes. Of many the middle is nowhere: they may stand on different islands.
const HOSTS: usize = 5;
/// Newcomers between two looks at whether to go on.
const WAVE: usize = 256;

impl Map {
    /// This map with those papers that came and without those that went; `None` where too many did, so that all are to be laid out.
    pub(super) fn grown(
        &self,
        vectors: &PaperVectors,
        see: &mut dyn FnMut(f32) -> bool,
    ) -> Result<Option<Self>, MapError> {
        let mut stand: Vec<(usize, Point)> = Vec::with_capacity(vectors.keys.len());
        let mut came = Vec::new();
        for (row, key) in vectors.keys.iter().enumerate() {
            match self.place(*key) {
                Some(point) => stand.push((row, point)),
                None => came.push(row),
            }
        }
        let went = self.len().saturating_sub(stand.len());
        let changed = (self.changed as usize).saturating_add(came.len()).saturating_add(went);
        if stand.len() < NEIGHBOURS || changed.saturating_mul(CHANGED_SHARE) > self.laid_out as usize {
            return Ok(None);
        }
        let mut places: Vec<(u64, Point)> =
            stand.iter().filter_map(|(row, point)| Some((*vectors.keys.get(*row)?, *point))).collect();
        for (wave, rows) in came.chunks(WAVE).enumerate() {
            if !see((wave * WAVE) as f32 / came.len() as f32) {
                return Err(MapError::Stopped);
            }
            let placed = rows
                .par_iter()
                .filter_map(|row| Some((*vectors.keys.get(*row)?, beside(vectors, *row, &stand))));
            places.par_extend(placed);
        }
        places.sort_unstable();
        places.dedup_by_key(|(key, _)| *key);
        let digest = vectors.digest();
        Ok(Some(Self { digest, laid_out: self.laid_out, changed: changed as u32, places }))
    }
}

/// The middle of the nearest, each weighed by how near it is; of those that stand near to the nearest of all, as a paper between two
/// fields belongs to one of them and not to the sea between.
fn beside(vectors: &PaperVectors, row: usize, stand: &[(usize, Point)]) -> Point {
    let mut nearest: Vec<(f32, Point)> = Vec::with_capacity(HOSTS + 1);
    for (other, point) in stand {
        let similarity = vectors.codes.between(row, *other);
        if nearest.len() < HOSTS || nearest.last().is_some_and(|(worst, _)| similarity > *worst) {
            let at = nearest.partition_point(|(known, _)| *known >= similarity);
            nearest.insert(at, (similarity, *point));
            nearest.truncate(HOSTS);
        }
    }
    let first = nearest.first().map_or([u16::MAX / 2; 2], |(_, point)| *point);
    let reach = f32::from(u16::MAX) / 20.0;
    let (mut sum, mut weights) = ([0.0f32; 2], 0.0f32);
    for (similarity, point) in &nearest {
        let apart = [0, 1].map(|axis| f32::from(point[axis]) - f32::from(first[axis]));
        if apart[0].hypot(apart[1]) <= reach {
            let weight = similarity.max(0.01);
            sum = [0, 1].map(|axis| sum[axis] + weight * f32::from(point[axis]));
            weights += weight;
        }
    }
    if weights > 0.0 { sum.map(|sum| (sum / weights).round() as u16) } else { first }
}
