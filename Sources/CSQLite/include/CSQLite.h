/// libsqlite3 for Swift: what its macros, variadic calls and callbacks are for.
#ifndef CAIRN_CSQLITE_H
#define CAIRN_CSQLITE_H

#include <sqlite3.h>

struct cairn_database_state;

/// A connection that any thread may use.
///
/// It may cross threads because libsqlite3 serialises the calls on it (`SQLITE_OPEN_FULLMUTEX`), the deadline is
/// atomic, and nothing else in it changes between `cairn_database_open` and `cairn_database_close`.
typedef struct cairn_database {
  struct cairn_database_state *state;
} __attribute__((swift_attr("@Sendable"))) cairn_database;

/// Opens a file, which may hold anything: no schema of it is trusted to run code, and no journal beside it to name other
/// files, or to make this one larger than 1 GiB, which is SQLITE_CORRUPT. A connection that could not be opened has its
/// error in `cairn_database_handle`, if that is not NULL, and is closed all the same.
int cairn_database_open(const char *file, int flags, int has_locks, cairn_database *database);
void cairn_database_close(cairn_database database);
/// NULL where memory was short.
sqlite3 *cairn_database_handle(cairn_database database);
/// Statements end with SQLITE_INTERRUPT after so many seconds from now; 0: never.
void cairn_database_end_after(cairn_database database, double seconds);

/// Binds a copy of some text.
static inline int cairn_bind_text(sqlite3_stmt *statement, int place, const char *text, int count) {
  return sqlite3_bind_text(statement, place, text, count, SQLITE_TRANSIENT);
}

#endif
