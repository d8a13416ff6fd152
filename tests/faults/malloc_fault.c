// Makes one memory allocation of a process fail: preloaded, it counts the allocations that the C library is
// asked for, and refuses the N-th.
//
//   MALLOC_FAULT_NTH      which one, counted from 1; 0 only counts
//   MALLOC_FAULT_REPORT   a file of sizeof(struct Report) bytes, which the parent reads afterwards
//
// The allocations of other libraries' static initialisers come first and are counted, too.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// What glibc's own functions are called beneath the names that are replaced here.
extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t count, size_t size);
extern void* __libc_realloc(void* old, size_t size);
extern void* __libc_memalign(size_t alignment, size_t size);

struct Report {
  _Atomic uint64_t seen;
  _Atomic uint64_t fired;
};

static uint64_t nth;
// NULL until the constructor has run: nothing is counted before.
static struct Report* report;

static bool Refuses(void) {
  if (report == NULL || atomic_fetch_add(&report->seen, 1) + 1 != nth) return false;
  atomic_fetch_add(&report->fired, 1);
  errno = ENOMEM;
  return true;
}

void* malloc(size_t size) { return Refuses() ? NULL : __libc_malloc(size); }

void* calloc(size_t count, size_t size) { return Refuses() ? NULL : __libc_calloc(count, size); }

void* realloc(void* old, size_t size) { return Refuses() ? NULL : __libc_realloc(old, size); }

void* memalign(size_t alignment, size_t size) { return Refuses() ? NULL : __libc_memalign(alignment, size); }

void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void** out, size_t alignment, size_t size) {
  void* memory = memalign(alignment, size);
  if (memory == NULL) return ENOMEM;
  *out = memory;
  return 0;
}

__attribute__((constructor)) static void Start(void) {
  const char* number = getenv("MALLOC_FAULT_NTH");
  const char* path = getenv("MALLOC_FAULT_REPORT");
  const int fd = number == NULL || path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  void* memory =
      fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(struct Report), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) {
    fprintf(stderr, "malloc_fault: MALLOC_FAULT_NTH and MALLOC_FAULT_REPORT must be set\n");
    _exit(99);
  }
  close(fd);
  nth = strtoull(number, NULL, 10);
  report = memory;
}
