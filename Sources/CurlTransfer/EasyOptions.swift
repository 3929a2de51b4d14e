internal import CCurl
import Transfer

/// Sets what a transfer is to do, and keeps which option libcurl did not take: a request that is not
/// what was meant must not be made.
struct EasyOptions {
  private let easy: OpaquePointer
  private var refused: (option: CURLoption, code: CURLcode)?

  init(_ easy: OpaquePointer) { self.easy = easy }

  /// - Throws: `TransferError`: libcurl did not take something.
  func requireTaken() throws(TransferError) {
    guard let refused else { return }
    throw TransferError(
      .broken,
      "libcurl does not take option \(refused.option.rawValue): "
        + String(cString: curl_easy_strerror(refused.code)))
  }

  mutating func set(_ option: CURLoption, _ number: Int) {
    note(option, cairn_set_long(easy, option, number))
  }

  mutating func set(_ option: CURLoption, _ text: String?) {
    note(option, cairn_set_string(easy, option, text))
  }

  mutating func set(_ option: CURLoption, bytes: [UInt8]) {
    note(option, bytes.withUnsafeBytes { cairn_set_blob(easy, option, $0.baseAddress, $0.count) })
  }

  mutating func set(_ option: CURLoption, size: Int) {
    note(option, cairn_set_off(easy, option, curl_off_t(size)))
  }

  mutating func set(_ option: CURLoption, list: UnsafeMutablePointer<curl_slist>?) {
    note(option, cairn_set_list(easy, option, list))
  }

  mutating func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer?) {
    note(option, cairn_set_pointer(easy, option, pointer))
  }

  mutating func set(_ option: CURLoption, _ callback: cairn_data_callback) {
    note(option, cairn_set_callback(easy, option, callback))
  }

  /// What only saves time: a handle that is used again may still have its old buffer, for example.
  func hint(_ option: CURLoption, _ number: Int) { _ = cairn_set_long(easy, option, number) }

  mutating func set(share: OpaquePointer) { note(CURLOPT_SHARE, cairn_set_share(easy, share)) }

  private mutating func note(_ option: CURLoption, _ code: CURLcode) {
    // What a library was built without, it cannot do wrong either.
    let isLacking = code == CURLE_NOT_BUILT_IN || code == CURLE_UNKNOWN_OPTION
    if code != CURLE_OK, !isLacking, refused == nil { refused = (option, code) }
  }
}
