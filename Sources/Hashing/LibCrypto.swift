import CCrypto

/// What holds of OpenSSL's libcrypto for the whole process.
package enum LibCrypto {
  /// Keeps what it has until the process is gone.
  ///
  /// By itself it frees all that at `exit`, while threads that still hash or end a TLS connection use it,
  /// which then crash. To be called before anything else of it, or of a library that uses it.
  package static func stayUntilTheEnd() {
    OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_ATEXIT), nil)
  }
}
