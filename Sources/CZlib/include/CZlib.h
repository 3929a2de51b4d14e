/// zlib for Swift, which cannot call the macros that its streams are begun with.
#ifndef CAIRN_CZLIB_H
#define CAIRN_CZLIB_H

#include <zlib.h>

/// Begins to inflate; `window` as in zlib.h: 15 for zlib's own format, 31 for gzip's, -15 for neither.
static inline int cairn_inflate_begin(z_stream *stream, int window) { return inflateInit2(stream, window); }

#endif
