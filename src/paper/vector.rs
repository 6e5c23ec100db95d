//! The only vector that travels between rooms: finite, of length one, of the dimension its maker promised.

/// What a text is to the model. Models of the e5 family are trained with a different prefix for each, and a
/// vector made in one role must never be mistaken for the other: hence a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Something asked.
    Query,
    /// Something stored.
    Passage,
}

/// A vector that cannot be made a unit vector.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VectorError {
    /// NaN or infinity at this position.
    #[error("the vector is not finite at position {0}")]
    NotFinite(usize),
    /// All numbers are (next to) zero: there is no direction.
    #[error("the vector has no direction (length zero)")]
    Zero,
}

/// A direction: numbers whose squares sum to one (within f32).
#[derive(Clone, Debug, PartialEq)]
pub struct UnitVector(Box<[f32]>);

impl UnitVector {
    /// Scales `values` to length one.
    ///
    /// # Errors
    /// Where a value is not finite or the length is zero.
    pub fn new(mut values: Vec<f32>) -> Result<Self, VectorError> {
        if let Some(position) = values.iter().position(|value| !value.is_finite()) {
            return Err(VectorError::NotFinite(position));
        }
        let length = values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        if length < 1e-12 {
            return Err(VectorError::Zero);
        }
        for value in &mut values {
            *value = (f64::from(*value) / length) as f32;
        }
        Ok(Self(values.into_boxed_slice()))
    }

    /// The direction in the middle of `vectors`, which have one dimension.
    ///
    /// # Errors
    /// If there are none, or they cancel each other out.
    pub fn mean_of(vectors: &[Self]) -> Result<Self, VectorError> {
        let mut sum = vec![0.0; vectors.first().map_or(0, Self::dimension)];
        for vector in vectors {
            for (sum, value) in sum.iter_mut().zip(vector.as_slice()) {
                *sum += value;
            }
        }
        Self::new(sum)
    }

    /// The direction in a byte a number, two's complement: the largest is 127 or -127. Cosines between directions of hundreds of
    /// numbers change by less than 0.005.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        in_bytes(&self.0).into_iter().map(i8::cast_unsigned).collect()
    }

    /// The direction of [`UnitVector::to_bytes`].
    ///
    /// # Errors
    /// If all bytes are zero.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VectorError> {
        Self::new(bytes.iter().map(|byte| f32::from(byte.cast_signed())).collect())
    }

    /// The numbers.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// How many numbers.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.0.len()
    }

    /// The cosine of the angle to `other`, from -1 to 1; both must have the same dimension.
    #[must_use]
    pub fn cosine(&self, other: &Self) -> f32 {
        debug_assert_eq!(self.dimension(), other.dimension());
        dot(&self.0, &other.0).clamp(-1.0, 1.0)
    }
}

/// What is known of the direction of a passage.
#[derive(Clone, Debug, PartialEq)]
pub struct PassageVectors {
    /// Of all of it.
    pub whole: UnitVector,
    /// Of each of its telling sentences ([`super::Passage::sentences`]); none where there are not several.
    pub sentences: Vec<UnitVector>,
}

impl PassageVectors {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &UnitVector> {
        std::iter::once(&self.whole).chain(&self.sentences)
    }
}

impl From<UnitVector> for PassageVectors {
    fn from(whole: UnitVector) -> Self {
        Self { whole, sentences: Vec::new() }
    }
}

/// Numbers in a byte each: the largest is 127 or -127, the others in proportion.
#[must_use]
pub(crate) fn in_bytes(values: &[f32]) -> Vec<i8> {
    let largest = values.iter().fold(f32::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
    values.iter().map(|value| (value / largest * 127.0).round() as i8).collect()
}

/// Dot product in eight lanes, which the compiler turns into SIMD; a plain sum would be a chain of additions.
#[must_use]
pub(crate) fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let (left_chunks, right_chunks) = (left.chunks_exact(8), right.chunks_exact(8));
    let tail: f32 = left_chunks.remainder().iter().zip(right_chunks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in left_chunks.zip(right_chunks) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f32>() + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_directions_become_unit_vectors() {
        assert_eq!(UnitVector::new(vec![0.0; 4]), Err(VectorError::Zero));
        assert_eq!(UnitVector::new(vec![0.0, f32::NAN]), Err(VectorError::NotFinite(1)));
        assert_eq!(UnitVector::new(vec![1.0, f32::INFINITY]), Err(VectorError::NotFinite(1)));
        let vector = UnitVector::new((0u8..19).map(f32::from).collect()).unwrap();
        assert!((vector.cosine(&vector) - 1.0).abs() < 1e-6);
        assert!(vector.cosine(&vector) <= 1.0);
    }

    #[test]
    fn a_direction_in_bytes_is_nearly_the_same() {
        let vector = UnitVector::new((0..384).map(|at| (at as f32 * 0.7).sin() - 0.1).collect()).unwrap();
        let bytes = vector.to_bytes();
        assert_eq!(bytes.len(), 384);
        assert!(vector.cosine(&UnitVector::from_bytes(&bytes).unwrap()) > 0.9999);
        assert_eq!(UnitVector::from_bytes(&[0; 4]), Err(VectorError::Zero));
    }
}
