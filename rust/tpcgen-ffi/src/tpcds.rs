//! The 24 tables of TPC-DS.

use std::ffi::CStr;
use std::ops::RangeInclusive;

use tpcdsgen::config::{Session, SessionBuilder, Table};
use tpcdsgen_arrow::{
    CallCenterArrow, CatalogPageArrow, CatalogReturnsArrow, CatalogSalesArrow,
    CustomerAddressArrow, CustomerArrow, CustomerDemographicsArrow, DateDimArrow,
    HouseholdDemographicsArrow, IncomeBandArrow, InventoryArrow, ItemArrow, PromotionArrow,
    ReasonArrow, ShipModeArrow, StoreArrow, StoreReturnsArrow, StoreSalesArrow, TimeDimArrow,
    WarehouseArrow, WebPageArrow, WebReturnsArrow, WebSalesArrow, WebSiteArrow,
};

use crate::Reader;
use crate::request::{RowCount, Slice};

pub const TABLES: &[&CStr] = &[
    c"call_center",
    c"catalog_page",
    c"catalog_returns",
    c"catalog_sales",
    c"customer",
    c"customer_address",
    c"customer_demographics",
    c"date_dim",
    c"household_demographics",
    c"income_band",
    c"inventory",
    c"item",
    c"promotion",
    c"reason",
    c"ship_mode",
    c"store",
    c"store_returns",
    c"store_sales",
    c"time_dim",
    c"warehouse",
    c"web_page",
    c"web_returns",
    c"web_sales",
    c"web_site",
];

pub fn open(table: &str, slice: &Slice, batch_rows: usize) -> Reader {
    let session = session(slice);
    let range = source_rows(&session, parse(table), slice);
    macro_rules! reader {
        ($arrow:ident) => {
            Box::new(
                $arrow::new(session)
                    .with_source_row_range(*range.start(), *range.end())
                    .with_batch_size(batch_rows),
            )
        };
    }
    match table {
        "call_center" => reader!(CallCenterArrow),
        "catalog_page" => reader!(CatalogPageArrow),
        "catalog_returns" => reader!(CatalogReturnsArrow),
        "catalog_sales" => reader!(CatalogSalesArrow),
        "customer" => reader!(CustomerArrow),
        "customer_address" => reader!(CustomerAddressArrow),
        "customer_demographics" => reader!(CustomerDemographicsArrow),
        "date_dim" => reader!(DateDimArrow),
        "household_demographics" => reader!(HouseholdDemographicsArrow),
        "income_band" => reader!(IncomeBandArrow),
        "inventory" => reader!(InventoryArrow),
        "item" => reader!(ItemArrow),
        "promotion" => reader!(PromotionArrow),
        "reason" => reader!(ReasonArrow),
        "ship_mode" => reader!(ShipModeArrow),
        "store" => reader!(StoreArrow),
        "store_returns" => reader!(StoreReturnsArrow),
        "store_sales" => reader!(StoreSalesArrow),
        "time_dim" => reader!(TimeDimArrow),
        "warehouse" => reader!(WarehouseArrow),
        "web_page" => reader!(WebPageArrow),
        "web_returns" => reader!(WebReturnsArrow),
        "web_sales" => reader!(WebSalesArrow),
        "web_site" => reader!(WebSiteArrow),
        _ => unreachable!("requests name a table of TABLES"),
    }
}

pub fn row_count(table: &str, slice: &Slice) -> RowCount {
    let range = source_rows(&session(slice), parse(table), slice);
    let source_rows = range.end() + 1 - range.start();
    // A source row of these is one order. It has a random number of items, of which one in ten is returned.
    let (rows, exact) = match table {
        "catalog_sales" => (source_rows * 9, false),
        "store_sales" | "web_sales" => (source_rows * 12, false),
        "catalog_returns" => (source_rows * 9 / 10, false),
        "store_returns" | "web_returns" => (source_rows * 12 / 10, false),
        _ => (source_rows, true),
    };
    RowCount { rows, exact }
}

fn parse(table: &str) -> Table {
    table.parse().expect("requests name a table of TABLES")
}

fn session(slice: &Slice) -> Session {
    SessionBuilder::new()
        .with_scale_factor(slice.scale)
        .build()
        .expect("requests have a valid scale factor")
}

/// The slice's source rows, counted from 1. `dsdgen` leaves tables of less than a million source rows whole,
/// but an even split of every table keeps all cores busy at small scales too.
fn source_rows(session: &Session, table: Table, slice: &Slice) -> RangeInclusive<u64> {
    let total = session.get_scaling().get_row_count(table) as u128;
    let (part, part_count) = (slice.part as u128, slice.part_count as u128);
    let start = total * (part - 1) / part_count + 1;
    let end = total * part / part_count;
    start as u64..=end as u64
}
