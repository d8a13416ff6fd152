/**
 * \file tpcgen.h
 * TPC-H and TPC-DS tables as streams of Arrow record batches, through the Arrow C stream interface.
 *
 * Each pointer is *borrowed* for the call, or what it points to becomes *the caller's*. Functions return 0
 * on success. Otherwise nothing but `error` is written; `error` may be NULL when the text is of no interest.
 * No function lets a Rust panic out. All functions may be called from any thread.
 */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The Arrow C stream interface; its definition comes from any Arrow header that has it. */
struct ArrowArrayStream;

/** The benchmarks. */
enum { TPCGEN_TPCH = 0, TPCGEN_TPCDS = 1 };

/** Which rows to generate. */
typedef struct TpcgenRequest {
  /** TPCGEN_TPCH or TPCGEN_TPCDS. */
  int32_t benchmark;
  /** The table's name, for example "lineitem". */
  const char* table;
  /** The scale factor, in [0.001, 100000]; 1 makes about one gigabyte of text. */
  double scale_factor;
  /**
   * The slice to generate, from 1 to part_count. Slices are contiguous: slice 1, then slice 2, and so on
   * make the whole table, each row once. Slices of a table with few rows may be empty.
   */
  int32_t part;
  /** The number of slices. */
  int32_t part_count;
  /** The most rows of a batch. */
  int32_t batch_rows;
} TpcgenRequest;

/** Count a benchmark's tables; 0 when the benchmark is unknown. */
int32_t tpcgen_table_count(int32_t benchmark);

/**
 * Get a table's name.
 *
 * \param[in] benchmark TPCGEN_TPCH or TPCGEN_TPCDS
 * \param[in] index from 0 to below tpcgen_table_count()
 * \return a name that lives as long as the library, or NULL
 */
const char* tpcgen_table_name(int32_t benchmark, int32_t index);

/**
 * Tell how many rows a request makes.
 *
 * \param[in] request borrowed
 * \param[out] rows the number of rows
 * \param[out] exact 1, or 0 when `rows` is an estimate; may be NULL
 * \param[out] error the caller's on failure, for tpcgen_string_free()
 */
int32_t tpcgen_row_count(const TpcgenRequest* request, uint64_t* rows, int32_t* exact, char** error);

/**
 * Open a stream of batches. Rows are generated as they are asked for, on the asking thread; streams are
 * independent of each other.
 *
 * \param[in] request borrowed
 * \param[out] out the caller's on success: release it through its own callback
 * \param[out] error the caller's on failure, for tpcgen_string_free()
 */
int32_t tpcgen_open(const TpcgenRequest* request, struct ArrowArrayStream* out, char** error);

/** Free a message of this library; NULL is allowed. */
void tpcgen_string_free(char* string);

#ifdef __cplusplus
}
#endif
