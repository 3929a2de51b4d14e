import Glibc
import Transfer

/// Takes the body of an answer to where it was decided that it goes.
struct BodyIntake {
  /// Where it goes; nil: that is not decided yet.
  private(set) var destination: BodyDestination?
  /// What went to memory.
  private(set) var bytes: [UInt8] = []
  /// Bytes that came.
  private(set) var received: Int64 = 0
  /// Whether nobody wants more of it.
  private(set) var isFull = false
  /// Why no more of it can be taken.
  private(set) var failure: TransferError?
  /// What undoes its encoding, where something does.
  private var inflater: Inflater?
  private let clock: NetworkClock

  /// Makes one that knows no place yet.
  ///
  /// - Parameter clock: told what writing takes.
  init(clock: NetworkClock) { self.clock = clock }

  /// Begins a body.
  mutating func open(_ destination: BodyDestination) {
    self.destination = destination
    switch destination {
    case .window(let window, _, _): isFull = window.isFull
    case .refuse: isFull = true
    case .memory, .beginning, .decoded: break
    }
  }

  /// Nobody wants more of it.
  mutating func end() { isFull = true }

  /// Takes the next bytes; false where no more of it can be taken.
  mutating func take(_ chunk: UnsafeRawBufferPointer) -> Bool {
    // After a failure libcurl may still hand over what it had buffered.
    guard failure == nil else { return false }
    switch destination {
    case .memory(let limit):
      guard bytes.count + chunk.count <= limit else {
        failure = TransferError(.badResponse, "the response is larger than \(limit) bytes")
        return false
      }
      bytes.append(contentsOf: chunk)
    case .beginning(let limit):
      bytes.append(contentsOf: chunk.prefix(max(0, limit - bytes.count)))
      if bytes.count >= limit { isFull = true }
    case .window(let window, let offset, let meter):
      meter?.add(chunk.count)
      let (place, overflow) = offset.addingReportingOverflow(received)
      if !overflow, !write(chunk, to: window, at: place) { return false }
    case .decoded(let window, let offset, let length, let coding, let meter):
      meter?.add(chunk.count)
      guard decode(chunk, coding, length: length, into: window, at: offset) else { return false }
    case .refuse, nil:
      return false
    }
    received += Int64(chunk.count)
    return true
  }

  /// - Returns: false where writing failed.
  private mutating func write(
    _ bytes: UnsafeRawBufferPointer, to window: FileWindow, at place: Int64
  ) -> Bool {
    switch clock.disk({ window.accept(bytes, at: place) }) {
    case .more: break
    case .full: isFull = true
    case .failed(let code):
      failure = TransferError(.disk(errno: code), String(cString: strerror(code)))
      return false
    }
    return true
  }

  /// - Returns: false where writing failed, or the bytes are not what they are called.
  private mutating func decode(
    _ chunk: UnsafeRawBufferPointer, _ coding: BodyCoding, length: Int64, into window: FileWindow,
    at offset: Int64
  ) -> Bool {
    let inflater = inflater ?? Inflater(coding, limit: length)
    self.inflater = inflater
    do throws(TransferError) {
      var place = offset &+ inflater.count
      try inflater.take(chunk) { piece in
        defer { place &+= Int64(piece.count) }
        return write(piece, to: window, at: place) && !isFull
      }
    } catch {
      failure = error
    }
    return failure == nil
  }
}
