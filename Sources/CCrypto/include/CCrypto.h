/// OpenSSL's libcrypto digests (EVP), for the store's verification, and HMAC.
#ifndef CAIRN_CCRYPTO_H
#define CAIRN_CCRYPTO_H
#include <openssl/evp.h>
#include <openssl/hmac.h>
#endif
