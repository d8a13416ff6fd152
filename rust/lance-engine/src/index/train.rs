//! Learning what the segments of a vector index have in common.

use std::sync::Arc;

use arrow::datatypes::Float32Type;
use lance::Dataset;
use lance::index::vector::ivf::build_ivf_model;
use lance::index::vector::pq::build_pq_model;
use lance_index::vector::bq::RQRotationType;
use lance_index::vector::bq::builder::RabitQuantizer;
use lance_index::vector::bq::storage::RabitQuantizationMetadata;
use lance_index::vector::ivf::builder::recommended_num_partitions;
use lance_index::vector::quantizer::Quantization;

use super::definition::{Definition, no_model};
use super::kind::{self, VectorColumn};
use super::model::Model;
use super::progress::Telling;
use super::vector::{self, Given};
use crate::error::{Error, Result, code};
use crate::panics::contained;
use crate::read::Opened;
use crate::settings::{IndexSettings, IndexType};
use crate::task::Task;

/// Learn a model from the rows of a version.
pub fn train(
    opened: Arc<Opened>,
    columns: Vec<String>,
    kind: IndexType,
    settings: IndexSettings,
) -> Task<Vec<u8>> {
    Box::pin(async move {
        if settings.model.is_some() {
            return Err(Error::invalid_argument(
                "a model is not learnt from a model",
            ));
        }
        let definition = Definition::new(&opened.dataset, &columns, kind, &settings)?;
        let column = VectorColumn::of(&definition.field.data_type());
        let column = column
            .filter(|_| kind::is_vector(kind))
            .ok_or_else(|| no_model(kind))?;
        let telling = Telling::new(settings.progress);
        let learning = learn(&opened.dataset, &definition, &column, &telling);
        let model = contained(learning)
            .await
            .map_err(|error| match error.code() {
                code::PANIC => error
                    .with_code(code::INDEX)
                    .context("the model cannot be learnt"),
                _ => error,
            })?;
        model.write()
    })
}

async fn learn(
    dataset: &Dataset,
    definition: &Definition,
    column: &VectorColumn,
    telling: &Telling,
) -> Result<Model> {
    let kind = definition.kind;
    let given = Given(&definition.parameters);
    let metric = vector::metric(&definition.parameters, column);
    let fragments = definition.fragments.as_deref();
    let rows = match fragments {
        Some(fragments) => count(dataset, fragments),
        None => dataset.count_rows(None).await?,
    };
    let pq = vector::pq(&given, column)?;
    let has_codes = matches!(kind, IndexType::IvfPq | IndexType::IvfHnswPq);
    let least = if has_codes { 1 << pq.num_bits } else { 1 };
    if rows < least {
        return Err(definition.too_few_rows());
    }
    let mut ivf = vector::ivf(&given);
    let size = ivf.target_partition_size;
    let size = size.unwrap_or_else(|| kind::of(kind).engine.target_partition_size());
    let partitions = ivf
        .num_partitions
        .unwrap_or_else(|| recommended_num_partitions(rows, size));
    ivf.num_partitions = Some(partitions.min(rows));

    let progress = telling.engine();
    progress
        .stage_start("train_ivf", Some(ivf.max_iters as u64), "iterations")
        .await?;
    let (path, dimension) = (definition.column.as_str(), column.dimension);
    let distance = vector::distance(metric)?;
    let model = build_ivf_model(
        dataset,
        path,
        dimension,
        distance,
        &ivf,
        fragments,
        progress.clone(),
    );
    let model = Box::pin(model).await?;
    progress.stage_complete("train_ivf").await?;

    let mut codebook = None;
    if has_codes {
        progress.stage_start("train_quantizer", None, "").await?;
        let quantizer = build_pq_model(
            dataset,
            path,
            dimension,
            vector::distance(metric)?,
            &pq,
            Some(&model),
        );
        codebook = Some(Box::pin(quantizer).await?.codebook.values().clone());
        progress.stage_complete("train_quantizer").await?;
    }
    let rotation = (kind == IndexType::IvfRq)
        .then(|| rotation(&given, dimension))
        .transpose()?;
    let mut parameters = definition.parameters.clone();
    parameters.remove("num_partitions");
    let centroids = model.centroids;
    let centroids =
        centroids.ok_or_else(|| Error::new(code::INDEX, "the engine learnt no partitions"))?;
    Ok(Model {
        kind: kind::of(kind).name.to_string(),
        dimension,
        parameters,
        centroids: Arc::new(centroids),
        codebook,
        rotation,
    })
}

/// The rows of some fragments.
fn count(dataset: &Dataset, fragments: &[u32]) -> usize {
    let wanted = dataset
        .fragments()
        .iter()
        .filter(|fragment| fragments.iter().any(|id| u64::from(*id) == fragment.id));
    wanted.filter_map(|fragment| fragment.num_rows()).sum()
}

/// One for all segments; the matrix does not travel.
fn rotation(given: &Given<'_>, dimension: usize) -> Result<RabitQuantizationMetadata> {
    let rq = vector::rq(given);
    if rq.rotation_type == RQRotationType::Matrix {
        return Err(Error::invalid_argument(
            "a model of an index of the kind IVF_RQ has the rotation_type fast only",
        ));
    }
    let dimension = i32::try_from(dimension).unwrap_or(i32::MAX);
    let quantizer =
        RabitQuantizer::new_with_rotation::<Float32Type>(rq.num_bits, dimension, rq.rotation_type);
    Ok(quantizer.metadata(None))
}
