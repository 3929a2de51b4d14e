/// Makes damaged files of a good one: flipped bits, wrong types and hostile numbers; equal seeds
/// make equal files.
struct Damage: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  static let numbers = [
    "-1", "0", "1e308", "-1e308", "1e999", "9223372036854775807", "-9223372036854775808",
    "18446744073709551616", "0.1", "-0.0", "4294967296", "5e-324", "1e15", "9e9", "65536", "NaN",
    "1025", "9007199254740993", "99999999999999999999999999999999999999999",
  ]
  static let values = [
    "null", "true", "[]", "{}", "\"\"", "\"x\"", "[[[[]]]]", "{\"a\":{}}", "\"\\u0000\"",
    "\"\\ud800\"", "\"../../x\"", "\"\\u001b[2J\"", "[1,2,3]", "\"9223372036854775808\"",
  ]

  /// One of them.
  mutating func variant(of good: [UInt8]) -> [UInt8] {
    var bytes = good
    for _ in 0..<Int.random(in: 1...3, using: &self) {
      switch Int.random(in: 0..<8, using: &self) {
      case 0, 1:
        guard !bytes.isEmpty else { continue }
        bytes[Int.random(in: 0..<bytes.count, using: &self)] ^=
          1 << UInt8.random(in: 0..<8, using: &self)
      case 2, 3: replace(&bytes, Self.numbers, where: Self.numbersIn)
      case 4: replace(&bytes, Self.values, where: Self.numbersIn)
      case 5: replace(&bytes, Self.values + Self.numbers, where: Self.stringsIn)
      case 6:
        let part = slice(of: bytes)
        bytes.insert(contentsOf: bytes[part], at: part.upperBound)
      default: bytes.removeSubrange(slice(of: bytes))
      }
    }
    return bytes
  }

  private mutating func slice(of bytes: [UInt8]) -> Range<Int> {
    let start = Int.random(in: 0...bytes.count, using: &self)
    return start..<min(bytes.count, start + Int.random(in: 0...60, using: &self))
  }

  private mutating func replace(
    _ bytes: inout [UInt8], _ choices: [String], where finds: ([UInt8]) -> [Range<Int>]
  ) {
    guard let part = finds(bytes).randomElement(using: &self),
      let words = choices.randomElement(using: &self)
    else { return }
    bytes.replaceSubrange(part, with: words.utf8)
  }

  private static func numbersIn(_ bytes: [UInt8]) -> [Range<Int>] {
    parts(bytes) { ("0"..."9").contains(Character(UnicodeScalar($0))) || $0 == 0x2E || $0 == 0x2D }
  }

  private static func stringsIn(_ bytes: [UInt8]) -> [Range<Int>] {
    let quotes = bytes.indices.filter { bytes[$0] == 0x22 }
    return stride(from: 0, to: quotes.count - 1, by: 2).map { quotes[$0]..<quotes[$0 + 1] + 1 }
  }

  /// Stretches of bytes that are of a kind.
  private static func parts(_ bytes: [UInt8], _ isOne: (UInt8) -> Bool) -> [Range<Int>] {
    var found: [Range<Int>] = []
    var start: Int?
    for (index, byte) in (bytes + [0]).enumerated() {
      if isOne(byte) {
        start = start ?? index
      } else if let first = start {
        found.append(first..<index)
        start = nil
      }
    }
    return found
  }
}
