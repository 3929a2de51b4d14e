import Disk
import FoundationEssentials

/// What other users of the machine see of this process's arguments.
enum ProcessList {
  /// Overwrites the value of `--creds` among the arguments that the kernel shows; the program has
  /// its own copy.
  ///
  /// Whoever looks in the moment between the start and this call still sees it. Where the kernel
  /// does not say where the arguments are, nothing happens.
  static func hideCredentials() {
    // The command line is copied before it is overwritten.
    _ = CommandLine.arguments
    guard let area = argumentArea() else { return }
    var isValue = false
    for argument in area.split(separator: 0, omittingEmptySubsequences: false) {
      let text = String(decoding: argument, as: UTF8.self)
      if isValue {
        overwrite(argument)
      } else if text.hasPrefix("--creds=") {
        overwrite(argument.dropFirst("--creds=".utf8.count))
      }
      isValue = text == "--creds"
    }
  }

  private static func overwrite(_ bytes: Slice<UnsafeMutableRawBufferPointer>) {
    for index in bytes.indices { bytes.base[index] = UInt8(ascii: "x") }
  }

  /// Where the kernel reads `/proc/self/cmdline` from: fields 48 and 49 of `/proc/self/stat`.
  private static func argumentArea() -> UnsafeMutableRawBufferPointer? {
    guard let text = try? InputFile.text("/proc/self/stat", limit: 64 << 10),
      let name = text.lastIndex(of: ")")
    else { return nil }
    // The name, field 2, may contain anything; what follows it begins with field 3.
    let fields = text[name...].dropFirst().split(whereSeparator: \.isWhitespace)
    guard fields.count > 46, let start = UInt(fields[45]), let end = UInt(fields[46]), start < end
    else { return nil }
    return UnsafeMutableRawBufferPointer(
      start: UnsafeMutableRawPointer(bitPattern: start), count: Int(end - start))
  }
}
