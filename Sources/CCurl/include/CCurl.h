/// libcurl for Swift: typed wrappers around its variadic calls, and distinct types for its handles.
///
/// `curl_easy_setopt` and its kin are variadic, which Swift cannot call, and `CURL`, `CURLM` and
/// `CURLSH` are all `void`, which Swift could not tell apart.
#ifndef CAIRN_CCURL_H
#define CAIRN_CCURL_H

#include <curl/curl.h>

typedef struct cairn_easy cairn_easy;
typedef struct cairn_multi cairn_multi;
typedef struct cairn_share cairn_share;
typedef size_t (*cairn_data_callback)(char *bytes, size_t size, size_t count, void *context);

static inline cairn_easy *cairn_easy_init(void) { return (cairn_easy *)curl_easy_init(); }
static inline void cairn_easy_cleanup(cairn_easy *easy) { curl_easy_cleanup((CURL *)easy); }
static inline void cairn_easy_reset(cairn_easy *easy) { curl_easy_reset((CURL *)easy); }

static inline CURLcode cairn_set_long(cairn_easy *easy, CURLoption option, long value) {
  return curl_easy_setopt((CURL *)easy, option, value);
}
static inline CURLcode cairn_set_off(cairn_easy *easy, CURLoption option, curl_off_t value) {
  return curl_easy_setopt((CURL *)easy, option, value);
}
static inline CURLcode cairn_set_string(cairn_easy *easy, CURLoption option, const char *value) {
  return curl_easy_setopt((CURL *)easy, option, value);
}
static inline CURLcode cairn_set_pointer(cairn_easy *easy, CURLoption option, void *value) {
  return curl_easy_setopt((CURL *)easy, option, value);
}
static inline CURLcode cairn_set_list(cairn_easy *easy, CURLoption option,
                                      struct curl_slist *value) {
  return curl_easy_setopt((CURL *)easy, option, value);
}
static inline CURLcode cairn_set_callback(cairn_easy *easy, CURLoption option,
                                          cairn_data_callback callback) {
  return curl_easy_setopt((CURL *)easy, option, callback);
}
/// Hands over a copy of some bytes.
static inline CURLcode cairn_set_blob(cairn_easy *easy, CURLoption option, const void *bytes, size_t count) {
  struct curl_blob blob = {(void *)bytes, count, CURL_BLOB_COPY};
  return curl_easy_setopt((CURL *)easy, option, &blob);
}
/// Makes a file of bytes that has no name; its descriptor, or -1.
int cairn_memory_file(const void *bytes, size_t count);
/// What libcurl was built with: where it finds certificate authorities, and what it can do.
static inline const curl_version_info_data *cairn_version(void) { return curl_version_info(CURLVERSION_NOW); }
static inline CURLcode cairn_set_share(cairn_easy *easy, cairn_share *share) {
  return curl_easy_setopt((CURL *)easy, CURLOPT_SHARE, (CURLSH *)share);
}
/// Looks up a host's name on a thread of its own, which ends by itself: `done` gets a code of getaddrinfo's.
/// Returns 0, or an errno: then `done` is not called.
int cairn_look_up(const char *host, void (*done)(void *context, int code), void *context);
/// Pauses reading (1) or goes on (0).
static inline CURLcode cairn_easy_pause_receiving(cairn_easy *easy, int paused) {
  return curl_easy_pause((CURL *)easy, paused ? CURLPAUSE_RECV : CURLPAUSE_CONT);
}

static inline long cairn_info_long(cairn_easy *easy, CURLINFO info) {
  long value = 0;
  curl_easy_getinfo((CURL *)easy, info, &value);
  return value;
}
static inline curl_off_t cairn_info_off(cairn_easy *easy, CURLINFO info) {
  curl_off_t value = 0;
  curl_easy_getinfo((CURL *)easy, info, &value);
  return value;
}
/// The sockets of a multi handle's connections: libcurl does not name that of a transfer under way, so
/// they are noted as they are opened, and found by their local port.
typedef struct cairn_sockets cairn_sockets;
cairn_sockets *cairn_sockets_new(void);
/// To be called after the multi handle is gone.
void cairn_sockets_free(cairn_sockets *sockets);
/// Has a transfer ask before it opens a socket, and notes those that it closes; `sockets` outlives every connection.
void cairn_set_sockets(cairn_easy *easy, cairn_sockets *sockets, curl_opensocket_callback open, void *context);
/// Has a transfer ask before it sends a request over a connection, made for it or for another one.
static inline void cairn_set_connected(cairn_easy *easy, curl_prereq_callback connected, void *context) {
  curl_easy_setopt((CURL *)easy, CURLOPT_PREREQFUNCTION, connected);
  curl_easy_setopt((CURL *)easy, CURLOPT_PREREQDATA, context);
}
/// Has a transfer ask as it goes on whether it may, also while libcurl reads what a proxy says: 0 to go on.
static inline void cairn_set_progress(cairn_easy *easy, curl_xferinfo_callback progress, void *context) {
  curl_easy_setopt((CURL *)easy, CURLOPT_XFERINFOFUNCTION, progress);
  curl_easy_setopt((CURL *)easy, CURLOPT_XFERINFODATA, context);
  curl_easy_setopt((CURL *)easy, CURLOPT_NOPROGRESS, 0L);
}
/// Opens a socket and notes it; CURL_SOCKET_BAD where there is none.
int cairn_sockets_open(cairn_sockets *sockets, const struct curl_sockaddr *address);
/// The bytes of an address: 4, 16, or 0 of another family.
int cairn_address_bytes(const struct curl_sockaddr *address, unsigned char bytes[16]);
/// The socket with a local port, or -1.
int cairn_sockets_find(cairn_sockets *sockets, int port);
/// Ends the connections of all sockets but those given; libcurl sees it when it wants to use one again. Returns how many there were.
size_t cairn_sockets_end_idle(cairn_sockets *sockets, const int *busy, size_t count);
/// Notes what the kernel has received on each connection so far; from any thread.
void cairn_sockets_mark(cairn_sockets *sockets);
/// Ends the connection that has received most since then, if any has; from any thread.
void cairn_sockets_end_busiest(cairn_sockets *sockets);

/// Round trips of a TCP connection by the kernel's clocks, in microseconds: now, as the receiver
/// measures it with queues included, and the smallest of its life. 0 where not known. And packets of its
/// life that came out of order.
typedef struct cairn_round_trips {
  unsigned now;
  unsigned smallest;
  unsigned disordered;
} cairn_round_trips;
cairn_round_trips cairn_socket_round_trips(int socket);

/// What handshakes of TLS showed of the servers, by the numbers of the transfers that they were made for: the
/// last few hundred of them. One thread's.
typedef struct cairn_sights cairn_sights;
cairn_sights *cairn_sights_new(void);
/// To be called after the multi handle is gone.
void cairn_sights_free(cairn_sights *sights);
/// Has the handshakes of a transfer looked at; where libcurl's TLS is another library's, nothing is seen.
void cairn_set_sights(cairn_easy *easy, cairn_sights *sights, unsigned long long number);
/// Whether a connection was made, and its handshake begun.
int cairn_sights_is_begun(cairn_sights *sights, unsigned long long number);
/// Whether the server asked for a certificate of ours, and none was there.
int cairn_sights_is_asked(cairn_sights *sights, unsigned long long number);
/// The names that the server's certificate is for, as printable ASCII with commas between; empty: not known.
void cairn_sights_names(cairn_sights *sights, unsigned long long number, char *text, size_t size);
/// When a certificate that was refused is valid, in seconds since 1970; 0: none was.
int cairn_sights_dates(cairn_sights *sights, unsigned long long number, long long *from, long long *until);

static inline cairn_multi *cairn_multi_init(void) { return (cairn_multi *)curl_multi_init(); }
static inline CURLMcode cairn_multi_set_long(cairn_multi *multi, CURLMoption option, long value) {
  return curl_multi_setopt((CURLM *)multi, option, value);
}
static inline CURLMcode cairn_multi_add(cairn_multi *multi, cairn_easy *easy) {
  return curl_multi_add_handle((CURLM *)multi, (CURL *)easy);
}
static inline CURLMcode cairn_multi_remove(cairn_multi *multi, cairn_easy *easy) {
  return curl_multi_remove_handle((CURLM *)multi, (CURL *)easy);
}
static inline CURLMcode cairn_multi_perform(cairn_multi *multi, int *running) {
  return curl_multi_perform((CURLM *)multi, running);
}
static inline CURLMcode cairn_multi_poll(cairn_multi *multi, int milliseconds) {
  return curl_multi_poll((CURLM *)multi, NULL, 0, milliseconds, NULL);
}
static inline CURLMcode cairn_multi_wakeup(cairn_multi *multi) {
  return curl_multi_wakeup((CURLM *)multi);
}
static inline void cairn_multi_cleanup(cairn_multi *multi) {
  curl_multi_cleanup((CURLM *)multi);
}
/// The next transfer that ended, or NULL.
static inline cairn_easy *cairn_multi_next_done(cairn_multi *multi, CURLcode *result) {
  int left = 0;
  CURLMsg *message;
  while ((message = curl_multi_info_read((CURLM *)multi, &left)) != NULL) {
    if (message->msg == CURLMSG_DONE) {
      *result = message->data.result;
      return (cairn_easy *)message->easy_handle;
    }
  }
  return NULL;
}

/// A share of DNS answers and TLS sessions, for handles of one thread.
static inline cairn_share *cairn_share_init(void) {
  CURLSH *share = curl_share_init();
  if (share != NULL) {
    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  }
  return (cairn_share *)share;
}
static inline void cairn_share_cleanup(cairn_share *share) { curl_share_cleanup((CURLSH *)share); }

#endif
