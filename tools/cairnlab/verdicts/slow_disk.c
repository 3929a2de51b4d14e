/* Preloaded into a program: its writes to files take as long as on a slow disk. Used by tools/verdicts.
 *
 *   SLOW_DISK   bytes a second that all of the program's pwrite calls may take together
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void take_time(ssize_t bytes) {
  const char *rate = getenv("SLOW_DISK");
  if (rate == NULL || bytes <= 0) return;
  double seconds = (double)bytes / atof(rate);
  struct timespec pause = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&pause, NULL);
}

ssize_t pwrite(int file, const void *data, size_t count, off_t offset) {
  ssize_t done = REAL(pwrite)(file, data, count, offset);
  take_time(done);
  return done;
}

ssize_t pwrite64(int file, const void *data, size_t count, off64_t offset) {
  ssize_t done = REAL(pwrite64)(file, data, count, offset);
  take_time(done);
  return done;
}
