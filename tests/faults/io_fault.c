// Makes one I/O call of a process fail: preloaded, it traps the chosen system calls, counts those on a path,
// and fails the N-th. The calls are trapped by seccomp in the process itself, so those that bypass the C
// library are caught as well, and the count holds for all threads together.
//
//   IO_FAULT_CALLS     kinds of calls, joined by commas: see kCalls
//   IO_FAULT_PATH      only calls whose path contains this
//   IO_FAULT_NTH       which of them, counted from 1; 0 only counts
//   IO_FAULT_ERRNO     the number of the error
//   IO_FAULT_MODE      once    the N-th fails
//                      from    the N-th and all later ones fail
//                      short   the N-th moves only half of its bytes, which is no error
//                      full    the N-th moves half of its bytes, all later ones fail: a disk that fills up
//                      kill    the process is killed instead of the N-th
//   IO_FAULT_REPORT    a file of sizeof(struct Report) bytes, which the parent reads afterwards
//
// A program that starts others would lose the handler; the one under test starts none.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef __x86_64__
#error "the registers of this processor are not known here"
#endif

struct Report {
  _Atomic uint64_t seen;
  _Atomic uint64_t fired;
  char where[PATH_MAX];  // path of the call that failed first
};

struct Call {
  int number;
  const char* kind;
  int fd;          // argument that is a descriptor, for calls with a path the directory; -1: none
  int path;        // argument that is a path; -1: none
  int open_flags;  // argument with O_CREAT or without, as the kind says; -1: none
};

static const struct Call kCalls[] = {
    {SYS_write, "write", 0, -1, -1},    {SYS_pwrite64, "write", 0, -1, -1},
    {SYS_writev, "write", 0, -1, -1},   {SYS_pwritev, "write", 0, -1, -1},
    {SYS_pwritev2, "write", 0, -1, -1}, {SYS_read, "read", 0, -1, -1},
    {SYS_pread64, "read", 0, -1, -1},   {SYS_readv, "read", 0, -1, -1},
    {SYS_preadv, "read", 0, -1, -1},    {SYS_preadv2, "read", 0, -1, -1},
    {SYS_preadv2, "nowait", 0, -1, -1}, {SYS_fsync, "sync", 0, -1, -1},
    {SYS_fdatasync, "sync", 0, -1, -1}, {SYS_link, "link", -1, 1, -1},
    {SYS_linkat, "link", 2, 3, -1},     {SYS_rename, "rename", -1, 1, -1},
    {SYS_renameat, "rename", 2, 3, -1}, {SYS_renameat2, "rename", 2, 3, -1},
    {SYS_mkdir, "mkdir", -1, 0, -1},    {SYS_mkdirat, "mkdir", 0, 1, -1},
    {SYS_unlink, "unlink", -1, 0, -1},  {SYS_unlinkat, "unlink", 0, 1, -1},
    {SYS_rmdir, "unlink", -1, 0, -1},   {SYS_open, "create", -1, 0, 1},
    {SYS_openat, "create", 0, 1, 2},    {SYS_open, "open", -1, 0, 1},
    {SYS_openat, "open", 0, 1, 2},      {SYS_getdents64, "list", 0, -1, -1},
    {SYS_statx, "stat", 0, 1, -1},      {SYS_newfstatat, "stat", 0, 1, -1},
};
enum { kCallCount = sizeof(kCalls) / sizeof(kCalls[0]) };

enum Effect { kPass, kFail, kHalve, kKill };

static const struct Mode {
  const char* name;
  enum Effect at_nth;
  enum Effect later;
} kModes[] = {{"once", kFail, kPass},
              {"from", kFail, kFail},
              {"short", kHalve, kPass},
              {"full", kHalve, kFail},
              {"kill", kKill, kKill}};
enum { kModeCount = sizeof(kModes) / sizeof(kModes[0]) };

static struct {
  bool chosen[kCallCount];
  const char* path;
  uint64_t nth;
  long error;
  const struct Mode* mode;
  struct Report* report;
} config;

extern const char io_fault_after_call[];

// The only place whose system calls the filter lets through.
__attribute__((noinline, noclone)) static long Perform(long number, const long* args) {
  register long a3 __asm__("r10") = args[3];
  register long a4 __asm__("r8") = args[4];
  register long a5 __asm__("r9") = args[5];
  long result;
  __asm__ volatile(
      "syscall\n"
      ".hidden io_fault_after_call\n"
      ".globl io_fault_after_call\n"
      "io_fault_after_call:"
      : "=a"(result)
      : "a"(number), "D"(args[0]), "S"(args[1]), "d"(args[2]), "r"(a3), "r"(a4), "r"(a5)
      : "rcx", "r11", "memory");
  return result;
}

static bool IsOfKind(const struct Call* call, long number, const long* args) {
  if (call->number != number) return false;
  if (call->open_flags < 0) return true;
  const bool creates = (args[call->open_flags] & O_CREAT) != 0;
  return creates == (strcmp(call->kind, "create") == 0);
}

// The absolute path a call is about, or "".
static const char* PathOf(const struct Call* call, const long* args, char* buffer, size_t size) {
  const char* path = call->path < 0 ? "" : (const char*)args[call->path];
  if (path == NULL) path = "";
  if (path[0] == '/') return path;
  const int fd = call->fd < 0 ? AT_FDCWD : (int)args[call->fd];
  char link[64];
  snprintf(link, sizeof(link), fd == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", fd);
  const long read_link[6] = {(long)link, (long)buffer, (long)size - 1};
  const long length = Perform(SYS_readlink, read_link);
  if (length < 0) return "";
  snprintf(buffer + length, size - (size_t)length, path[0] == '\0' ? "" : "/%s", path);
  return buffer;
}

// The path of a call that is one of the chosen ones, or NULL.
static const char* FindTarget(long number, const long* args, char* buffer, size_t size) {
  for (int i = 0; i < kCallCount; ++i) {
    if (!config.chosen[i] || !IsOfKind(&kCalls[i], number, args)) continue;
    const char* path = PathOf(&kCalls[i], args, buffer, size);
    return strstr(path, config.path) == NULL ? NULL : path;
  }
  return NULL;
}

static enum Effect CountCall(const char* path) {
  const uint64_t seen = atomic_fetch_add(&config.report->seen, 1) + 1;
  if (config.nth == 0 || seen < config.nth) return kPass;
  const enum Effect effect = seen == config.nth ? config.mode->at_nth : config.mode->later;
  if (effect != kPass && atomic_fetch_add(&config.report->fired, 1) == 0) {
    memcpy(config.report->where, path, strnlen(path, sizeof(config.report->where) - 1));
  }
  return effect;
}

static long Answer(long number, long* args) {
  char buffer[PATH_MAX + NAME_MAX];
  const char* path = FindTarget(number, args, buffer, sizeof(buffer));
  const long kill_self[6] = {getpid(), SIGKILL};
  switch (path == NULL ? kPass : CountCall(path)) {
    case kPass:
      break;
    case kFail:
      return -config.error;
    case kHalve:
      args[2] = (args[2] + 1) / 2;  // a number of bytes, or of buffers
      break;
    case kKill:
      Perform(SYS_kill, kill_self);
  }
  return Perform(number, args);
}

static void OnTrap(int signal, siginfo_t* info, void* context) {
  (void)signal;
  greg_t* registers = ((ucontext_t*)context)->uc_mcontext.gregs;
  long args[6] = {registers[REG_RDI], registers[REG_RSI], registers[REG_RDX],
                  registers[REG_R10], registers[REG_R8],  registers[REG_R9]};
  registers[REG_RAX] = Answer(info->si_syscall, args);
}

static void Require(bool holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "io_fault: %s\n", what);
  _exit(99);
}

static const char* Setting(const char* name) {
  const char* value = getenv(name);
  Require(value != NULL, name);
  return value;
}

static void ChooseCalls(const char* kinds) {
  char* copy = strdup(kinds);
  for (char* kind = strtok(copy, ","); kind != NULL; kind = strtok(NULL, ",")) {
    bool known = false;
    for (int i = 0; i < kCallCount; ++i) {
      if (strcmp(kCalls[i].kind, kind) != 0) continue;
      config.chosen[i] = known = true;
    }
    Require(known, kind);
  }
  free(copy);
}

static void ChooseMode(const char* name) {
  for (int i = 0; i < kModeCount; ++i) {
    if (strcmp(kModes[i].name, name) == 0) config.mode = &kModes[i];
  }
  Require(config.mode != NULL, name);
}

static void OpenReport(const char* path) {
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  Require(fd >= 0, path);
  void* memory = mmap(NULL, sizeof(struct Report), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  Require(memory != MAP_FAILED, path);
  config.report = memory;
  close(fd);
}

// Trap the chosen calls, except where Perform() makes them.
static void InstallFilter(void) {
  const uint64_t ours = (uint64_t)(uintptr_t)io_fault_after_call;
  const uint32_t ip = offsetof(struct seccomp_data, instruction_pointer);
  struct sock_filter code[7 + 2 * kCallCount] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ip),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)ours, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ip + 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(ours >> 32), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
  };
  unsigned short length = 6;
  for (int i = 0; i < kCallCount; ++i) {
    if (!config.chosen[i]) continue;
    code[length++] =
        (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)kCalls[i].number, 0, 1);
    code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
  }
  code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const struct sock_fprog program = {length, code};
  Require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
  Require(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp");
}

__attribute__((constructor)) static void Start(void) {
  ChooseCalls(Setting("IO_FAULT_CALLS"));
  ChooseMode(Setting("IO_FAULT_MODE"));
  config.path = Setting("IO_FAULT_PATH");
  config.nth = strtoull(Setting("IO_FAULT_NTH"), NULL, 10);
  config.error = strtol(Setting("IO_FAULT_ERRNO"), NULL, 10);
  OpenReport(Setting("IO_FAULT_REPORT"));
  struct sigaction action = {.sa_sigaction = OnTrap, .sa_flags = SA_SIGINFO};
  Require(sigaction(SIGSYS, &action, NULL) == 0, "sigaction");
  InstallFilter();
}
