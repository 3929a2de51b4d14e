#define _GNU_SOURCE
#include "CCurl.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { most_sights = 256 };

struct sight {
  unsigned long long number;
  int is_begun;
  int is_asked;
  X509 *own;
  X509 *refused;
};

struct cairn_sights {
  struct sight list[most_sights];
};

static int list_place = -1;
static int number_place = -1;
static pthread_once_t places_once = PTHREAD_ONCE_INIT;

static void make_places(void) {
  list_place = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
  number_place = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

cairn_sights *cairn_sights_new(void) { return calloc(1, sizeof(cairn_sights)); }

static void clear(struct sight *sight, unsigned long long number) {
  X509_free(sight->own);
  X509_free(sight->refused);
  *sight = (struct sight){.number = number};
}

void cairn_sights_free(cairn_sights *sights) {
  for (size_t index = 0; index < most_sights; index++) clear(&sights->list[index], 0);
  free(sights);
}

/* Of the transfer that a connection was made for; it may be over, so that only its number is kept. */
static struct sight *sight_of(const SSL *connection) {
  const SSL_CTX *context = SSL_get_SSL_CTX(connection);
  cairn_sights *sights = SSL_CTX_get_ex_data(context, list_place);
  if (sights == NULL) return NULL;
  unsigned long long number = (uintptr_t)SSL_CTX_get_ex_data(context, number_place);
  struct sight *sight = &sights->list[number % most_sights];
  if (sight->number != number) clear(sight, number);
  return sight;
}

static void keep(X509 **place, X509 *certificate) {
  if (certificate == NULL || *place == certificate || X509_up_ref(certificate) != 1) return;
  X509_free(*place);
  *place = certificate;
}

/* Decides nothing: what was judged stays as it is. */
static int look(int is_good, X509_STORE_CTX *store) {
  const SSL *connection = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
  struct sight *sight = connection == NULL ? NULL : sight_of(connection);
  if (sight == NULL) return is_good;
  if (!is_good) keep(&sight->refused, X509_STORE_CTX_get_current_cert(store));
  return is_good;
}

/* Also where a session goes on, and no certificate came. */
static void note_end(const SSL *connection, int where, int result) {
  (void)result;
  if ((where & SSL_CB_HANDSHAKE_DONE) == 0) return;
  struct sight *sight = sight_of(connection);
  if (sight == NULL) return;
  X509_free(sight->own);
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
  sight->own = SSL_get1_peer_certificate(connection);
#else
  sight->own = SSL_get_peer_certificate(connection);
#endif
}

static int asked(SSL *connection, X509 **certificate, EVP_PKEY **key) {
  (void)certificate;
  (void)key;
  struct sight *sight = sight_of(connection);
  if (sight != NULL) sight->is_asked = 1;
  return 0;
}

static CURLcode prepare(CURL *easy, void *context, void *data) {
  (void)easy;
  struct sight *sight = data;
  /* libcurl makes a context when it has a connection to use it on. */
  sight->is_begun = 1;
  cairn_sights *sights = (cairn_sights *)(void *)(sight - sight->number % most_sights);
  SSL_CTX_set_ex_data(context, list_place, sights);
  SSL_CTX_set_ex_data(context, number_place, (void *)(uintptr_t)sight->number);
  SSL_CTX_set_verify(context, SSL_CTX_get_verify_mode(context), look);
  SSL_CTX_set_client_cert_cb(context, asked);
  SSL_CTX_set_info_callback(context, note_end);
  return CURLE_OK;
}

void cairn_set_sights(cairn_easy *easy, cairn_sights *sights, unsigned long long number) {
  /* Only OpenSSL has such contexts, and only its own are to be touched. */
  const char *library = curl_version_info(CURLVERSION_NOW)->ssl_version;
  if (library == NULL || strncmp(library, "OpenSSL/", 8) != 0) return;
  pthread_once(&places_once, make_places);
  if (list_place < 0 || number_place < 0) return;
  struct sight *sight = &sights->list[number % most_sights];
  clear(sight, number);
  curl_easy_setopt((CURL *)easy, CURLOPT_SSL_CTX_DATA, sight);
  curl_easy_setopt((CURL *)easy, CURLOPT_SSL_CTX_FUNCTION, prepare);
}

static struct sight *found(cairn_sights *sights, unsigned long long number) {
  struct sight *sight = &sights->list[number % most_sights];
  return sight->number == number ? sight : NULL;
}

int cairn_sights_is_begun(cairn_sights *sights, unsigned long long number) {
  const struct sight *sight = found(sights, number);
  return sight != NULL && sight->is_begun;
}

int cairn_sights_is_asked(cairn_sights *sights, unsigned long long number) {
  const struct sight *sight = found(sights, number);
  return sight != NULL && sight->is_asked;
}

static void add(char *text, size_t size, const char *part, size_t length) {
  size_t used = strlen(text);
  if (used + length + 3 > size) return;
  if (used > 0) {
    memcpy(text + used, ", ", 2);
    used += 2;
  }
  for (size_t index = 0; index < length; index++) {
    unsigned char byte = (unsigned char)part[index];
    text[used + index] = byte > 0x20 && byte < 0x7F ? (char)byte : '?';
  }
  text[used + length] = 0;
}

void cairn_sights_names(cairn_sights *sights, unsigned long long number, char *text, size_t size) {
  text[0] = 0;
  const struct sight *sight = found(sights, number);
  if (sight == NULL || sight->own == NULL) return;
  GENERAL_NAMES *names = X509_get_ext_d2i(sight->own, NID_subject_alt_name, NULL, NULL);
  for (int index = 0; index < sk_GENERAL_NAME_num(names); index++) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    if (name->type == GEN_DNS) {
      add(text, size, (const char *)ASN1_STRING_get0_data(name->d.dNSName), (size_t)ASN1_STRING_length(name->d.dNSName));
    } else if (name->type == GEN_IPADD && ASN1_STRING_length(name->d.iPAddress) == 4) {
      const unsigned char *bytes = ASN1_STRING_get0_data(name->d.iPAddress);
      char shown[16];
      int length = snprintf(shown, sizeof shown, "%d.%d.%d.%d", bytes[0], bytes[1], bytes[2], bytes[3]);
      add(text, size, shown, (size_t)length);
    }
  }
  GENERAL_NAMES_free(names);
}

static long long seconds(const ASN1_TIME *when) {
  struct tm parts;
  return ASN1_TIME_to_tm(when, &parts) == 1 ? (long long)timegm(&parts) : 0;
}

int cairn_sights_dates(cairn_sights *sights, unsigned long long number, long long *from, long long *until) {
  const struct sight *sight = found(sights, number);
  if (sight == NULL || sight->refused == NULL) return 0;
  *from = seconds(X509_get0_notBefore(sight->refused));
  *until = seconds(X509_get0_notAfter(sight->refused));
  return 1;
}
