//! The bare `lance` crate in the comparison: the same work as `peers/lance_cpp_peer.cpp`, without C and C++.
//!
//! usage: bare_peer write TABLE.arrow DATASET ENCODER_CACHE_BYTES STREAMS
//!        bare_peer scan DATASET [FILTER]
//!        bare_peer count DATASET FILTER
//!        bare_peer open DATASET REPEAT
//!        bare_peer take DATASET ROWS REPEAT

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::time::Instant;

use arrow::array::{RecordBatch, RecordBatchIterator};
use arrow::error::ArrowError;
use arrow::ipc::reader::FileReader;
use futures::TryStreamExt;
use futures::future::join_all;
use lance::Dataset;
use lance::dataset::transaction::{Operation, Transaction};
use lance::dataset::{CommitBuilder, InsertBuilder, ProjectionRequest, WriteParams};
use lance_file::writer::FileWriterOptions;
use serde_json::json;

type Done<T = ()> = Result<T, Box<dyn Error>>;

/// A generator of numbers that needs no crate: which rows are taken does not matter, as long as they are spread.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 16) % bound
    }
}

/// Write so many streams side by side, and commit them as one version.
async fn write(table: &str, dataset: &str, cache: u64, streams: usize) -> Done {
    let reader = FileReader::try_new(BufReader::new(File::open(table)?), None)?;
    let schema = reader.schema();
    let batches = reader.collect::<Result<Vec<RecordBatch>, ArrowError>>()?;
    let params = WriteParams {
        file_writer_options: Some(FileWriterOptions {
            data_cache_bytes: Some(cache),
            ..Default::default()
        }),
        ..Default::default()
    };
    let begin = Instant::now();
    let parts = batches.chunks(batches.len().div_ceil(streams)).map(|part| {
        let part: Vec<_> = part.iter().cloned().map(Ok).collect();
        let source = RecordBatchIterator::new(part, schema.clone());
        let (dataset, params) = (dataset.to_string(), params.clone());
        tokio::spawn(async move {
            InsertBuilder::new(dataset.as_str())
                .with_params(&params)
                .execute_uncommitted_stream(source)
                .await
        })
    });
    let mut whole: Option<Transaction> = None;
    for part in join_all(parts).await {
        let part = part??;
        match (&mut whole, part.operation) {
            (Some(whole), Operation::Overwrite { fragments, .. }) => {
                if let Operation::Overwrite { fragments: all, .. } = &mut whole.operation {
                    all.extend(fragments);
                }
            }
            (_, operation) => whole = Some(Transaction { operation, ..part }),
        }
    }
    let rows = CommitBuilder::new(dataset)
        .execute(whole.ok_or("no batches")?)
        .await?
        .count_rows(None)
        .await?;
    report(begin, rows);
    Ok(())
}

fn report(begin: Instant, rows: usize) {
    println!(
        "{}",
        json!({"seconds": begin.elapsed().as_secs_f64(), "rows": rows})
    );
}

async fn scan(dataset: &str, filter: Option<&str>) -> Done {
    let dataset = Dataset::open(dataset).await?;
    let begin = Instant::now();
    let mut scanner = dataset.scan();
    if let Some(filter) = filter {
        scanner.filter(filter)?;
    }
    let batches = scanner.try_into_stream().await?;
    let rows = batches
        .try_fold(0, |rows, batch| async move { Ok(rows + batch.num_rows()) })
        .await?;
    report(begin, rows);
    Ok(())
}

async fn count(dataset: &str, filter: &str) -> Done {
    let dataset = Dataset::open(dataset).await?;
    let begin = Instant::now();
    let rows = dataset.count_rows(Some(filter.to_string())).await?;
    report(begin, rows);
    Ok(())
}

async fn open(path: &str, repeat: usize) -> Done {
    let mut each = Vec::new();
    for _ in 0..repeat {
        let begin = Instant::now();
        Dataset::open(path).await?;
        each.push(begin.elapsed().as_secs_f64());
    }
    println!("{}", json!({"each": each}));
    Ok(())
}

async fn take(dataset: &str, rows: usize, repeat: usize) -> Done {
    let dataset = Dataset::open(dataset).await?;
    let total = dataset.count_rows(None).await? as u64;
    let mut draw = Draw(1);
    let mut each = Vec::new();
    // The first one reads what the caches keep.
    for _ in 0..=repeat {
        let positions: Vec<u64> = (0..rows).map(|_| draw.below(total)).collect();
        let begin = Instant::now();
        dataset
            .take(
                &positions,
                ProjectionRequest::from(dataset.schema().clone()),
            )
            .await?;
        each.push(begin.elapsed().as_secs_f64());
    }
    println!("{}", json!({"each": each[1..]}));
    Ok(())
}

#[tokio::main]
async fn main() -> Done {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["write", table, dataset, cache, streams] => {
            write(table, dataset, cache.parse()?, streams.parse()?).await
        }
        ["scan", dataset] => scan(dataset, None).await,
        ["scan", dataset, filter] => scan(dataset, Some(filter)).await,
        ["count", dataset, filter] => count(dataset, filter).await,
        ["open", dataset, repeat] => open(dataset, repeat.parse()?).await,
        ["take", dataset, rows, repeat] => take(dataset, rows.parse()?, repeat.parse()?).await,
        _ => Err("see the top of the source for the usage".into()),
    }
}
