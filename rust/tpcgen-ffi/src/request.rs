//! A checked request.

use std::ffi::{CStr, c_char};

use crate::{Reader, tpcds, tpch};

/// The C struct of the same name.
#[repr(C)]
pub struct TpcgenRequest {
    pub benchmark: i32,
    pub table: *const c_char,
    pub scale_factor: f64,
    pub part: i32,
    pub part_count: i32,
    pub batch_rows: i32,
}

/// Below 0.001 both generators run out of rows to refer to; above 100000 TPC defines nothing.
const MIN_SCALE: f64 = 0.001;
const MAX_SCALE: f64 = 100_000.0;

#[derive(Clone, Copy, Debug)]
pub enum Benchmark {
    Tpch,
    Tpcds,
}

impl Benchmark {
    pub fn from_code(code: i32) -> Option<Self> {
        match code {
            0 => Some(Self::Tpch),
            1 => Some(Self::Tpcds),
            _ => None,
        }
    }

    pub fn tables(self) -> &'static [&'static CStr] {
        match self {
            Self::Tpch => tpch::TABLES,
            Self::Tpcds => tpcds::TABLES,
        }
    }
}

/// One contiguous part of a table at a scale.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    pub scale: f64,
    pub part: i32,
    pub part_count: i32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowCount {
    pub rows: u64,
    pub exact: bool,
}

#[derive(Debug)]
pub struct Request {
    benchmark: Benchmark,
    table: &'static str,
    slice: Slice,
    batch_rows: usize,
}

impl Request {
    /// Reads and checks a request of the caller.
    ///
    /// # Safety
    /// `request` must be NULL or valid, and its table NULL or NUL-terminated.
    pub unsafe fn read(request: *const TpcgenRequest) -> Result<Self, String> {
        // SAFETY: the caller passes NULL or a valid request.
        let request = unsafe { request.as_ref() }.ok_or("request must not be NULL")?;
        let benchmark = Benchmark::from_code(request.benchmark)
            .ok_or_else(|| format!("unknown benchmark {}", request.benchmark))?;
        if request.table.is_null() {
            return Err("table must not be NULL".to_string());
        }
        // SAFETY: not NULL, so the caller vouches for a NUL-terminated string.
        let name = unsafe { CStr::from_ptr(request.table) };
        let table = benchmark
            .tables()
            .iter()
            .find(|table| **table == name)
            .and_then(|table| table.to_str().ok())
            .ok_or_else(|| unknown_table(benchmark, name))?;
        // Not a number is in no range.
        if !(MIN_SCALE..=MAX_SCALE).contains(&request.scale_factor) {
            return Err(format!(
                "scale factor {} is not in {MIN_SCALE}..{MAX_SCALE}",
                request.scale_factor
            ));
        }
        if request.part_count < 1 || !(1..=request.part_count).contains(&request.part) {
            return Err(format!(
                "there is no part {} of {}",
                request.part, request.part_count
            ));
        }
        if request.batch_rows < 1 {
            return Err(format!(
                "batches of {} rows cannot be made",
                request.batch_rows
            ));
        }
        Ok(Self {
            benchmark,
            table,
            slice: Slice {
                scale: request.scale_factor,
                part: request.part,
                part_count: request.part_count,
            },
            batch_rows: request.batch_rows as usize,
        })
    }

    pub fn row_count(&self) -> RowCount {
        match self.benchmark {
            Benchmark::Tpch => tpch::row_count(self.table, &self.slice),
            Benchmark::Tpcds => tpcds::row_count(self.table, &self.slice),
        }
    }

    pub fn open(&self) -> Reader {
        match self.benchmark {
            Benchmark::Tpch => tpch::open(self.table, &self.slice, self.batch_rows),
            Benchmark::Tpcds => tpcds::open(self.table, &self.slice, self.batch_rows),
        }
    }
}

fn unknown_table(benchmark: Benchmark, name: &CStr) -> String {
    let known: Vec<_> = benchmark
        .tables()
        .iter()
        .map(|table| table.to_string_lossy())
        .collect();
    format!(
        "unknown table \"{}\"; there are {}",
        name.to_string_lossy(),
        known.join(", ")
    )
}
