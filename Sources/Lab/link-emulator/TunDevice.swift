import Glibc

/// Why the emulator cannot work.
struct EmulatorError: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }

  /// What the last system call complained of.
  static func system(_ what: String) -> EmulatorError {
    EmulatorError("\(what): \(String(cString: strerror(errno)))")
  }
}

/// A network device whose packets this process reads and writes.
///
/// It is gone when the process is.
struct TunDevice {
  let descriptor: Int32

  /// Longest packet that a device with the standard MTU has, with room to spare.
  static let packetCapacity = 1536

  /// Makes a device in the network namespace that this thread is in.
  init(name: String) throws(EmulatorError) {
    descriptor = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("/dev/net/tun") }
    // struct ifreq: 16 bytes of name, then a short of flags: IFF_TUN | IFF_NO_PI.
    var request = [UInt8](repeating: 0, count: 40)
    guard name.utf8.count < 16 else { throw EmulatorError("\(name) is too long for a device") }
    request.replaceSubrange(0..<name.utf8.count, with: name.utf8)
    request[16] = 0x01
    request[17] = 0x10
    let setInterface: UInt = 0x4004_54CA
    let result = ioctl(descriptor, setInterface, &request)
    guard result >= 0 else { throw .system("device \(name)") }
  }

  /// Reads a packet; nil: none is there.
  func read(into bytes: UnsafeMutableRawBufferPointer) -> Int? {
    let count = Glibc.read(descriptor, bytes.baseAddress, bytes.count)
    return count > 0 ? count : nil
  }

  /// Hands a packet to the kernel; false: it took none, for example because the device is down.
  func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
    Glibc.write(descriptor, bytes.baseAddress, bytes.count) == bytes.count
  }
}
