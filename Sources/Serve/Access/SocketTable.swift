import Transfer

/// Reads `/proc/net/tcp` and `/proc/net/tcp6`, for kernels that do not answer `sock_diag`.
enum SocketTable {
  /// The owner of a connection's socket; nil: it is not in the table.
  ///
  /// - Parameters:
  ///   - text: the table.
  ///   - connection: as that socket sees it.
  static func owner(of connection: SocketDiagnosis.Connection, in text: String) -> UInt32? {
    let ends =
      " " + form(connection.local, connection.localPort) + " "
      + form(connection.remote, connection.remotePort) + " "
    var rest = text.utf8[...]
    // Only the lines of that connection are taken apart: the table may have ten thousand others.
    while let found = rest.firstRange(of: ends.utf8) {
      let line = rest[found.upperBound...].prefix { $0 != UInt8(ascii: "\n") }
      rest = rest[line.endIndex...]
      // State, queues, timer, retransmissions, uid. States: established, close wait.
      let fields = line.split(separator: UInt8(ascii: " ")).map { String(Substring($0)) }
      guard fields.count > 4, ["01", "08"].contains(fields[0]) else { continue }
      return UInt32(fields[4])
    }
    return nil
  }

  /// `0100007F:1F90`: words of four bytes as numbers of this machine, and the port.
  private static func form(_ address: [UInt8], _ port: UInt16) -> String {
    var text = ""
    for start in stride(from: 0, to: address.count, by: 4) {
      let word = address[start..<min(start + 4, address.count)]
      for byte in UInt16(1).littleEndian == 1 ? Array(word.reversed()) : Array(word) {
        text += hex(UInt16(byte), 2)
      }
    }
    return text + ":" + hex(port, 4)
  }

  private static func hex(_ value: UInt16, _ length: Int) -> String {
    let figures = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, length - figures.count)) + figures
  }
}
