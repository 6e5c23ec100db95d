//! Where the model runs: CPU or CUDA, chosen by the person, refused with the remedy where it is not there.

use candle_core::Device;
use std::fmt;

/// What the person asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// Works everywhere.
    #[default]
    Cpu,
    /// The first NVIDIA GPU.
    Cuda,
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        })
    }
}

/// The chosen device is not there.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The binary has no CUDA code in it.
    #[error(
        "this paperkin was built without CUDA; use --device cpu, or build it with \
         'cargo build --release --features cuda' where the CUDA toolkit is installed"
    )]
    NotBuilt,
    /// CUDA is built in, but no GPU answers.
    #[error("no CUDA device answers ({0}); check 'nvidia-smi', or use --device cpu")]
    NotThere(candle_core::Error),
}

impl DeviceChoice {
    /// Opens the device.
    ///
    /// # Errors
    /// Where it is not there; never falls back in silence.
    pub fn open(self) -> Result<Device, DeviceError> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda if !candle_core::utils::cuda_is_available() => Err(DeviceError::NotBuilt),
            Self::Cuda => Device::new_cuda(0).map_err(DeviceError::NotThere),
        }
    }
}

#[cfg(all(test, not(feature = "cuda")))]
mod tests {
    use super::*;

    #[test]
    fn cuda_is_refused_with_the_remedy() {
        let refusal = DeviceChoice::Cuda.open().unwrap_err().to_string();
        assert!(refusal.contains("--device cpu") && refusal.contains("--features cuda"), "{refusal}");
    }
}
