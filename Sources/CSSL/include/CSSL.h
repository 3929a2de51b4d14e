/// OpenSSL's libssl as a server sees it, for Swift, which cannot call the macros that it is set up with.
#ifndef CAIRN_CSSL_H
#define CAIRN_CSSL_H

#include <openssl/err.h>
#include <openssl/ssl.h>

/// What connections are made from: TLS 1.2 and later, HTTP/1.1, no renegotiation, no sessions in memory; NULL: no memory.
SSL_CTX *cairn_tls_context(void);

/// Why a file is not what it was taken for.
typedef enum cairn_tls_fault {
  cairn_tls_fine,
  /// There is none of these in it.
  cairn_tls_missing,
  /// There is one, and it cannot be used.
  cairn_tls_unfit,
  /// It wants a password.
  cairn_tls_locked,
} cairn_tls_fault;

/// Takes a certificate, and those after it as its chain, from PEM.
cairn_tls_fault cairn_tls_use_chain(SSL_CTX *context, const void *pem, int count);
/// Takes a private key from PEM; `unfit`: it is another certificate's. To be called after the chain was taken.
cairn_tls_fault cairn_tls_use_key(SSL_CTX *context, const void *pem, int count);
/// Whether its certificate's time is over.
int cairn_tls_is_expired(const SSL_CTX *context);
/// What libssl says of the last thing that went wrong; its list of such is empty then.
void cairn_tls_words(char *words, size_t count);

/// A server's end of a connection over two BIOs in memory, which belong to it; NULL: no memory.
SSL *cairn_tls_new(SSL_CTX *context, BIO **incoming, BIO **outgoing);
/// Whether what came first was a plain HTTP request, where the last call failed.
int cairn_tls_was_plain_http(void);

#endif
