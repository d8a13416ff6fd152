//! The process-wide runtime.

use lance_engine::Result;
use lance_engine::settings::RuntimeSettings;

pub fn configure(settings: RuntimeSettings) -> Result<()> {
    lance_engine::runtime::configure(&settings)
}
