package import Registry
package import Store

/// Why a blob did not come.
package enum DownloadError: Error, Sendable {
  /// No server gave it.
  case registry(RegistryError)
  /// It cannot be written.
  case store(StoreError)
  /// Its content is wrong, after it was fetched again, or nothing of it will come; a sentence.
  case integrity(String)
  /// Nobody wants it any more: its downloads ended, or who waited was cancelled.
  case stopped
}
