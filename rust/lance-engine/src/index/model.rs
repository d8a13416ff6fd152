//! What the segments of a vector index have in common, learnt once: partitions, codes and a rotation. It travels as an Arrow
//! stream of one row.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, ListArray, RecordBatch};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Schema};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use lance_index::vector::bq::storage::RabitQuantizationMetadata;
use serde::{Deserialize, Serialize};

use super::kind::{self, VectorColumn};
use super::parameters::Checked;
use crate::error::{Error, Result, code};
use crate::panics::contain;
use crate::settings::IndexType;

/// Where the head is among the metadata of the schema.
const HEAD: &str = "lance_cpp.index_model";
/// Of this form.
const VERSION: u32 = 1;
const CENTROIDS: &str = "centroids";
const CODEBOOK: &str = "codebook";

pub struct Model {
    /// The kind of its index.
    pub kind: String,
    pub dimension: usize,
    /// Those that all segments share, also where the caller did not say.
    pub parameters: Checked,
    pub centroids: Arc<FixedSizeListArray>,
    pub codebook: Option<ArrayRef>,
    pub rotation: Option<RabitQuantizationMetadata>,
}

/// What is not an array.
#[derive(Deserialize, Serialize)]
struct Head {
    version: u32,
    kind: String,
    dimension: usize,
    parameters: Checked,
    rotation: Option<RabitQuantizationMetadata>,
}

impl Model {
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let damaged = || Error::invalid_argument("the model of an index is damaged, or none");
        // A damaged stream may be one of which the reader panics.
        let read = contain(|| {
            let mut reader =
                StreamReader::try_new(Cursor::new(bytes), None).map_err(|_| damaged())?;
            let batch = reader.next().ok_or_else(damaged)?.map_err(|_| damaged())?;
            let schema = reader.schema();
            let head = schema.metadata().get(HEAD).ok_or_else(damaged)?;
            let head: Head = serde_json::from_str(head).map_err(|_| damaged())?;
            if head.version != VERSION {
                return Err(Error::new(
                    code::NOT_SUPPORTED,
                    "the model of the index is of a later version of this library",
                ));
            }
            let first = |name: &str| {
                let lists = batch.column_by_name(name)?.as_list_opt::<i32>()?;
                (lists.len() == 1 && lists.is_valid(0)).then(|| lists.value(0))
            };
            let centroids = first(CENTROIDS).ok_or_else(damaged)?;
            let centroids = centroids.as_fixed_size_list_opt().ok_or_else(damaged)?;
            if centroids.is_empty() || centroids.value_length() as usize != head.dimension {
                return Err(damaged());
            }
            Ok(Self {
                kind: head.kind,
                dimension: head.dimension,
                parameters: head.parameters,
                centroids: Arc::new(centroids.clone()),
                codebook: first(CODEBOOK),
                rotation: head.rotation,
            })
        });
        read.map_err(|error| match error.code() {
            code::PANIC => damaged(),
            _ => error,
        })
    }

    pub fn write(self) -> Result<Vec<u8>> {
        let head = Head {
            version: VERSION,
            kind: self.kind,
            dimension: self.dimension,
            parameters: self.parameters,
            rotation: self.rotation,
        };
        let broken = |why: &dyn std::fmt::Display| {
            Error::new(
                code::INTERNAL,
                format!("the model cannot be written: {why}"),
            )
        };
        let head = serde_json::to_string(&head).map_err(|error| broken(&error))?;
        let mut columns = vec![(CENTROIDS, one_row(self.centroids as ArrayRef))];
        columns.extend(self.codebook.map(|codebook| (CODEBOOK, one_row(codebook))));
        let fields = columns
            .iter()
            .map(|(name, values)| Field::new(*name, values.data_type().clone(), false));
        let metadata = HashMap::from([(HEAD.to_string(), head)]);
        let schema = Arc::new(Schema::new_with_metadata(
            fields.collect::<Vec<_>>(),
            metadata,
        ));
        let values = columns
            .iter()
            .map(|(_, values)| Arc::new(values.clone()) as ArrayRef);
        let encode = || {
            let batch = RecordBatch::try_new(schema.clone(), values.collect())?;
            let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
            writer.write(&batch)?;
            writer.into_inner()
        };
        encode().map_err(|error| broken(&error))
    }

    /// Put its parameters beside the caller's, which may not differ.
    pub fn complete(&self, parameters: &mut Checked) -> Result<()> {
        for (name, value) in &self.parameters {
            let given = parameters
                .entry(name.clone())
                .or_insert_with(|| value.clone());
            if *given != *value {
                return Err(Error::invalid_argument(format!(
                    "parameter {name:?} is {given}, but the model was learnt with {value}"
                )));
            }
        }
        Ok(())
    }

    /// Refuse a model of another index.
    pub fn check(&self, kind: IndexType, column: &VectorColumn) -> Result<()> {
        let wanted = kind::of(kind).name;
        if self.kind != wanted {
            return Err(Error::invalid_argument(format!(
                "the model is of an index of the kind {}, not {wanted}",
                self.kind
            )));
        }
        if self.dimension != column.dimension || self.centroids.value_type() != column.element {
            return Err(Error::invalid_argument(format!(
                "the model is of vectors of {} {}, the column has vectors of {} {}",
                self.dimension,
                self.centroids.value_type(),
                column.dimension,
                column.element
            )));
        }
        Ok(())
    }
}

fn one_row(values: ArrayRef) -> ListArray {
    let item = Field::new("item", values.data_type().clone(), true);
    let offsets = OffsetBuffer::from_lengths([values.len()]);
    ListArray::new(Arc::new(item), offsets, values, None)
}

#[cfg(test)]
mod tests {
    use arrow::array::Float32Array;
    use arrow::datatypes::DataType;

    use super::*;

    fn model() -> Model {
        let item = Arc::new(Field::new("item", DataType::Float32, true));
        let values = Arc::new(Float32Array::from_iter_values((0..6).map(|i| i as f32)));
        Model {
            kind: "IVF_PQ".to_string(),
            dimension: 2,
            parameters: Checked::from_iter([("metric".to_string(), "dot".into())]),
            centroids: Arc::new(FixedSizeListArray::new(item, 2, values.clone(), None)),
            codebook: Some(values),
            rotation: None,
        }
    }

    #[test]
    fn a_model_comes_back() {
        let read = Model::read(&model().write().unwrap()).unwrap();
        assert_eq!(read.centroids, model().centroids);
        assert_eq!(&read.codebook, &model().codebook);
        assert_eq!(read.parameters, model().parameters);
    }

    #[test]
    fn what_is_no_model_is_refused() {
        let whole = model().write().unwrap();
        for bytes in [&[][..], b"x", &whole[..whole.len() / 2]] {
            let error = Model::read(bytes).err().unwrap();
            assert_eq!(error.code(), code::INVALID_ARGUMENT);
        }
    }

    #[test]
    fn a_model_of_another_index_is_refused() {
        let column = |dimension| VectorColumn {
            dimension,
            element: DataType::Float32,
            is_multi: false,
        };
        assert!(model().check(IndexType::IvfPq, &column(2)).is_ok());
        assert!(model().check(IndexType::IvfSq, &column(2)).is_err());
        assert!(model().check(IndexType::IvfPq, &column(3)).is_err());
    }

    #[test]
    fn parameters_of_a_model_are_those_of_its_segments() {
        let mut parameters = Checked::from_iter([("m".to_string(), 8.into())]);
        model().complete(&mut parameters).unwrap();
        assert_eq!(parameters["metric"], "dot");
        model().complete(&mut parameters).unwrap();
        parameters.insert("metric".to_string(), "l2".into());
        let error = model().complete(&mut parameters).unwrap_err();
        assert!(error.message().contains("learnt with \"dot\""), "{error}");
    }
}
