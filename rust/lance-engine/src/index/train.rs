//! Learning what the segments of a vector index have in common.

use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::Float32Type;
use lance::Dataset;
use lance::index::vector::ivf::build_ivf_model;
use lance::index::vector::pq::build_pq_model_in_fragments;
use lance_index::progress::IndexBuildProgress;
use lance_index::vector::bq::builder::RabitQuantizer;
use lance_index::vector::bq::storage::RabitQuantizationMetadata;
use lance_index::vector::bq::{RQBuildParams, RQRotationType};
use lance_index::vector::ivf::builder::recommended_num_partitions;
use lance_index::vector::quantizer::Quantization;
use serde_json::Value;

use super::change::as_failure;
use super::definition::{Definition, no_model};
use super::kind::{self, VectorColumn};
use super::model::Model;
use super::parameters::Checked;
use super::progress::Telling;
use super::vector::{self, Given};
use crate::error::{Error, Result, code};
use crate::panics::contained;
use crate::parallel::{EndOnDrop, aside};
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
        let dataset = opened.dataset.clone();
        let learning = learn(dataset, definition, column, telling.engine());
        let (abort, learning) = aside(contained(learning));
        let _ends = EndOnDrop(abort);
        let model = learning.await;
        model
            .map_err(|error| as_failure(error, "the model cannot be learnt"))?
            .write()
    })
}

async fn learn(
    dataset: Arc<Dataset>,
    definition: Definition,
    column: VectorColumn,
    progress: Arc<dyn IndexBuildProgress>,
) -> Result<Model> {
    let (dataset, column) = (dataset.as_ref(), &column);
    let kind = definition.kind;
    let given = Given(&definition.parameters);
    let metric = vector::metric(&definition.parameters, column);
    let fragments = definition.fragments.as_deref();
    let rows = match fragments {
        Some(fragments) => count(dataset, fragments).await?,
        None => dataset.count_rows(None).await?,
    };
    let pq = vector::has_codebook(kind)
        .then(|| vector::pq(&given, column))
        .transpose()?;
    if rows < pq.as_ref().map_or(1, |pq| 1 << pq.num_bits) {
        return Err(definition.too_few_rows());
    }
    let mut ivf = vector::ivf(&given);
    let size = ivf.target_partition_size;
    let size = size.unwrap_or_else(|| kind::of(kind).engine.target_partition_size());
    let partitions = ivf
        .num_partitions
        .unwrap_or_else(|| recommended_num_partitions(rows, size));
    ivf.num_partitions = Some(partitions.min(rows));

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

    let mut parameters = Checked::new();
    let mut set = |name: &str, value: Value| parameters.insert(name.to_string(), value);
    set("metric", metric.into());
    let mut codebook = None;
    if let Some(pq) = &pq {
        progress.stage_start("train_quantizer", None, "").await?;
        let distance = vector::distance(metric)?;
        let quantizer = build_pq_model_in_fragments(
            dataset,
            path,
            dimension,
            distance,
            pq,
            Some(&model),
            fragments,
        );
        codebook = Some(Box::pin(quantizer).await?.codebook.values().clone());
        progress.stage_complete("train_quantizer").await?;
        set("num_sub_vectors", pq.num_sub_vectors.into());
        set("num_bits", pq.num_bits.into());
    }
    let mut rotation = None;
    if kind == IndexType::IvfRq {
        let rq = vector::rq(&given);
        set("num_bits", rq.num_bits.into());
        set("rotation_type", "fast".into());
        rotation = Some(rotate(&rq, dimension)?);
    }
    let centroids = model.centroids;
    let centroids =
        centroids.ok_or_else(|| Error::new(code::INDEX, "the engine learnt no partitions"))?;
    set("num_partitions", centroids.len().into());
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
async fn count(dataset: &Dataset, fragments: &[u32]) -> Result<usize> {
    let mut rows = 0;
    for id in fragments {
        if let Some(fragment) = dataset.get_fragment(*id as usize) {
            rows += fragment.count_rows(None).await?;
        }
    }
    Ok(rows)
}

/// One for all segments; the matrix does not travel.
fn rotate(rq: &RQBuildParams, dimension: usize) -> Result<RabitQuantizationMetadata> {
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
