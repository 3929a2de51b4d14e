/* Preloaded into a program: makes one of its system calls fail, or its clock jump. Used by tools/faults.
 *
 *   FAULT_CALL   pwrite, write, pread, fdatasync, fsync, rename, open, flock, fcntl (its locks), link,
 *                ftruncate, fchmod, mkdir, lseek:
 *                which call fails; several are separated by commas. And what only odd file systems do:
 *                lock-read    exclusive locks of what is not open for writing fail (NFS)
 *                across       renames from one folder to another fail (several disks under one name)
 *                inode        a file has another number each time that it is asked (some of FUSE)
 *   FAULT_ERRNO  a number       with what
 *   FAULT_AFTER  a number       how often it works before
 *   FAULT_TIMES  a number       how often it fails (else for ever)
 *   FAULT_PATH   a word         only for paths with it
 *   FAULT_SPACE  four numbers, by commas: the blocks of the file system, those available, bytes of a
 *                fragment, of a block
 *   FAULT_CLOCK  seconds        the wall clock jumps there and back, twice a second
 *   FAULT_LOG    a file         gets a byte for each time that it came to that
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
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static atomic_int calls;

/* Past our own `open` and `write`. */
static void happened(void) {
  const char *log = getenv("FAULT_LOG");
  int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
  int file = log ? (int)syscall(SYS_openat, AT_FDCWD, log, flags, 0600) : -1;
  if (file < 0) return;
  syscall(SYS_write, file, "x", 1);
  syscall(SYS_close, file);
}

/* Whether a list has a word. */
static int names(const char *list, const char *word) {
  size_t length = strlen(word);
  for (const char *one = list; one != NULL; one = strchr(one, ',')) {
    one += *one == ',';
    if (strncmp(one, word, length) == 0 && (one[length] == 0 || one[length] == ',')) return 1;
  }
  return 0;
}

static int fails(const char *call, const char *path) {
  const char *wanted = getenv("FAULT_CALL"), *part = getenv("FAULT_PATH"), *after = getenv("FAULT_AFTER");
  const char *times = getenv("FAULT_TIMES");
  if (!names(wanted, call)) return 0;
  if (part != NULL && (path == NULL || strstr(path, part) == NULL)) return 0;
  int before = atomic_fetch_add(&calls, 1) - (after ? atoi(after) : 0);
  if (before < 0 || (times != NULL && before >= atoi(times))) return 0;
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

/* The path of a name in an open directory. */
static const char *path_in(int folder, const char *name, char *path, size_t size) {
  if (name[0] == '/' || folder == AT_FDCWD) return name;
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
  ssize_t length = readlink(link, path, size - 1);
  if (length < 0) return name;
  snprintf(path + length, size - (size_t)length, "/%s", name);
  return path;
}

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
int rename(const char *from, const char *to) {
  const char *a = strrchr(from, '/'), *b = strrchr(to, '/');
  int across = a == NULL || b == NULL || a - from != b - to || strncmp(from, to, (size_t)(a - from)) != 0;
  return fails("rename", to) || (across && fails("across", to)) ? -1 : REAL(rename)(from, to);
}
int renameat(int from_folder, const char *from, int to_folder, const char *to) {
  char a[8192], b[8192];
  const char *source = path_in(from_folder, from, a, sizeof a), *target = path_in(to_folder, to, b, sizeof b);
  const char *c = strrchr(source, '/'), *d = strrchr(target, '/');
  int across = c == NULL || d == NULL || c - source != d - target ||
               strncmp(source, target, (size_t)(c - source)) != 0;
  if (fails("rename", target) || (across && fails("across", target))) return -1;
  return REAL(renameat)(from_folder, from, to_folder, to);
}
int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
  char path[8192];
  if (fails("link", path_in(to_folder, to, path, sizeof path))) return -1;
  return REAL(linkat)(from_folder, from, to_folder, to, flags);
}
int mkdirat(int folder, const char *name, mode_t mode) {
  char path[8192];
  return fails("mkdir", path_in(folder, name, path, sizeof path)) ? -1 : REAL(mkdirat)(folder, name, mode);
}
int link(const char *from, const char *to) { return fails("link", to) ? -1 : REAL(link)(from, to); }
int mkdir(const char *path, mode_t mode) { return fails("mkdir", path) ? -1 : REAL(mkdir)(path, mode); }
int fchmod(int file, mode_t mode) { return fails_on("fchmod", file) ? -1 : REAL(fchmod)(file, mode); }
int ftruncate(int file, off_t size) { return fails_on("ftruncate", file) ? -1 : REAL(ftruncate)(file, size); }
int ftruncate64(int, off64_t) __attribute__((alias("ftruncate")));
/* Beyond the beginning: those that take no large files do not refuse small ones. */
off_t lseek(int file, off_t offset, int from) {
  return offset > 0 && fails_on("lseek", file) ? -1 : REAL(lseek)(file, offset, from);
}
off64_t lseek64(int, off64_t, int) __attribute__((alias("lseek")));
/* Locks of parts alone: what else it does has arguments of its own. */
int fcntl(int file, int command, ...) {
  va_list list;
  va_start(list, command);
  void *argument = va_arg(list, void *);
  va_end(list);
  if ((command == F_SETLK || command == F_SETLKW) && fails_on("fcntl", file)) return -1;
  return REAL(fcntl)(file, command, argument);
}
int fcntl64(int, int, ...) __attribute__((alias("fcntl")));
int flock(int file, int operation) {
  int reads = (fcntl(file, F_GETFL) & O_ACCMODE) == O_RDONLY;
  if (fails_on("flock", file)) return -1;
  if (reads && (operation & LOCK_EX) && fails_on("lock-read", file)) {
    errno = EBADF;
    return -1;
  }
  return REAL(flock)(file, operation);
}
int lstat(const char *path, struct stat *info) {
  int result = REAL(lstat)(path, info);
  if (result == 0 && fails("inode", path)) info->st_ino = (ino_t)atomic_load(&calls) + 1000000;
  return result;
}
int fstatat(int folder, const char *name, struct stat *info, int flags) {
  char path[8192];
  int result = REAL(fstatat)(folder, name, info, flags);
  int is_asked = result == 0 && (flags & AT_SYMLINK_NOFOLLOW);
  if (is_asked && fails("inode", path_in(folder, name, path, sizeof path)))
    info->st_ino = (ino_t)atomic_load(&calls) + 1000000;
  return result;
}
int fstatat64(int, const char *, struct stat64 *, int) __attribute__((alias("fstatat")));
int lstat64(const char *, struct stat64 *) __attribute__((alias("lstat")));
int statvfs(const char *path, struct statvfs *info) {
  int result = REAL(statvfs)(path, info);
  const char *numbers = getenv("FAULT_SPACE");
  unsigned long blocks, available, fragment, block;
  if (numbers == NULL) return result;
  if (sscanf(numbers, "%lu,%lu,%lu,%lu", &blocks, &available, &fragment, &block) != 4) return result;
  happened();
  info->f_blocks = blocks;
  info->f_bavail = info->f_bfree = available;
  info->f_frsize = fragment;
  info->f_bsize = block;
  return 0;
}
int statvfs64(const char *, struct statvfs64 *) __attribute__((alias("statvfs")));
int open(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  mode_t mode = va_arg(list, mode_t);
  va_end(list);
  return fails("open", path) ? -1 : REAL(open)(path, flags, mode);
}
/* A step on the way to a file opens nothing. */
int openat(int folder, const char *name, int flags, ...) {
  va_list list;
  va_start(list, flags);
  mode_t mode = va_arg(list, mode_t);
  va_end(list);
  char path[8192];
  if (!(flags & O_PATH) && fails("open", path_in(folder, name, path, sizeof path))) return -1;
  return REAL(openat)(folder, name, flags, mode);
}
int openat64(int, const char *, int, ...) __attribute__((alias("openat")));
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
