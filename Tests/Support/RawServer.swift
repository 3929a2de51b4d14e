import Glibc
import Foundation
import Synchronization

/// An HTTP request as the test server read it.
package struct ServedRequest: Sendable {
  package var method: String
  package var target: String
  package var fields: [(name: String, value: String)]
  package var body: [UInt8]
  /// Which connection it came on, counted from 1.
  package var connection: Int

  package subscript(_ name: String) -> String? {
    fields.first { $0.name.lowercased() == name.lowercased() }?.value
  }

  /// Whether it asks for no more than comes at once with a server's word that a blob may be had.
  package var isGlimpse: Bool { range.map { $0.count <= 12 << 10 } ?? false }

  /// The byte range asked for.
  package var range: Range<Int>? {
    guard let value = self["range"], value.hasPrefix("bytes=") else { return nil }
    let ends = value.dropFirst(6).split(separator: "-").compactMap { Int($0) }
    return ends.count == 2 && ends[0] <= ends[1] ? ends[0]..<(ends[1] + 1) : nil
  }
}

/// What the test server does in answer to a request; good servers never do most of it.
package enum Reply: Sendable {
  /// A response with its Content-Length; the connection stays open.
  case response(Int, [(String, String)], [UInt8])
  /// These very bytes, then what `end` says.
  case raw([UInt8], End)

  package enum End: Sendable {
    case keep
    case close
    /// Close with a TCP reset.
    case reset
    /// Say nothing more until the server stops.
    case hang
    /// Send one byte of these now and then.
    case trickle([UInt8])
    /// Send this for ever, as fast as it is taken.
    case flood
  }

  package static func ok(_ body: [UInt8], _ fields: [(String, String)] = []) -> Reply {
    .response(200, fields, body)
  }

  package static func ok(_ text: String, _ fields: [(String, String)] = []) -> Reply {
    .response(200, fields, Array(text.utf8))
  }

  package static func status(_ status: Int, _ fields: [(String, String)] = [], _ body: String = "")
    -> Reply
  {
    .response(status, fields, Array(body.utf8))
  }

  /// The same response, called by another digest than it may have.
  package func announcing(_ name: some CustomStringConvertible) -> Reply {
    guard case .response(let status, let fields, let body) = self else { return self }
    let others = fields.filter { $0.0 != "Docker-Content-Digest" }
    return .response(status, others + [("Docker-Content-Digest", "\(name)")], body)
  }

  /// The head of a response that promises `length` bytes.
  package static func head(_ status: Int, length: Int, _ fields: [(String, String)] = []) -> [UInt8]
  {
    var text = "HTTP/1.1 \(status) X\r\nContent-Length: \(length)\r\n"
    for (name, value) in fields { text += "\(name): \(value)\r\n" }
    return Array((text + "\r\n").utf8)
  }
}

/// A small blocking HTTP/1.1 server on loopback whose every byte a test decides.
package final class RawServer: Sendable {
  package typealias Handler = @Sendable (ServedRequest) -> Reply

  private struct State {
    var log: [ServedRequest] = []
    var sockets: Set<Int32> = []
    var connections = 0
    var isStopped = false
  }

  package let port: Int
  private let listener: Int32
  private let handler: Handler
  private let isOneAtATime: Bool
  private let state = Mutex(State())

  /// - Parameters:
  ///   - isOneAtATime: true where a connection is accepted only when the one before it has ended.
  ///   - handler: answers a request.
  package init(isOneAtATime: Bool = false, _ handler: @escaping Handler) throws {
    self.handler = handler
    self.isOneAtATime = isOneAtATime
    (listener, port) = try LoopbackListener.open()
    Thread.detachNewThread { [self] in accept() }
  }

  // Not before: the port of a server that is gone would be the next one's, and somebody else would
  // answer for it.
  deinit {
    stop()
    close(listener)
  }

  /// `127.0.0.1:port`.
  package var host: String { "127.0.0.1:\(port)" }

  /// Every request so far.
  package var requests: [ServedRequest] { state.withLock { $0.log } }

  /// Connections so far.
  package var connections: Int { state.withLock { $0.connections } }

  /// Ends every connection, and lets nobody connect any more; once, because numbers of closed
  /// sockets are used again.
  package func stop() {
    state.withLock { state in
      guard !state.isStopped else { return }
      state.isStopped = true
      shutdown(listener, Int32(SHUT_RDWR))
      for socket in state.sockets { shutdown(socket, Int32(SHUT_RDWR)) }
    }
  }

  private var isStopped: Bool { state.withLock { $0.isStopped } }

  private func accept() {
    while true {
      let socket = Glibc.accept(listener, nil, nil)
      guard socket >= 0, !isStopped else { break }
      var yes: Int32 = 1
      setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, 4)
      let number = state.withLock { state in
        state.sockets.insert(socket)
        state.connections += 1
        return state.connections
      }
      let work: @Sendable () -> Void = { [self] in
        serve(socket, number)
        state.withLock {
          $0.sockets.remove(socket)
          close(socket)
        }
      }
      if isOneAtATime { work() } else { Thread.detachNewThread(work) }
    }
    state.withLock { $0.isStopped = true }
  }

  private func serve(_ socket: Int32, _ number: Int) {
    var buffer: [UInt8] = []
    while let request = read(socket, &buffer, number) {
      state.withLock { $0.log.append(request) }
      switch handler(request) {
      case .response(let status, let fields, let body):
        let isBodyless = request.method == "HEAD"
        guard
          send(socket, Reply.head(status, length: body.count, fields) + (isBodyless ? [] : body))
        else { return }
      case .raw(let bytes, let end):
        guard send(socket, bytes) else { return }
        switch end {
        case .keep: break
        case .close: return
        case .reset:
          var linger = linger(l_onoff: 1, l_linger: 0)
          setsockopt(
            socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
          return
        case .hang:
          var byte: UInt8 = 0
          while recv(socket, &byte, 1, 0) > 0 {}
          return
        case .flood:
          let many = [UInt8](repeating: 0x78, count: 64 << 10)
          while send(socket, many) {}
          return
        case .trickle(let bytes):
          for byte in bytes where send(socket, [byte]) { poll(nil, 0, 50) }
          return
        }
      }
    }
  }

  private func send(_ socket: Int32, _ bytes: [UInt8]) -> Bool {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(socket, $0.baseAddress.map { $0 + done }, $0.count - done, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      done += count
    }
    return true
  }

  private func read(_ socket: Int32, _ buffer: inout [UInt8], _ number: Int) -> ServedRequest? {
    let mark = Array("\r\n\r\n".utf8)
    var end: Int?
    while true {
      end = buffer.indices.first { buffer[$0...].starts(with: mark) }
      if end != nil { break }
      guard receive(socket, &buffer) else { return nil }
    }
    guard let end else { return nil }
    let lines = String(decoding: buffer[..<end], as: UTF8.self).components(separatedBy: "\r\n")
    buffer.removeFirst(end + 4)
    let words = lines[0].split(separator: " ")
    guard words.count == 3 else { return nil }
    let fields = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
      guard let colon = line.firstIndex(of: ":") else { return nil }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      return (String(line[..<colon]), String(value))
    }
    var request = ServedRequest(
      method: String(words[0]), target: String(words[1]), fields: fields, body: [],
      connection: number)
    let length = request["content-length"].flatMap { Int($0) } ?? 0
    while buffer.count < length {
      guard receive(socket, &buffer) else { return nil }
    }
    request.body = Array(buffer[..<length])
    buffer.removeFirst(length)
    return request
  }

  private func receive(_ socket: Int32, _ buffer: inout [UInt8]) -> Bool {
    var chunk = [UInt8](repeating: 0, count: 16 << 10)
    let count = recv(socket, &chunk, chunk.count, 0)
    guard count > 0 else { return false }
    buffer += chunk[..<count]
    return true
  }
}

/// Answers whatever arrives with the same bytes, without reading a request first.
package final class EagerServer: Sendable {
  package let port: Int
  private let listener: Int32

  package init(answer: [UInt8]) throws {
    let (listener, port) = try LoopbackListener.open()
    self.listener = listener
    self.port = port
    Thread.detachNewThread {
      while true {
        let socket = Glibc.accept(listener, nil, nil)
        guard socket >= 0 else { break }
        var byte: UInt8 = 0
        _ = recv(socket, &byte, 1, 0)
        _ = answer.withUnsafeBytes {
          Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        shutdown(socket, Int32(SHUT_WR))
        var rest = [UInt8](repeating: 0, count: 4096)
        while recv(socket, &rest, rest.count, 0) > 0 {}
        close(socket)
      }
      close(listener)
    }
  }

  deinit { shutdown(listener, Int32(SHUT_RDWR)) }
}
