//! Counting the rows that pass a filter, on all cores.

use lance::Dataset;
use lance::dataset::scanner::Scanner;

use crate::error::Result;
use crate::tasks::{cores, run_all};

/// Count the rows of the dataset that pass.
pub async fn count_passing(dataset: &Dataset, filter: &str) -> Result<u64> {
    let mut scanner = dataset.scan();
    scanner
        .filter(filter)?
        .project::<String>(&[])?
        .with_row_id();
    count(dataset, &scanner).await
}

/// Count the rows of a scan without limit. The engine adds up one stream of batches; here each core has one, unless
/// an index may answer at once.
pub async fn count(dataset: &Dataset, scanner: &Scanner) -> Result<u64> {
    let fragments = dataset.fragments();
    let tasks = cores().min(fragments.len());
    if tasks < 2 || dataset.manifest().index_section.is_some() {
        return Ok(scanner.count_rows().await?);
    }
    let parts = fragments.chunks(fragments.len().div_ceil(tasks));
    let counts = parts.map(|part| {
        let mut scanner = scanner.clone();
        scanner.with_fragments(part.to_vec());
        async move { Ok(scanner.count_rows().await?) }
    });
    Ok(run_all(counts).await?.iter().sum())
}
