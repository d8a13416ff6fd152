use std::ffi::{CStr, CString, c_char};
use std::ptr::{null, null_mut};

use arrow::array::{RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow::compute::concat_batches;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};

use super::*;

const TPCH: i32 = 0;
const TPCDS: i32 = 1;
const SCALE: f64 = 0.01;

fn request(benchmark: i32, table: &CStr) -> TpcgenRequest {
    TpcgenRequest {
        benchmark,
        table: table.as_ptr(),
        scale_factor: SCALE,
        part: 1,
        part_count: 1,
        batch_rows: 1000,
    }
}

fn take_error(error: *mut c_char) -> String {
    assert!(!error.is_null());
    // SAFETY: the library just made it; it is freed once, here.
    unsafe {
        let message = CStr::from_ptr(error).to_str().unwrap().to_string();
        tpcgen_string_free(error);
        message
    }
}

/// Opens through the C ABI and reads everything into one batch.
fn generate(request: &TpcgenRequest) -> Result<RecordBatch, String> {
    let mut stream = FFI_ArrowArrayStream::empty();
    let mut error = null_mut();
    // SAFETY: all pointers are valid.
    if unsafe { tpcgen_open(request, &mut stream, &mut error) } != 0 {
        assert!(
            stream.release().is_none(),
            "a failed open leaves the stream alone"
        );
        return Err(take_error(error));
    }
    // SAFETY: the stream is valid and is moved from here on.
    let reader = unsafe { RecordBatchStreamReader::from_raw(&mut stream) }.unwrap();
    let schema = reader.schema();
    let batches: Vec<_> = reader.collect::<Result<_, _>>().unwrap();
    assert!(
        batches
            .iter()
            .all(|batch| batch.num_rows() <= request.batch_rows as usize)
    );
    Ok(concat_batches(&schema, &batches).unwrap())
}

fn row_count(request: &TpcgenRequest) -> (u64, bool) {
    let (mut rows, mut exact, mut error) = (0, 0, null_mut());
    // SAFETY: all pointers are valid.
    let code = unsafe { tpcgen_row_count(request, &mut rows, &mut exact, &mut error) };
    assert_eq!(code, 0);
    (rows, exact == 1)
}

fn all_tables() -> impl Iterator<Item = (i32, &'static CStr)> {
    [TPCH, TPCDS].into_iter().flat_map(|benchmark| {
        (0..tpcgen_table_count(benchmark)).map(move |index| {
            // SAFETY: the name is static.
            (benchmark, unsafe {
                CStr::from_ptr(tpcgen_table_name(benchmark, index))
            })
        })
    })
}

#[test]
fn both_benchmarks_are_complete() {
    assert_eq!(tpcgen_table_count(TPCH), 8);
    assert_eq!(tpcgen_table_count(TPCDS), 24);
    assert_eq!(tpcgen_table_count(2), 0);
    assert!(tpcgen_table_name(TPCH, 8).is_null());
    assert!(tpcgen_table_name(TPCH, -1).is_null());
    assert!(tpcgen_table_name(7, 0).is_null());
}

#[test]
fn parts_in_order_are_the_whole_table() {
    for (benchmark, table) in all_tables() {
        let whole = generate(&request(benchmark, table)).unwrap();
        assert!(whole.num_rows() > 0, "{table:?}");
        for part_count in [2, 7] {
            let parts: Vec<_> = (1..=part_count)
                .map(|part| {
                    generate(&TpcgenRequest {
                        part,
                        part_count,
                        ..request(benchmark, table)
                    })
                    .unwrap()
                })
                .collect();
            let united = concat_batches(&whole.schema(), &parts).unwrap();
            assert_eq!(united, whole, "{table:?} in {part_count} parts");
        }
    }
}

#[test]
fn more_parts_than_rows_leave_some_empty() {
    for (benchmark, table) in [
        (TPCH, c"supplier"),
        (TPCH, c"lineitem"),
        (TPCDS, c"warehouse"),
        (TPCDS, c"web_sales"),
    ] {
        let rows = |part, part_count| {
            let request = TpcgenRequest {
                part,
                part_count,
                scale_factor: 0.001,
                ..request(benchmark, table)
            };
            generate(&request).unwrap().num_rows()
        };
        let part_count = 2000;
        let sum: usize = (1..=part_count).map(|part| rows(part, part_count)).sum();
        assert_eq!(sum, rows(1, 1), "{table:?}");
    }
}

#[test]
fn row_counts_are_exact_or_near() {
    for (benchmark, table) in all_tables() {
        for (part, part_count) in [(1, 1), (2, 3)] {
            let request = TpcgenRequest {
                part,
                part_count,
                ..request(benchmark, table)
            };
            let (expected, exact) = row_count(&request);
            let rows = generate(&request).unwrap().num_rows() as u64;
            if exact {
                assert_eq!(rows, expected, "{table:?} {part}/{part_count}");
            } else {
                assert!(
                    rows.abs_diff(expected) * 5 <= rows,
                    "{table:?}: {expected} is far from {rows}"
                );
            }
        }
    }
}

#[test]
fn scales_from_tiny_to_fractional_work() {
    for (benchmark, table) in all_tables() {
        for scale_factor in [0.001, 0.0015, 0.02] {
            let request = TpcgenRequest {
                scale_factor,
                ..request(benchmark, table)
            };
            assert!(generate(&request).is_ok(), "{table:?} at {scale_factor}");
        }
    }
}

#[test]
fn streams_are_independent() {
    let make = || generate(&request(TPCH, c"orders")).unwrap();
    let expected = make();
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(make)).collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), expected);
    }
}

#[test]
fn bad_requests_are_refused() {
    let good = || request(TPCH, c"orders");
    let refusal = |request: TpcgenRequest| generate(&request).unwrap_err();
    assert!(
        refusal(request(TPCH, c"store_sales"))
            .starts_with("unknown table \"store_sales\"; there are nation,")
    );
    assert!(refusal(request(TPCDS, c"dbgen_version")).starts_with("unknown table"));
    assert_eq!(refusal(request(9, c"orders")), "unknown benchmark 9");
    assert_eq!(
        refusal(TpcgenRequest {
            table: null(),
            ..good()
        }),
        "table must not be NULL"
    );
    for scale_factor in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9, 1e-9] {
        assert!(
            refusal(TpcgenRequest {
                scale_factor,
                ..good()
            })
            .starts_with("scale factor")
        );
    }
    for (part, part_count) in [(0, 1), (2, 1), (-1, 3), (1, 0), (1, -1)] {
        assert!(
            refusal(TpcgenRequest {
                part,
                part_count,
                ..good()
            })
            .starts_with("there is no part")
        );
    }
    assert_eq!(
        refusal(TpcgenRequest {
            batch_rows: 0,
            ..good()
        }),
        "batches of 0 rows cannot be made"
    );
}

#[test]
fn null_pointers_are_refused() {
    let mut error = null_mut();
    let mut stream = FFI_ArrowArrayStream::empty();
    // SAFETY: the functions promise to check for NULL.
    unsafe {
        assert_eq!(tpcgen_open(null(), &mut stream, &mut error), 1);
        assert_eq!(take_error(error), "request must not be NULL");
        assert_eq!(
            tpcgen_open(&request(TPCH, c"part"), null_mut(), &mut error),
            1
        );
        assert_eq!(take_error(error), "out must not be NULL");
        assert_eq!(
            tpcgen_row_count(&request(TPCH, c"part"), null_mut(), null_mut(), null_mut()),
            1
        );
        tpcgen_string_free(null_mut());
    }
}

/// Fails in the way it is told to, in `next` and again in `drop`.
struct Faulty(Fault);

type Fault = fn() -> Option<Result<RecordBatch, ArrowError>>;

impl Iterator for Faulty {
    type Item = Result<RecordBatch, ArrowError>;
    fn next(&mut self) -> Option<Self::Item> {
        (self.0)()
    }
}

impl RecordBatchReader for Faulty {
    fn schema(&self) -> arrow::datatypes::SchemaRef {
        Schema::empty().into()
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        panic!("in drop");
    }
}

#[test]
fn panics_become_errors_and_end_the_stream() {
    let faults: [(Fault, &str); 3] = [
        (|| panic!("text"), "the generator panicked: text"),
        (|| panic!("nul \0 {}", 1), "the generator panicked: nul   1"),
        (
            || std::panic::panic_any(7),
            "the generator panicked: unknown cause",
        ),
    ];
    for (fault, message) in faults {
        let mut stream =
            FFI_ArrowArrayStream::new(Box::new(GuardedReader::new(Box::new(Faulty(fault)))));
        // SAFETY: the stream is valid and is moved from here on.
        let mut reader = unsafe { RecordBatchStreamReader::from_raw(&mut stream) }.unwrap();
        let error = reader.next().unwrap().unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
        assert!(reader.next().is_none());
    }
}

#[test]
fn errors_pass_through() {
    let mut reader = GuardedReader::new(Box::new(RecordBatchIterator::new(
        [Err(ArrowError::ComputeError("broken".to_string()))],
        Schema::empty().into(),
    )));
    assert!(
        reader
            .next()
            .unwrap()
            .unwrap_err()
            .to_string()
            .contains("broken")
    );
    assert!(reader.next().is_none());
}

#[test]
fn messages_with_nul_are_still_readable() {
    let mut error = null_mut();
    // SAFETY: the pointer is valid.
    assert_eq!(unsafe { report(Err("a\0b".to_string()), &mut error) }, 1);
    assert_eq!(take_error(error), "a b");
    assert!(CString::new("a\0b").is_err());
}
