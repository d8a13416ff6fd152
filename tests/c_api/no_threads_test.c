/* Where no thread can be started, the first use is an error and not a hang; later, it may be tried again. */
#define _POSIX_C_SOURCE 200809L
#include <sys/resource.h>
#include <unistd.h>

#include "check.h"

/* Less than the stack of a thread, more than the calls need. */
#define HEADROOM (1 << 20)

static rlim_t bytes_of_address_space(void) {
  unsigned long pages = 0;
  FILE* statm = fopen("/proc/self/statm", "r");
  CHECK(statm != NULL && fscanf(statm, "%lu", &pages) == 1);
  fclose(statm);
  return pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void limit_address_space(rlim_t bytes) {
  struct rlimit limit;
  CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
  limit.rlim_cur = bytes;
  CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
}

int main(void) {
  alarm(30);
  LanceDataset* dataset = NULL;
  limit_address_space(bytes_of_address_space() + HEADROOM);
  CHECK_CALL(LANCE_RESOURCE_EXHAUSTED, lance_dataset_open, "memory://no_threads_test", NULL, &dataset);
  limit_address_space(RLIM_INFINITY);
  CHECK_CALL(LANCE_DATASET_NOT_FOUND, lance_dataset_open, "memory://no_threads_test", NULL, &dataset);
  return 0;
}
