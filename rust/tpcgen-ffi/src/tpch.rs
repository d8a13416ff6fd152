//! The eight tables of TPC-H.

use std::ffi::CStr;
use std::iter::once_with;

use arrow::array::RecordBatchIterator;
use tpchgen::distribution::Distributions;
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator,
    PartSuppGenerator, RegionGenerator, SupplierGenerator,
};
use tpchgen_arrow::{
    CustomerArrow, LineItemArrow, NationArrow, OrderArrow, PartArrow, PartSuppArrow, RegionArrow,
    SupplierArrow,
};

use crate::Reader;
use crate::request::{RowCount, Slice};
use crate::tpch_text::text_pool;

pub const TABLES: &[&CStr] = &[
    c"nation",
    c"region",
    c"part",
    c"supplier",
    c"partsupp",
    c"customer",
    c"orders",
    c"lineitem",
];

const NATIONS: u64 = 25;
const REGIONS: u64 = 5;
const SUPPLIERS_PER_PART: u64 = 4;
/// One to seven, at random.
const AVERAGE_LINES_PER_ORDER: u64 = 4;

pub fn open(table: &str, slice: &Slice, batch_rows: usize) -> Reader {
    let Slice {
        scale,
        part,
        part_count,
    } = *slice;
    let words = Distributions::static_default();
    // Made when the first batch is asked for: the schema needs no text.
    macro_rules! reader {
        ($arrow:ident, $generator:expr) => {
            Box::new(RecordBatchIterator::new(
                once_with(move || $arrow::new($generator).with_batch_size(batch_rows)).flatten(),
                $arrow::schema_ref(),
            ))
        };
    }
    macro_rules! whole {
        ($arrow:ident, $generator:ident) => {
            reader!(
                $arrow,
                $generator::new_with_distributions_and_text_pool(words, text_pool())
            )
        };
    }
    macro_rules! sliced {
        ($arrow:ident, $generator:ident) => {
            reader!(
                $arrow,
                $generator::new_with_distributions_and_text_pool(
                    scale,
                    part,
                    part_count,
                    words,
                    text_pool()
                )
            )
        };
    }
    match table {
        // The generator makes these two whole for every part.
        "nation" | "region" if part > 1 => {
            let schema = match table {
                "nation" => NationArrow::schema_ref(),
                _ => RegionArrow::schema_ref(),
            };
            Box::new(RecordBatchIterator::new([], schema))
        }
        "nation" => whole!(NationArrow, NationGenerator),
        "region" => whole!(RegionArrow, RegionGenerator),
        "part" => sliced!(PartArrow, PartGenerator),
        "supplier" => sliced!(SupplierArrow, SupplierGenerator),
        "partsupp" => reader!(
            PartSuppArrow,
            PartSuppGenerator::new_with_text_pool(scale, part, part_count, text_pool())
        ),
        "customer" => sliced!(CustomerArrow, CustomerGenerator),
        "orders" => sliced!(OrderArrow, OrderGenerator),
        "lineitem" => sliced!(LineItemArrow, LineItemGenerator),
        _ => unreachable!("requests name a table of TABLES"),
    }
}

pub fn row_count(table: &str, slice: &Slice) -> RowCount {
    let Slice {
        scale,
        part,
        part_count,
    } = *slice;
    let whole_in_part_one = |rows| if part == 1 { rows } else { 0 };
    let orders = OrderGenerator::calculate_row_count(scale, part, part_count) as u64;
    let parts = PartGenerator::calculate_row_count(scale, part, part_count) as u64;
    let rows = match table {
        "nation" => whole_in_part_one(NATIONS),
        "region" => whole_in_part_one(REGIONS),
        "part" => parts,
        "supplier" => SupplierGenerator::calculate_row_count(scale, part, part_count) as u64,
        "partsupp" => parts * SUPPLIERS_PER_PART,
        "customer" => CustomerGenerator::calculate_row_count(scale, part, part_count) as u64,
        "orders" => orders,
        "lineitem" => orders * AVERAGE_LINES_PER_ORDER,
        _ => unreachable!("requests name a table of TABLES"),
    };
    RowCount {
        rows,
        exact: table != "lineitem",
    }
}
