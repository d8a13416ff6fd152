//! The vectors of a query, as they were given and as a column has them.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, GenericListArray, OffsetSizeTrait,
};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Field, Float64Type};
use arrow::error::ArrowError;

use crate::error::{Error, Result};

/// None of their numbers is NULL, NaN or infinite.
#[derive(Clone, Debug)]
pub struct Vectors {
    /// Of all vectors, one behind the other.
    numbers: ArrayRef,
    /// Of each vector.
    length: usize,
    /// They were given as a list, even if it has one.
    pub are_listed: bool,
}

impl Vectors {
    /// Numbers are one vector, and lists of as many numbers each are several.
    pub fn of(given: &ArrayRef) -> Result<Self> {
        let (numbers, length, are_listed) = match given.data_type() {
            DataType::FixedSizeList(..) => {
                let lists = given.as_fixed_size_list();
                (lists.values().clone(), lists.value_length() as usize, true)
            }
            DataType::List(_) => joined(given.as_list::<i32>())?,
            DataType::LargeList(_) => joined(given.as_list::<i64>())?,
            _ => (given.clone(), given.len(), false),
        };
        if !is_number(numbers.data_type()) {
            return Err(Error::invalid_argument(format!(
                "the query is {}: it takes numbers for one vector, and lists of numbers for several",
                given.data_type()
            )));
        }
        if numbers.is_empty() {
            return Err(Error::invalid_argument("the query has no numbers"));
        }
        if given.null_count() > 0 || numbers.null_count() > 0 {
            return Err(Error::invalid_argument("the query has a NULL"));
        }
        if !are_finite(&numbers)? {
            return Err(Error::invalid_argument(
                "a number of the query is NaN or infinite",
            ));
        }
        Ok(Self {
            numbers,
            length,
            are_listed,
        })
    }

    /// How many numbers each has.
    pub fn length(&self) -> usize {
        self.length
    }

    pub fn count(&self) -> usize {
        self.numbers.len() / self.length
    }

    /// The numbers of all in the type of a column; none where one of them does not fit.
    pub fn cast_to(&self, element: &DataType) -> Result<Option<ArrayRef>> {
        cast_exactly(&self.numbers, element)
    }

    /// Numbers of all of these vectors as a list for each.
    pub fn listed(&self, numbers: ArrayRef) -> Result<ArrayRef> {
        let item = Arc::new(Field::new_list_field(numbers.data_type().clone(), true));
        let lists = FixedSizeListArray::try_new(item, self.length as i32, numbers, None);
        Ok(Arc::new(lists.map_err(unreadable)?))
    }

    pub fn has_only_zeros_in_one(&self) -> Result<bool> {
        let numbers = as_f64(&self.numbers)?;
        let numbers = numbers.as_primitive::<Float64Type>().values();
        let mut vectors = numbers.chunks_exact(self.length);
        Ok(vectors.any(|vector| vector.iter().all(|number| *number == 0.0)))
    }
}

/// The numbers of lists that have as many each.
fn joined<O: OffsetSizeTrait>(lists: &GenericListArray<O>) -> Result<(ArrayRef, usize, bool)> {
    let mut lengths = lists.offsets().lengths();
    let length = lengths.next().unwrap_or(0);
    if let Some(other) = lengths.find(|other| *other != length) {
        return Err(Error::invalid_argument(format!(
            "the vectors of the query have {length} and {other} numbers: all have as many"
        )));
    }
    let first = lists.value_offsets()[0].as_usize();
    let numbers = lists.values().slice(first, length * lists.len());
    Ok((numbers, length, true))
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_integer() || data_type.is_floating()
}

/// Integers lose no more by it than a vector can tell.
fn as_f64(numbers: &ArrayRef) -> Result<ArrayRef> {
    cast(numbers, &DataType::Float64).map_err(unreadable)
}

fn are_finite(numbers: &ArrayRef) -> Result<bool> {
    let numbers = as_f64(numbers)?;
    let mut numbers = numbers.as_primitive::<Float64Type>().values().iter();
    Ok(numbers.all(|number| number.is_finite()))
}

/// Floating numbers are rounded; an integer must be the same.
fn cast_exactly(numbers: &ArrayRef, element: &DataType) -> Result<Option<ArrayRef>> {
    if numbers.data_type() == element {
        return Ok(Some(numbers.clone()));
    }
    let strict = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    let Ok(made) = cast_with_options(numbers, element, &strict) else {
        return Ok(None);
    };
    let fits = match element.is_integer() {
        true => as_f64(&made)? == as_f64(numbers)?,
        false => are_finite(&made)?,
    };
    Ok(fits.then_some(made))
}

fn unreadable(error: ArrowError) -> Error {
    Error::invalid_argument(format!("cannot read the vectors of the query: {error}"))
}
