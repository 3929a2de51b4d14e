import Disk
import Glibc

/// Writes a POSIX tar archive (ustar, with pax records where a name or size does not fit).
///
/// Times, owners and modes are constant, so equal images give equal archives.
struct TarWriter {
  private let file: OutputFile
  private static let block = 512

  init(_ file: OutputFile) { self.file = file }

  /// Adds a file with content from memory.
  func add(_ name: String, _ content: [UInt8]) throws(StoreError) {
    try header(name, size: Int64(content.count))
    try write(content)
    try pad(Int64(content.count))
  }

  /// Adds a file with another file's content.
  func add(_ name: String, copying source: OpenFile, size: Int64) throws(StoreError) {
    try header(name, size: size)
    var buffer = [UInt8](repeating: 0, count: 256 << 10)
    var left = size
    lseek(source.descriptor, 0, SEEK_SET)
    while left > 0 {
      let count = try disk(try source.read(into: &buffer))
      guard count > 0 else { throw .system(action: "read", path: source.path, errno: EIO) }
      let taken = Int(min(left, Int64(count)))
      try write(buffer[..<taken])
      left -= Int64(taken)
    }
    try pad(size)
  }

  private func write(_ bytes: some Collection<UInt8>) throws(StoreError) {
    try disk(try file.write(bytes))
  }

  /// Ends the archive.
  func finish() throws(StoreError) {
    try write([UInt8](repeating: 0, count: 2 * Self.block))
  }

  private func pad(_ size: Int64) throws(StoreError) {
    let rest = Int(size % Int64(Self.block))
    if rest > 0 { try write([UInt8](repeating: 0, count: Self.block - rest)) }
  }

  private func header(_ name: String, size: Int64) throws(StoreError) {
    var records = ""
    if name.utf8.count > 100 { records += Self.paxRecord("path", name) }
    if size > 0o77_777_777_777 { records += Self.paxRecord("size", String(size)) }
    if !records.isEmpty {
      let bytes = Array(records.utf8)
      try write(Self.block("pax", size: Int64(bytes.count), type: "x"))
      try write(bytes)
      try pad(Int64(bytes.count))
    }
    try write(Self.block(name, size: size > 0o77_777_777_777 ? 0 : size, type: "0"))
  }

  /// `length key=value\n`, where the length counts itself.
  private static func paxRecord(_ key: String, _ value: String) -> String {
    let rest = " \(key)=\(value)\n".utf8.count
    var length = rest + String(rest).utf8.count
    if String(length).utf8.count + rest != length { length = rest + String(length).utf8.count }
    return "\(length) \(key)=\(value)\n"
  }

  private static func block(_ name: String, size: Int64, type: Character) -> [UInt8] {
    var block = [UInt8](repeating: 0, count: self.block)
    func put(_ text: String, at offset: Int, limit: Int) {
      for (index, byte) in text.utf8.prefix(limit).enumerated() { block[offset + index] = byte }
    }
    func octal(_ value: Int64, digits: Int) -> String {
      let text = String(value, radix: 8)
      return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
    put(name, at: 0, limit: 100)
    put("0000644", at: 100, limit: 8)
    put("0000000", at: 108, limit: 8)
    put("0000000", at: 116, limit: 8)
    put(octal(size, digits: 11), at: 124, limit: 12)
    put("00000000000", at: 136, limit: 12)
    put("        ", at: 148, limit: 8)
    put(String(type), at: 156, limit: 1)
    put("ustar", at: 257, limit: 6)
    put("00", at: 263, limit: 2)
    let sum = block.reduce(Int64(0)) { $0 + Int64($1) }
    put(octal(sum, digits: 6) + "\0 ", at: 148, limit: 8)
    return block
  }
}
