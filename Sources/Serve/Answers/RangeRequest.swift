import OCI

/// What a `Range` field asks of something whose size is known (RFC 9110, 14.2).
enum RangeRequest: Equatable {
  /// All of it: no range, several, or one in words that nobody has to understand.
  case whole
  case part(Range<Int64>)
  /// Nothing of it: it begins behind the end.
  case unsatisfiable

  /// Reads a field.
  ///
  /// - Parameters:
  ///   - field: the field's value; nil: there is none.
  ///   - size: of the whole, in bytes.
  init(_ field: String?, size: Int64) {
    guard let field, let ends = Self.ends(field) else {
      self = .whole
      return
    }
    switch ends {
    case (nil, nil): self = .whole
    case (let first?, let last):
      if let last, last < first {
        self = .whole
      } else if first >= size {
        self = .unsatisfiable
      } else {
        self = .part(first..<min(size, (last ?? .max).addingClamped(1)))
      }
    case (nil, let count?):
      self = count > 0 && size > 0 ? .part(max(0, size - min(size, count))..<size) : .unsatisfiable
    }
  }

  /// Where the bytes begin that a field asks for, as far as that can be said without their whole;
  /// nil: at a distance from its end.
  static func start(_ field: String?) -> Int64? {
    guard let field, let ends = ends(field) else { return 0 }
    switch ends {
    case (let first?, let last): return last.map { $0 < first } ?? false ? 0 : first
    case (nil, let count): return count == nil ? 0 : nil
    }
  }

  /// The two numbers of one range; nil for anything else.
  private static func ends(_ field: String) -> (Int64?, Int64?)? {
    let parts = field.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, trimmed(parts[0]).lowercased() == "bytes" else { return nil }
    let ends = trimmed(parts[1]).split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2, let first = number(ends[0]), let last = number(ends[1]) else {
      return nil
    }
    return (first, last)
  }

  private static func trimmed(_ text: Substring) -> Substring {
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    var text = text.drop(while: isBlank)
    while let last = text.last, isBlank(last) { text.removeLast() }
    return text
  }

  /// nil for no digits at all in `.some(nil)`; a number that is larger than all sizes is the largest.
  private static func number(_ text: Substring) -> Int64?? {
    let digits = trimmed(text)
    guard !digits.isEmpty else { return .some(nil) }
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return .some(Int64(digits) ?? .max)
  }
}
