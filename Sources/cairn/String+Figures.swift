import Glibc

extension String {
  /// Numbers as text, in the way of `printf` and always with a point; Foundation's would bring all
  /// of it along.
  ///
  /// - Parameters:
  ///   - format: of `%d`, `%f` and their widths.
  ///   - values: as many numbers as it has places.
  init(figures format: String, _ values: any CVarArg...) {
    var bytes = [CChar](repeating: 0, count: 512)
    let room = bytes.count
    _ = withVaList(values) { vsnprintf(&bytes, room, format, $0) }
    self.init(
      decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
