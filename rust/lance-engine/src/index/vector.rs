//! What the engine is told of a vector index.

use arrow::array::Array;
use arrow::datatypes::DataType;
use lance::index::vector::{StageParams, VectorIndexParams};
use lance_index::vector::bq::{RQBuildParams, RQRotationType};
use lance_index::vector::hnsw::builder::HnswBuildParams;
use lance_index::vector::ivf::IvfBuildParams;
use lance_index::vector::pq::PQBuildParams;
use lance_index::vector::sq::builder::SQBuildParams;
use serde_json::Value;

use super::kind::{self, VectorColumn};
use super::model::Model;
use super::parameters::Checked;
use crate::error::{Error, Result};
use crate::settings::IndexType;

/// Dimensions for which there is one code, where the caller does not say.
const SUB_VECTOR: [usize; 2] = [16, 8];

/// Numbers and words among the parameters.
pub struct Given<'a>(pub &'a Checked);

impl Given<'_> {
    pub fn number(&self, name: &str) -> Option<usize> {
        let number = self.0.get(name).and_then(Value::as_u64)?;
        usize::try_from(number).ok()
    }

    pub fn word(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    fn set<T: TryFrom<usize>>(&self, name: &str, value: &mut T) {
        if let Some(number) = self.number(name).and_then(|number| number.try_into().ok()) {
            *value = number;
        }
    }
}

/// The distance that an index is made for.
pub fn metric<'a>(parameters: &'a Checked, column: &VectorColumn) -> &'a str {
    match parameters.get("metric").and_then(Value::as_str) {
        Some(metric) => metric,
        None if column.element == DataType::UInt8 => "hamming",
        None if column.is_multi => "cosine",
        None => "l2",
    }
}

/// All of it, checked against the column.
pub fn params(
    kind: IndexType,
    parameters: &Checked,
    column: &VectorColumn,
    model: Option<Model>,
) -> Result<VectorIndexParams> {
    let given = Given(parameters);
    let metric = metric(parameters, column);
    check_metric(kind, metric, column)?;
    let mut ivf = ivf(&given);
    let mut pq = match has_codebook(kind) {
        true => pq(&given, column)?,
        false => PQBuildParams::default(),
    };
    let mut rq = rq(&given);
    if let Some(model) = model {
        ivf.num_partitions = Some(model.centroids.len());
        ivf.centroids = Some(model.centroids);
        pq.codebook = model.codebook;
        rq.rotation = model.rotation;
    }
    let ivf = StageParams::Ivf(ivf);
    let stages = match kind {
        IndexType::IvfFlat => vec![ivf],
        IndexType::IvfSq => vec![ivf, StageParams::SQ(sq(&given))],
        IndexType::IvfPq => vec![ivf, StageParams::PQ(pq)],
        IndexType::IvfRq => vec![ivf, StageParams::RQ(rq)],
        IndexType::IvfHnswFlat => vec![ivf, StageParams::Hnsw(hnsw(&given)?)],
        IndexType::IvfHnswSq => vec![
            ivf,
            StageParams::Hnsw(hnsw(&given)?),
            StageParams::SQ(sq(&given)),
        ],
        _ => vec![ivf, StageParams::Hnsw(hnsw(&given)?), StageParams::PQ(pq)],
    };
    let mut params = VectorIndexParams::ivf_flat(1, distance(metric)?);
    params.stages = stages;
    params.skip_transpose = parameters
        .get("skip_transpose")
        .and_then(Value::as_bool)
        .unwrap_or_default();
    Ok(params)
}

/// Whether vectors become codes that are learnt.
pub fn has_codebook(kind: IndexType) -> bool {
    matches!(kind, IndexType::IvfPq | IndexType::IvfHnswPq)
}

/// As the engine has it.
pub fn distance<T: for<'a> TryFrom<&'a str>>(metric: &str) -> Result<T> {
    let unknown = || Error::invalid_argument(format!("there is no metric {metric:?}"));
    T::try_from(metric).map_err(|_| unknown())
}

fn check_metric(kind: IndexType, metric: &str, column: &VectorColumn) -> Result<()> {
    let is_binary = column.element == DataType::UInt8;
    let refuse = |what: &str| Err(Error::invalid_argument(what));
    if column.element == DataType::Int8 {
        return refuse(
            "vectors of int8 are taken by no kind of index: they are searched without one",
        );
    }
    if is_binary != (metric == "hamming") {
        return refuse(match is_binary {
            true => "vectors of unsigned bytes are bits, which have the metric hamming only",
            false => "the metric hamming is for vectors of unsigned bytes, which are bits",
        });
    }
    if is_binary && !matches!(kind, IndexType::IvfFlat | IndexType::IvfHnswFlat) {
        let kind = kind::of(kind).name;
        return Err(Error::invalid_argument(format!(
            "vectors of unsigned bytes are bits, which an index of the kind {kind} does not take: use IVF_FLAT or IVF_HNSW_FLAT"
        )));
    }
    if column.is_multi && metric != "cosine" {
        return refuse("several vectors a row have the metric cosine only");
    }
    Ok(())
}

pub fn ivf(given: &Given<'_>) -> IvfBuildParams {
    let mut ivf = IvfBuildParams {
        num_partitions: given.number("num_partitions"),
        target_partition_size: given.number("target_partition_size"),
        streaming_sample_rate: given.number("streaming_sample_rate"),
        streaming_coreset_rate: given.number("streaming_coreset_rate"),
        ..IvfBuildParams::default()
    };
    given.set("max_iters", &mut ivf.max_iters);
    given.set("sample_rate", &mut ivf.sample_rate);
    given.set("streaming_refine_passes", &mut ivf.streaming_refine_passes);
    given.set(
        "shuffle_partition_batches",
        &mut ivf.shuffle_partition_batches,
    );
    given.set(
        "shuffle_partition_concurrency",
        &mut ivf.shuffle_partition_concurrency,
    );
    ivf
}

pub fn pq(given: &Given<'_>, column: &VectorColumn) -> Result<PQBuildParams> {
    let dimension = column.dimension;
    let fitting = SUB_VECTOR
        .iter()
        .find(|size| dimension.is_multiple_of(**size));
    let mut pq = PQBuildParams {
        num_sub_vectors: fitting.map_or(1, |size| dimension / size),
        ..PQBuildParams::default()
    };
    given.set("num_sub_vectors", &mut pq.num_sub_vectors);
    given.set("num_bits", &mut pq.num_bits);
    given.set("max_iters", &mut pq.max_iters);
    given.set("sample_rate", &mut pq.sample_rate);
    given.set("kmeans_redos", &mut pq.kmeans_redos);
    let parts = pq.num_sub_vectors;
    if !dimension.is_multiple_of(parts) {
        return Err(Error::invalid_argument(format!(
            "vectors of {dimension} dimensions cannot be cut into {parts} parts: num_sub_vectors must divide {dimension}"
        )));
    }
    match pq.num_bits == 4 && !parts.is_multiple_of(2) {
        true => Err(Error::invalid_argument(format!(
            "with num_bits = 4 num_sub_vectors must be even, which {parts} is not"
        ))),
        false => Ok(pq),
    }
}

fn sq(given: &Given<'_>) -> SQBuildParams {
    let mut sq = SQBuildParams::default();
    given.set("num_bits", &mut sq.num_bits);
    given.set("sample_rate", &mut sq.sample_rate);
    sq
}

pub fn rq(given: &Given<'_>) -> RQBuildParams {
    let mut rq = RQBuildParams::default();
    given.set("num_bits", &mut rq.num_bits);
    if given.word("rotation_type") == Some("matrix") {
        rq.rotation_type = RQRotationType::Matrix;
    }
    rq
}

fn hnsw(given: &Given<'_>) -> Result<HnswBuildParams> {
    let mut hnsw = HnswBuildParams::default();
    given.set("m", &mut hnsw.m);
    given.set("ef_construction", &mut hnsw.ef_construction);
    given.set("max_level", &mut hnsw.max_level);
    if let Some(distance) = given.number("prefetch_distance") {
        hnsw.prefetch_distance = (distance > 0).then_some(distance);
    }
    match hnsw.ef_construction < hnsw.m {
        true => Err(Error::invalid_argument(format!(
            "ef_construction, {}, must be at least m, {}",
            hnsw.ef_construction, hnsw.m
        ))),
        false => Ok(hnsw),
    }
}
