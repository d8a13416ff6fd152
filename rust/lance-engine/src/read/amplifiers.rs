//! SQL functions whose result may be far larger than their arguments, bounded by what they would make of a batch:
//! memory that is not there ends the process.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::DataFusionError;
use datafusion::error::Result as PlanResult;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use lance_datafusion::exec::{LanceExecutionOptions, get_session_context};

/// What a call may make.
const MOST_BYTES: u64 = 256 << 20;
const TOO_MUCH: &str = "an expression makes too much text or lists too long: ";
/// A character takes at most so many.
const CHARACTER_BYTES: u64 = 4;
const NUMBER_BYTES: u64 = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Makes {
    /// Of a text, so many.
    Copies,
    /// A text so long.
    Padding,
    /// For each place that a text is found in another, a third.
    Replacements,
    /// A list of a value, so many times.
    Repetitions,
    /// A list so long.
    Items,
    /// The numbers between two.
    Range,
}

const AMPLIFIERS: [(&str, Makes); 8] = [
    ("repeat", Makes::Copies),
    ("lpad", Makes::Padding),
    ("rpad", Makes::Padding),
    ("replace", Makes::Replacements),
    ("array_repeat", Makes::Repetitions),
    ("array_resize", Makes::Items),
    ("range", Makes::Range),
    ("generate_series", Makes::Range),
];

/// Put the bounded functions where the engine looks them up. It may make that place anew, so this is done for each
/// filter.
pub fn bound() {
    let context = get_session_context(&LanceExecutionOptions::default());
    let state = context.state_ref();
    let unbounded = |(name, makes)| {
        let function = state.read().scalar_functions().get(name).cloned()?;
        (!function.inner().is::<Bounded>()).then_some((function, makes))
    };
    let unbounded: Vec<_> = AMPLIFIERS.into_iter().filter_map(unbounded).collect();
    for (function, makes) in unbounded {
        let function = function.as_ref().clone();
        context.register_udf(ScalarUDF::new_from_impl(Bounded { function, makes }));
    }
}

/// The part of an engine's message that tells of a bound.
pub fn told_in(message: &str) -> Option<&str> {
    message.find(TOO_MUCH).map(|at| &message[at..])
}

/// A function that is not called for what would be too large.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    function: ScalarUDF,
    makes: Makes,
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn aliases(&self) -> &[String] {
        self.function.aliases()
    }

    fn signature(&self) -> &Signature {
        self.function.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> PlanResult<DataType> {
        self.function.return_type(arguments)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> PlanResult<ColumnarValue> {
        let bytes = self.makes.bytes(&arguments)?;
        if bytes > MOST_BYTES {
            return Err(DataFusionError::ResourcesExhausted(format!(
                "{TOO_MUCH}{} would make {bytes} bytes of one batch, the most is {MOST_BYTES}",
                self.name()
            )));
        }
        self.function.invoke_with_args(arguments)
    }
}

impl Makes {
    /// What a call would make, or more.
    fn bytes(self, call: &ScalarFunctionArgs) -> PlanResult<u64> {
        let is_scalar = |value: &ColumnarValue| matches!(value, ColumnarValue::Scalar(_));
        let rows = match call.args.iter().all(is_scalar) {
            true => 1,
            false => call.number_rows,
        };
        let arguments = call.args.iter().map(|value| value.to_array(rows));
        let arguments = arguments.collect::<PlanResult<Vec<_>>>()?;
        let numbers = |i: usize| numbers(arguments.get(i));
        let row: Box<dyn Fn(usize) -> u64> = match self {
            Self::Copies => {
                let (text, times) = (texts(arguments.first())?, numbers(1)?);
                Box::new(move |i| text.length(i).saturating_mul(count(times(i))))
            }
            Self::Padding => {
                let length = numbers(1)?;
                Box::new(move |i| count(length(i)).saturating_mul(CHARACTER_BYTES))
            }
            Self::Replacements => {
                let [text, from, to] = [0, 1, 2].map(|i| texts(arguments.get(i)));
                let (text, from, to) = (text?, from?, to?);
                Box::new(move |i| {
                    let places = match from.length(i) {
                        0 => text.length(i) + 1,
                        _ => text.value(i).matches(from.value(i)).count() as u64,
                    };
                    text.length(i) + places.saturating_mul(to.length(i))
                })
            }
            Self::Repetitions => {
                let times = numbers(1)?;
                let value = arguments.first().map_or(0, |value| {
                    (value.get_array_memory_size() / value.len().max(1)) as u64
                });
                Box::new(move |i| count(times(i)).saturating_mul(value.max(NUMBER_BYTES)))
            }
            Self::Items => {
                let length = numbers(1)?;
                Box::new(move |i| count(length(i)).saturating_mul(NUMBER_BYTES))
            }
            Self::Range => {
                let is_number = |value: &ArrayRef| {
                    value.data_type().is_integer() || value.data_type().is_null()
                };
                if !arguments.iter().all(is_number) {
                    return Err(DataFusionError::ResourcesExhausted(format!(
                        "{TOO_MUCH}a range of dates has no bound"
                    )));
                }
                let (first, second, step) = (numbers(0)?, numbers(1)?, numbers(2)?);
                let has_start = arguments.len() > 1;
                let has_step = arguments.len() > 2;
                Box::new(move |i| {
                    let (start, stop) = match has_start {
                        true => (first(i), second(i)),
                        false => (0, first(i)),
                    };
                    let step = if has_step { step(i).unsigned_abs() } else { 1 };
                    let items = stop.abs_diff(start) / step.max(1) + 1;
                    items.saturating_mul(NUMBER_BYTES)
                })
            }
        };
        Ok((0..rows).fold(0, |sum: u64, i| sum.saturating_add(row(i))))
    }
}

fn count(number: i64) -> u64 {
    number.max(0) as u64
}

/// The numbers of an argument; 0 for what is none.
fn numbers(argument: Option<&ArrayRef>) -> PlanResult<impl Fn(usize) -> i64 + use<>> {
    let numbers = argument
        .map(|numbers| cast(numbers, &DataType::Int64))
        .transpose()?;
    Ok(move |i| {
        let numbers = numbers
            .as_ref()
            .map(|array| array.as_primitive::<Int64Type>());
        numbers.map_or(0, |numbers| match numbers.is_valid(i) {
            true => numbers.value(i),
            false => 0,
        })
    })
}

/// The texts of an argument; empty for what is none.
struct Texts(Option<ArrayRef>);

fn texts(argument: Option<&ArrayRef>) -> PlanResult<Texts> {
    let texts = argument
        .map(|texts| cast(texts, &DataType::Utf8View))
        .transpose()?;
    Ok(Texts(texts))
}

impl Texts {
    fn value(&self, row: usize) -> &str {
        let texts = self.0.as_ref().map(|array| array.as_string_view());
        texts.map_or("", |texts| match texts.is_valid(row) {
            true => texts.value(row),
            false => "",
        })
    }

    fn length(&self, row: usize) -> u64 {
        self.value(row).len() as u64
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{BooleanArray, Int64Array, RecordBatch, StringArray};
    use arrow::record_batch::RecordBatchOptions;
    use lance_datafusion::planner::Planner;

    use super::*;

    /// What a filter makes of two rows.
    fn evaluate(filter: &str) -> lance_core::Result<BooleanArray> {
        bound();
        let columns: [(&str, ArrayRef); 2] = [
            (
                "id",
                Arc::new(Int64Array::from(vec![Some(100_000_000_000), None])),
            ),
            ("t", Arc::new(StringArray::from(vec!["abc", ""]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).expect("a batch");
        let batch = RecordBatch::try_new_with_options(
            batch.schema(),
            batch.columns().to_vec(),
            &RecordBatchOptions::new(),
        )?;
        let planner = Planner::new(batch.schema());
        let filter = planner.optimize_expr(planner.parse_filter(filter)?)?;
        let passes = planner.create_physical_expr(&filter)?.evaluate(&batch)?;
        Ok(passes.into_array(batch.num_rows())?.as_boolean().clone())
    }

    #[test]
    fn what_would_be_too_large_is_not_made() {
        for filter in [
            "repeat(t, 1000000000) = 'a'",
            "repeat(t, id) = 'a'",
            "repeat('a', 1000000000) = t",
            "repeat(repeat(repeat('a', 10000), 10000), 10000) = t",
            "lpad(t, 2000000000, 'x') = 'a'",
            "rpad(t, id, 'x') = 'a'",
            "replace(repeat('a', 1000000), 'a', repeat('b', 1000000)) = t",
            "replace(repeat('a', 1000000), '', repeat('b', 1000000)) = t",
            "array_repeat(1, 100000000000) = [1]",
            "list_repeat(1, id) = [1]",
            "array_length(array_repeat(array_repeat(1, 1000000), 1000000)) = 1",
            "array_resize([1], 100000000000) = [1]",
            "range(1, 100000000000) = [1]",
            "generate_series(id) = [1]",
            "array_length(generate_series(1, 100000000000, 2)) = 1",
        ] {
            let error = evaluate(filter).expect_err(filter).to_string();
            assert!(told_in(&error).is_some(), "{filter}: {error}");
        }
    }

    #[test]
    fn what_is_small_is_made_as_ever() {
        for filter in [
            "repeat(t, 2) = 'abcabc'",
            "lpad(t, 5, 'x') = 'xxabc'",
            "rpad(t, 5) = 'abc  '",
            "replace(t, 'b', 'xx') = 'axxc'",
            "array_length(array_repeat(t, 3)) = 3",
            "array_length(array_resize([1], 3)) = 3",
            "array_length(range(0, 10, 3)) = 4",
            "array_length(generate_series(5)) = 6",
        ] {
            let passes = evaluate(filter).expect(filter);
            assert!(passes.value(0), "{filter}");
        }
    }
}
