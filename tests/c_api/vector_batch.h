/* Vectors made by hand from nothing but the Arrow C Data Interface. */
#ifndef LANCE_TESTS_C_API_VECTOR_BATCH_H_
#define LANCE_TESTS_C_API_VECTOR_BATCH_H_

#include <stdint.h>

#include "int64_batch.h"

/* Write a dataset of five points on a line, in a column `v` of float32 vectors: row i is at (i, 0). */
LanceDataset* make_vector_dataset(const char* uri);

/* Make one vector of doubles, which are not the numbers of the column. They are borrowed. There is one such
 * vector at a time. */
void make_vector(const double* numbers, int64_t length, struct ArrowSchema* type, struct ArrowArray* array);

/* Make a search for the `k` nearest rows of `v`. */
LanceVectorQuery* make_vector_query(const double* numbers, int64_t length, uint32_t k);

#endif
