#include "CSSL.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

/* A client that speaks no HTTP/1.1 is told so; one that does not say what it speaks is taken to. */
static int choose_protocol(SSL *connection, const unsigned char **chosen, unsigned char *length,
                           const unsigned char *offered, unsigned int count, void *context) {
  static const unsigned char ours[] = "\x08http/1.1";
  (void)connection;
  (void)context;
  unsigned char *found = NULL;
  if (SSL_select_next_proto(&found, length, ours, sizeof ours - 1, offered, count) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

/* libssl would ask at the terminal. */
static int no_password(char *buffer, int size, int is_writing, void *context) {
  (void)buffer;
  (void)size;
  (void)is_writing;
  (void)context;
  return -1;
}

SSL_CTX *cairn_tls_context(void) {
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  if (context == NULL) return NULL;
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  /* Tickets are with the client: nothing of it is kept here. */
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_default_passwd_cb(context, no_password);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
  return context;
}

cairn_tls_fault cairn_tls_use_chain(SSL_CTX *context, const void *pem, int count) {
  ERR_clear_error();
  BIO *bytes = BIO_new_mem_buf(pem, count);
  if (bytes == NULL) return cairn_tls_unfit;
  X509 *certificate = PEM_read_bio_X509_AUX(bytes, NULL, no_password, NULL);
  cairn_tls_fault fault = cairn_tls_fine;
  if (certificate == NULL) {
    fault = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE ? cairn_tls_missing : cairn_tls_unfit;
  } else if (SSL_CTX_use_certificate(context, certificate) != 1) {
    fault = cairn_tls_unfit;
  }
  X509_free(certificate);
  while (fault == cairn_tls_fine) {
    X509 *next = PEM_read_bio_X509(bytes, NULL, no_password, NULL);
    if (next == NULL) {
      if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) fault = cairn_tls_unfit;
      break;
    }
    if (SSL_CTX_add1_chain_cert(context, next) != 1) fault = cairn_tls_unfit;
    X509_free(next);
  }
  BIO_free(bytes);
  return fault;
}

cairn_tls_fault cairn_tls_use_key(SSL_CTX *context, const void *pem, int count) {
  ERR_clear_error();
  BIO *bytes = BIO_new_mem_buf(pem, count);
  if (bytes == NULL) return cairn_tls_unfit;
  EVP_PKEY *key = PEM_read_bio_PrivateKey(bytes, NULL, no_password, NULL);
  BIO_free(bytes);
  if (key == NULL) {
    for (unsigned long code; (code = ERR_get_error()) != 0;) {
      if (ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_BAD_PASSWORD_READ) return cairn_tls_locked;
    }
    return cairn_tls_missing;
  }
  int is_right = SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;
  EVP_PKEY_free(key);
  return is_right ? cairn_tls_fine : cairn_tls_unfit;
}

int cairn_tls_is_expired(const SSL_CTX *context) {
  const X509 *certificate = SSL_CTX_get0_certificate(context);
  return certificate != NULL && X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
}

void cairn_tls_words(char *words, size_t count) {
  const char *reason = ERR_reason_error_string(ERR_peek_last_error());
  BIO_snprintf(words, count, "%s", reason != NULL ? reason : "");
  ERR_clear_error();
}

SSL *cairn_tls_new(SSL_CTX *context, BIO **incoming, BIO **outgoing) {
  SSL *connection = SSL_new(context);
  *incoming = BIO_new(BIO_s_mem());
  *outgoing = BIO_new(BIO_s_mem());
  if (connection == NULL || *incoming == NULL || *outgoing == NULL) {
    SSL_free(connection);
    BIO_free(*incoming);
    BIO_free(*outgoing);
    return NULL;
  }
  /* Where there is no more for now, more may come. */
  BIO_set_mem_eof_return(*incoming, -1);
  SSL_set_bio(connection, *incoming, *outgoing);
  SSL_set_accept_state(connection);
  return connection;
}

int cairn_tls_was_plain_http(void) {
  unsigned long code = ERR_peek_last_error();
  return ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST;
}
