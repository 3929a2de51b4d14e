import Foundation
import Glibc
import Synchronization

/// A connection of a client whose every byte a test decides.
final class Wire: Sendable {
  private let socket: Int32
  private let isClosed = Mutex(false)

  struct Closed: Error {}

  init(port: Int) throws {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let isOpen = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { [socket] in
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    guard isOpen else { throw Closed() }
  }

  init(path: String) throws {
    socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let isOpen = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { [socket] in
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
    guard isOpen else { throw Closed() }
  }

  deinit { close(socket) }

  /// Sends no more, and waits for what comes.
  func halfClose() { shutdown(socket, Int32(SHUT_WR)) }

  /// Goes as who has all that it wants: nothing is reset by this end.
  func leave() {
    // Its number stays this value's.
    let nothing = open("/dev/null", O_RDONLY)
    dup2(nothing, socket)
    close(nothing)
  }

  /// Goes as who is killed in the middle of an answer.
  func reset() {
    var now = linger(l_onoff: 1, l_linger: 0)
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    leave()
  }

  func send(_ text: String) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  }

  /// Asks for something.
  func ask(
    _ target: String, method: String = "GET", _ fields: [String: String] = [:],
    host: String = "localhost"
  ) {
    var text = "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n"
    for (name, value) in fields { text += "\(name): \(value)\r\n" }
    send(text + "\r\n")
  }

  /// Reads so many bytes, fewer at the connection's end.
  func read(_ count: Int) async -> [UInt8] {
    await onThread { [socket] in
      var all: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 64 << 10)
      while all.count < count {
        let got = recv(socket, &buffer, min(buffer.count, count - all.count), 0)
        guard got > 0 else { break }
        all += buffer[..<got]
      }
      return all
    }
  }

  /// Reads a head.
  func head() async throws -> (status: Int, fields: [String: String]) {
    let bytes = await onThread { [socket] in
      var all: [UInt8] = []
      var byte: UInt8 = 0
      while !all.suffix(4).elementsEqual([13, 10, 13, 10]), recv(socket, &byte, 1, 0) == 1 {
        all.append(byte)
      }
      return all
    }
    let lines = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n")
    let words = lines[0].split(separator: " ")
    guard words.count >= 2, let status = Int(words[1]) else { throw Closed() }
    var fields: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      fields[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
        in: .whitespaces)
    }
    return (status, fields)
  }

  /// Reads an answer.
  func answer(isHead: Bool = false) async throws -> WireAnswer {
    var (status, fields) = try await head()
    while status == 100 { (status, fields) = try await head() }
    let length = fields["content-length"].flatMap { Int($0) } ?? 0
    let body = isHead ? [] : await read(length)
    return WireAnswer(
      status: status, fields: fields, body: body, isWhole: isHead || body.count == length)
  }

  private func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: body()) }
    }
  }
}

struct WireAnswer: Sendable {
  var status: Int
  var fields: [String: String]
  var body: [UInt8]
  var isWhole: Bool

  var text: String { String(decoding: body, as: UTF8.self) }
}
