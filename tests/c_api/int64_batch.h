/* A batch of one int64 column `id`, made by hand from nothing but the Arrow C Data Interface. */
#ifndef LANCE_TESTS_C_API_INT64_BATCH_H_
#define LANCE_TESTS_C_API_INT64_BATCH_H_

#include <stdint.h>

#include "lance/c/lance.h"

/* Structs made by the functions below and not released yet. */
extern int live_structs;

/* Make the schema: a struct of one required int64 column. */
void make_int64_schema(struct ArrowSchema* out);

/* Make a batch of the values first, first + 1, ... */
void make_int64_batch(int64_t first, int64_t rows, struct ArrowArray* out);

/* Write a dataset of one such batch, and open it. */
LanceDataset* make_int64_dataset(const char* uri, int64_t rows);

#endif
