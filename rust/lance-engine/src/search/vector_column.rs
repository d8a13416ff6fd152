//! The type of a column of vectors.

use arrow::datatypes::DataType;

/// A column of vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorColumn {
    pub dimension: usize,
    pub element: DataType,
    /// Whether each row has several.
    pub is_multi: bool,
}

impl VectorColumn {
    pub fn of(data_type: &DataType) -> Option<Self> {
        let (vector, is_multi) = match data_type {
            DataType::List(item) => (item.data_type(), true),
            other => (other, false),
        };
        let DataType::FixedSizeList(item, dimension) = vector else {
            return None;
        };
        let element = item.data_type().clone();
        let is_number =
            element.is_floating() || matches!(element, DataType::UInt8 | DataType::Int8);
        (is_number && *dimension > 0).then_some(Self {
            dimension: *dimension as usize,
            element,
            is_multi,
        })
    }
}
