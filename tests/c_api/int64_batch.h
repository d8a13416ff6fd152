/* A batch of one int64 column `id`, made by hand from nothing but the Arrow C Data Interface. */
#ifndef LANCE_TESTS_C_API_INT64_BATCH_H_
#define LANCE_TESTS_C_API_INT64_BATCH_H_

#include <stdatomic.h>
#include <stdint.h>

#include "lance/c/lance.h"

/* Structs made by the functions below and not released yet. Threads of the library release them, too. */
extern atomic_int live_structs;

/* Whether all are released soon: what a search that has ended shared with others is dropped by the last of
 * them. */
int all_are_released_soon(void);

/* Make the schema: a struct of one required int64 column. */
void make_int64_schema(struct ArrowSchema* out);

/* Make a batch of the values first, first + 1, ... */
void make_int64_batch(int64_t first, int64_t rows, struct ArrowArray* out);

/* Write a dataset of one such batch, and open it. */
LanceDataset* make_int64_dataset(const char* uri, int64_t rows);

#endif
