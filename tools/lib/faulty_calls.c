/* Preloaded into a program: makes one of its system calls fail, or its clock jump. Used by tools/faults.
 *
 *   FAULT_CALL   pwrite, write, pread, fdatasync, fsync, rename, open    which call fails
 *   FAULT_ERRNO  a number                                              with what
 *   FAULT_AFTER  a number                                              how often it works before
 *   FAULT_PATH   a word                                                only for paths with it
 *   FAULT_CLOCK  seconds                                               the wall clock jumps there and back, twice a second
 *   FAULT_LOG    a file                                                gets a byte for each time that it came to that
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static atomic_int calls;

/* Past our own `open` and `write`. */
static void happened(void) {
  const char *log = getenv("FAULT_LOG");
  int file = log ? (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
  if (file < 0) return;
  syscall(SYS_write, file, "x", 1);
  syscall(SYS_close, file);
}

static int fails(const char *call, const char *path) {
  const char *wanted = getenv("FAULT_CALL"), *part = getenv("FAULT_PATH"), *after = getenv("FAULT_AFTER");
  if (wanted == NULL || strcmp(wanted, call) != 0) return 0;
  if (part != NULL && (path == NULL || strstr(path, part) == NULL)) return 0;
  if (atomic_fetch_add(&calls, 1) < (after ? atoi(after) : 0)) return 0;
  happened();
  errno = atoi(getenv("FAULT_ERRNO"));
  return 1;
}

static int fails_on(const char *call, int file) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  path[length > 0 ? length : 0] = 0;
  return fails(call, path);
}

/* Where a long has 64 bits, the names with 64 are the same calls. */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
  return fails_on("pwrite", file) ? -1 : REAL(pwrite)(file, bytes, count, offset);
}
ssize_t pwrite64(int, const void *, size_t, off64_t) __attribute__((alias("pwrite")));
ssize_t write(int file, const void *bytes, size_t count) {
  return fails_on("write", file) ? -1 : REAL(write)(file, bytes, count);
}
int fdatasync(int file) { return fails_on("fdatasync", file) ? -1 : REAL(fdatasync)(file); }
int fsync(int file) { return fails_on("fsync", file) ? -1 : REAL(fsync)(file); }
ssize_t pread(int file, void *bytes, size_t count, off_t offset) {
  return fails_on("pread", file) ? -1 : REAL(pread)(file, bytes, count, offset);
}
ssize_t pread64(int, void *, size_t, off64_t) __attribute__((alias("pread")));
int rename(const char *from, const char *to) { return fails("rename", to) ? -1 : REAL(rename)(from, to); }
int open(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  mode_t mode = va_arg(list, mode_t);
  va_end(list);
  return fails("open", path) ? -1 : REAL(open)(path, flags, mode);
}
int open64(const char *, int, ...) __attribute__((alias("open")));

/* Even and odd half seconds differ by the jump. */
static long jump(void) {
  const char *seconds = getenv("FAULT_CLOCK");
  if (seconds == NULL) return 0;
  struct timespec now;
  REAL(clock_gettime)(CLOCK_MONOTONIC, &now);
  if ((now.tv_sec * 2 + now.tv_nsec / 500000000) % 2 == 0) return 0;
  if (atomic_fetch_add(&calls, 1) == 0) happened();
  return atol(seconds);
}
int clock_gettime(clockid_t clock, struct timespec *now) {
  int result = REAL(clock_gettime)(clock, now);
  if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += jump();
  return result;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  int result = REAL(gettimeofday)(now, zone);
  if (result == 0) now->tv_sec += jump();
  return result;
}
time_t time(time_t *out) {
  time_t now = REAL(time)(NULL) + jump();
  if (out != NULL) *out = now;
  return now;
}
