/// What is in one column of one row: SQLite holds any type in any column, whatever the table says.
package enum Value: Sendable, Equatable {
  case null
  case integer(Int64)
  /// Never NaN, which SQLite holds as NULL; may be infinite.
  case real(Double)
  case text(String)
  /// Bytes, or text that is not UTF-8 or too long to be any of ours; nobody asks for its content.
  case other
}

/// What can be written into a column, and perhaps be read back.
package protocol ValueConvertible {
  /// As SQLite holds it.
  var databaseValue: Value { get }
  /// Nil where a value is of another kind or out of range.
  init?(_ value: Value)
}

extension Int64: ValueConvertible {
  package var databaseValue: Value { .integer(self) }

  /// An integer, or a real number that is one.
  package init?(_ value: Value) {
    switch value {
    case .integer(let number): self = number
    case .real(let number): self.init(exactly: number)
    default: return nil
    }
  }
}

extension Int: ValueConvertible {
  package var databaseValue: Value { .integer(Int64(self)) }

  package init?(_ value: Value) {
    guard let number = Int64(value) else { return nil }
    self.init(exactly: number)
  }
}

extension Double: ValueConvertible {
  package var databaseValue: Value { isNaN ? .null : .real(self) }

  package init?(_ value: Value) {
    switch value {
    case .integer(let number): self = Double(number)
    case .real(let number): self = number
    default: return nil
    }
  }
}

extension Bool: ValueConvertible {
  package var databaseValue: Value { .integer(self ? 1 : 0) }

  package init?(_ value: Value) {
    guard let number = Int64(value) else { return nil }
    self = number != 0
  }
}

extension String: ValueConvertible {
  package var databaseValue: Value { .text(self) }

  package init?(_ value: Value) {
    guard case .text(let text) = value else { return nil }
    self = text
  }
}
