#include "CSQLite.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct cairn_database_state {
  sqlite3 *handle;
  /// Nanoseconds of the monotonic clock; 0: none.
  _Atomic long long deadline;
};

enum {
  /// Steps of SQLite's machine between two looks at the clock: less than a millisecond.
  steps_between = 20000,
  /// Bytes of a row or a value at most; what Cairn writes has some hundred.
  longest_value = 16 << 20,
  /// Bytes of any file at most; a history of 500 paths has some megabytes.
  largest_file = 1 << 30,
};

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int is_late(void *context) {
  struct cairn_database_state *state = context;
  long long deadline = atomic_load(&state->deadline);
  return deadline != 0 && now() > deadline;
}

/* SQLite's own ways to files, with locks and without, but for two things. A rollback journal may name a journal of
   several files, which SQLite opens, whatever it is, and removes: no database of ours has one. And journals say how
   large the database was and where its pages belong: SQLite makes the file as large as that, up to terabytes. */
static sqlite3_vfs with_locks, without_locks;
static pthread_once_t made_ways = PTHREAD_ONCE_INIT;
static int ways_code = SQLITE_ERROR;
static int (*open_any)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);

/* What SQLite has for a kind of file, and the same with an end to its size. */
struct methods {
  sqlite3_io_methods bounded;
  const sqlite3_io_methods *any;
};
enum { kinds_of_files = 8 };
static struct methods known[kinds_of_files];
static pthread_mutex_t knowing = PTHREAD_MUTEX_INITIALIZER;

static const sqlite3_io_methods *any_of(sqlite3_file *file) {
  /* `bounded` is what comes first. */
  return ((const struct methods *)file->pMethods)->any;
}

static int write_bounded(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 place) {
  if (place > largest_file - count) return SQLITE_CORRUPT;
  return any_of(file)->xWrite(file, bytes, count, place);
}

static int truncate_bounded(sqlite3_file *file, sqlite3_int64 size) {
  if (size > largest_file) return SQLITE_CORRUPT;
  return any_of(file)->xTruncate(file, size);
}

/* NULL: there are more kinds than anybody knows of. */
static const sqlite3_io_methods *bounded_of(const sqlite3_io_methods *any) {
  struct methods *found = NULL;
  pthread_mutex_lock(&knowing);
  for (int i = 0; i < kinds_of_files && found == NULL; i++) {
    if (known[i].any == NULL) {
      known[i].bounded = *any;
      known[i].bounded.xWrite = write_bounded;
      known[i].bounded.xTruncate = truncate_bounded;
      known[i].any = any;
    }
    if (known[i].any == any) found = &known[i];
  }
  pthread_mutex_unlock(&knowing);
  return found == NULL ? NULL : &found->bounded;
}

static int open_own(sqlite3_vfs *way, const char *name, sqlite3_file *file, int flags, int *flags_then) {
  if (flags & SQLITE_OPEN_SUPER_JOURNAL) {
    file->pMethods = NULL;
    return SQLITE_CANTOPEN;
  }
  int code = open_any(way, name, file, flags, flags_then);
  if (code != SQLITE_OK) return code;
  const sqlite3_io_methods *bounded = bounded_of(file->pMethods);
  if (bounded == NULL) {
    file->pMethods->xClose(file);
    file->pMethods = NULL;
    return SQLITE_CANTOPEN;
  }
  file->pMethods = bounded;
  return SQLITE_OK;
}

static int make_way(sqlite3_vfs *way, const char *name, const char *of) {
  sqlite3_vfs *found = sqlite3_vfs_find(of);
  if (found == NULL) return SQLITE_ERROR;
  *way = *found;
  way->pNext = NULL;
  way->zName = name;
  open_any = found->xOpen;
  way->xOpen = open_own;
  return sqlite3_vfs_register(way, 0);
}

static void make_ways(void) {
  ways_code = make_way(&with_locks, "cairn", "unix");
  if (ways_code == SQLITE_OK) ways_code = make_way(&without_locks, "cairn-none", "unix-none");
}

int cairn_database_open(const char *file, int flags, int has_locks, cairn_database *database) {
  struct cairn_database_state *state = calloc(1, sizeof *state);
  database->state = state;
  if (state == NULL) return SQLITE_NOMEM;
  pthread_once(&made_ways, make_ways);
  if (ways_code != SQLITE_OK) return ways_code;
  const char *way = has_locks ? with_locks.zName : without_locks.zName;
  int code = sqlite3_open_v2(file, &state->handle, flags | SQLITE_OPEN_FULLMUTEX, way);
  if (code != SQLITE_OK || state->handle == NULL) return code;
  sqlite3_extended_result_codes(state->handle, 1);
  sqlite3_limit(state->handle, SQLITE_LIMIT_LENGTH, longest_value);
  sqlite3_limit(state->handle, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_db_config(state->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config(state->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  sqlite3_db_config(state->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
  sqlite3_db_config(state->handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
  sqlite3_db_config(state->handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
  sqlite3_progress_handler(state->handle, steps_between, is_late, state);
  return SQLITE_OK;
}

void cairn_database_close(cairn_database database) {
  if (database.state == NULL) return;
  /* One with statements left goes when the last of them does. */
  sqlite3_progress_handler(database.state->handle, 0, NULL, NULL);
  sqlite3_close_v2(database.state->handle);
  free(database.state);
}

sqlite3 *cairn_database_handle(cairn_database database) {
  return database.state == NULL ? NULL : database.state->handle;
}

void cairn_database_end_after(cairn_database database, double seconds) {
  if (database.state == NULL) return;
  atomic_store(&database.state->deadline, seconds > 0 ? now() + (long long)(seconds * 1e9) : 0);
}
