/// OpenSSL's libcrypto digests (EVP), for the store's verification.
#ifndef CAIRN_CCRYPTO_H
#define CAIRN_CCRYPTO_H
#include <openssl/evp.h>
#endif
