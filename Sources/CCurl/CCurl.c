#define _GNU_SOURCE
#include "CCurl.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct noted_socket {
  int socket;
  /// 0 until it was asked for.
  int port;
  /// Bytes that the kernel had received when it was marked.
  unsigned long long received;
};

struct cairn_sockets {
  struct noted_socket *list;
  size_t count;
  size_t capacity;
  /// Held while the list changes or a socket is closed, and by whoever looks from another thread.
  pthread_mutex_t lock;
};

cairn_sockets *cairn_sockets_new(void) {
  cairn_sockets *sockets = calloc(1, sizeof *sockets);
  if (sockets != NULL) pthread_mutex_init(&sockets->lock, NULL);
  return sockets;
}

void cairn_sockets_free(cairn_sockets *sockets) {
  pthread_mutex_destroy(&sockets->lock);
  free(sockets->list);
  free(sockets);
}

/* A socket that is not noted works like any other; only its round trip stays unknown. */
static void note(cairn_sockets *sockets, int made) {
  if (sockets->count == sockets->capacity) {
    size_t capacity = sockets->capacity > 0 ? 2 * sockets->capacity : 64;
    struct noted_socket *list = realloc(sockets->list, capacity * sizeof *list);
    if (list == NULL) return;
    sockets->list = list;
    sockets->capacity = capacity;
  }
  sockets->list[sockets->count++] = (struct noted_socket){made, 0, 0};
}

int cairn_sockets_open(cairn_sockets *sockets, const struct curl_sockaddr *address) {
  int made = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (made < 0) return CURL_SOCKET_BAD;
  pthread_mutex_lock(&sockets->lock);
  note(sockets, made);
  pthread_mutex_unlock(&sockets->lock);
  return made;
}

static int close_noted(void *context, curl_socket_t closed) {
  cairn_sockets *sockets = context;
  pthread_mutex_lock(&sockets->lock);
  for (size_t index = 0; index < sockets->count; index++) {
    if (sockets->list[index].socket != closed) continue;
    sockets->list[index] = sockets->list[--sockets->count];
    break;
  }
  /* Under the lock: else its number may be another file's by the time that somebody ends it. */
  int result = close(closed);
  pthread_mutex_unlock(&sockets->lock);
  return result;
}

int cairn_address_bytes(const struct curl_sockaddr *address, unsigned char bytes[16]) {
  const struct sockaddr *any = &address->addr;
  if (address->family == AF_INET) {
    memcpy(bytes, &((const struct sockaddr_in *)any)->sin_addr, 4);
    return 4;
  }
  if (address->family == AF_INET6) {
    /* libcurl keeps room for it behind the general form. */
    memcpy(bytes, (const char *)any + offsetof(struct sockaddr_in6, sin6_addr), 16);
    return 16;
  }
  return 0;
}

void cairn_set_sockets(cairn_easy *easy, cairn_sockets *sockets, curl_opensocket_callback open, void *context) {
  curl_easy_setopt((CURL *)easy, CURLOPT_OPENSOCKETFUNCTION, open);
  curl_easy_setopt((CURL *)easy, CURLOPT_OPENSOCKETDATA, context);
  curl_easy_setopt((CURL *)easy, CURLOPT_CLOSESOCKETFUNCTION, close_noted);
  curl_easy_setopt((CURL *)easy, CURLOPT_CLOSESOCKETDATA, sockets);
}

static int local_port(int socket) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  if (getsockname(socket, (struct sockaddr *)&address, &length) != 0) return 0;
  if (address.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&address)->sin_port);
  if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
  return 0;
}

int cairn_sockets_find(cairn_sockets *sockets, int port) {
  if (port <= 0) return -1;
  for (size_t index = 0; index < sockets->count; index++) {
    struct noted_socket *noted = &sockets->list[index];
    if (noted->port == 0) noted->port = local_port(noted->socket);
    if (noted->port == port) return noted->socket;
  }
  return -1;
}

size_t cairn_sockets_end_idle(cairn_sockets *sockets, const int *busy, size_t count) {
  size_t ended = 0;
  for (size_t index = 0; index < sockets->count; index++) {
    int is_busy = 0;
    for (size_t place = 0; place < count && !is_busy; place++) is_busy = busy[place] == sockets->list[index].socket;
    if (!is_busy && shutdown(sockets->list[index].socket, SHUT_RDWR) == 0) ended++;
  }
  return ended;
}

static unsigned long long received(int socket) {
  struct tcp_info info;
  socklen_t length = sizeof info;
  memset(&info, 0, sizeof info);
  return getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 ? info.tcpi_bytes_received : 0;
}

void cairn_sockets_mark(cairn_sockets *sockets) {
  pthread_mutex_lock(&sockets->lock);
  for (size_t index = 0; index < sockets->count; index++) {
    sockets->list[index].received = received(sockets->list[index].socket);
  }
  pthread_mutex_unlock(&sockets->lock);
}

void cairn_sockets_end_busiest(cairn_sockets *sockets) {
  int busiest = -1;
  unsigned long long most = 0;
  pthread_mutex_lock(&sockets->lock);
  for (size_t index = 0; index < sockets->count; index++) {
    unsigned long long now = received(sockets->list[index].socket);
    unsigned long long before = sockets->list[index].received;
    if (now <= before || now - before <= most) continue;
    most = now - before;
    busiest = sockets->list[index].socket;
  }
  if (busiest >= 0) shutdown(busiest, SHUT_RDWR);
  pthread_mutex_unlock(&sockets->lock);
}

cairn_round_trips cairn_socket_round_trips(int socket) {
  cairn_round_trips trips = {0, 0, 0};
  struct tcp_info info;
  socklen_t length = sizeof info;
  memset(&info, 0, sizeof info);
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return trips;
  /* Who only receives measures a round trip by the time stamps of what arrives. */
  trips.now = info.tcpi_rcv_rtt > 0 ? info.tcpi_rcv_rtt : info.tcpi_rtt;
  trips.smallest = info.tcpi_min_rtt;
  /* Stays 0 in kernels before 5.4, which do not fill it. */
  trips.disordered = info.tcpi_rcv_ooopack;
  return trips;
}

int cairn_memory_file(const void *bytes, size_t count) {
  int file = memfd_create("cairn-certificates", MFD_CLOEXEC);
  if (file < 0) return -1;
  const char *rest = bytes;
  while (count > 0) {
    ssize_t done = write(file, rest, count);
    if (done <= 0) {
      close(file);
      return -1;
    }
    rest += done;
    count -= (size_t)done;
  }
  return file;
}

struct lookup {
  char *host;
  void (*done)(void *context, int code);
  void *context;
};

static void *look_up(void *argument) {
  struct lookup *lookup = argument;
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  int code = getaddrinfo(lookup->host, NULL, &hints, &found);
  if (found != NULL) freeaddrinfo(found);
  lookup->done(lookup->context, code);
  free(lookup->host);
  free(lookup);
  return NULL;
}

int cairn_look_up(const char *host, void (*done)(void *context, int code), void *context) {
  struct lookup *lookup = malloc(sizeof *lookup);
  char *copy = strdup(host);
  pthread_attr_t attributes;
  if (lookup == NULL || copy == NULL || pthread_attr_init(&attributes) != 0) {
    free(lookup);
    free(copy);
    return ENOMEM;
  }
  *lookup = (struct lookup){copy, done, context};
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  int code = pthread_create(&thread, &attributes, look_up, lookup);
  pthread_attr_destroy(&attributes);
  if (code != 0) {
    free(copy);
    free(lookup);
  }
  return code;
}
