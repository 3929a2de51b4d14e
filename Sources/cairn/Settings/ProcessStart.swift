import CStart
import Glibc

/// What this process was started with, byte by byte.
enum ProcessStart {
  /// The arguments behind the program's name; nil: the system did not say.
  static let arguments: [[UInt8]]? = {
    let count = cairn_argument_count()
    guard count >= 0 else { return nil }
    return places.prefix(Int(count)).dropFirst().map(bytes)
  }()

  /// The variables, `NAME=value` each.
  static var variables: [[UInt8]] { list(cairn_variables()).map(bytes) }

  /// Where the kernel shows the arguments from to others.
  static var places: [UnsafeMutablePointer<CChar>] { list(cairn_arguments()) }

  private static func list(_ start: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?)
    -> [UnsafeMutablePointer<CChar>]
  {
    var found: [UnsafeMutablePointer<CChar>] = []
    guard var next = start else { return found }
    while let place = next.pointee {
      found.append(place)
      next += 1
    }
    return found
  }

  private static func bytes(_ place: UnsafeMutablePointer<CChar>) -> [UInt8] {
    UnsafeRawBufferPointer(start: place, count: strlen(place)).map { $0 }
  }
}
