import FoundationEssentials
import Text

/// Why a model file cannot be used; names the field.
package struct ModelError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The field, with the names of what it lies in, for example `server.overload.slope`.
  package var field: String
  /// What is wrong with it.
  package var reason: String

  /// One sentence.
  package var description: String {
    field.isEmpty ? "the model \(reason)" : "field \(field) \(reason)"
  }
}

/// One object of a model file, read strictly: each field by name and range, nothing unknown left over.
struct ModelFields {
  private indirect enum Value: Decodable {
    case number(Double)
    case text(String)
    case flag(Bool)
    case list([Value])
    case object([String: Value])
    case null

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        self = .null
      } else if let value = try? container.decode(Bool.self) {
        self = .flag(value)
      } else if let value = try? container.decode(Double.self) {
        self = .number(value)
      } else if let value = try? container.decode(String.self) {
        self = .text(value)
      } else if let value = try? container.decode([Value].self) {
        self = .list(value)
      } else {
        self = .object(try container.decode([String: Value].self))
      }
    }
  }

  private let path: String
  private let values: [String: Value]
  private var asked: Set<String> = []

  /// Largest model file that is read, in bytes.
  private static let sizeLimit = 1 << 20

  init(_ data: Data) throws(ModelError) {
    guard data.count <= Self.sizeLimit else {
      throw ModelError(field: "", reason: "is larger than 1 MiB")
    }
    let value: Value
    do {
      value = try OutsideJSON.decode(Value.self, from: data)
    } catch {
      throw ModelError(field: "", reason: "is not JSON")
    }
    guard case .object(let values) = value else {
      throw ModelError(field: "", reason: "is not a JSON object")
    }
    path = ""
    self.values = values
  }

  private init(path: String, values: [String: Value]) {
    self.path = path
    self.values = values
  }

  private func full(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  // MARK: Reading

  mutating func text(_ name: String) throws(ModelError) -> String {
    asked.insert(name)
    guard let value = values[name] else {
      throw ModelError(field: full(name), reason: "is missing")
    }
    guard case .text(let text) = value else {
      throw ModelError(field: full(name), reason: "is not a text")
    }
    return text
  }

  mutating func flag(_ name: String) throws(ModelError) -> Bool? {
    asked.insert(name)
    guard let value = values[name] else { return nil }
    guard case .flag(let flag) = value else {
      throw ModelError(field: full(name), reason: "is neither true nor false")
    }
    return flag
  }

  mutating func number(_ name: String, _ range: ClosedRange<Double>) throws(ModelError) -> Double {
    guard let number = try optionalNumber(name, range) else {
      throw ModelError(field: full(name), reason: "is missing")
    }
    return number
  }

  mutating func optionalNumber(_ name: String, _ range: ClosedRange<Double>) throws(ModelError)
    -> Double?
  {
    asked.insert(name)
    guard let value = values[name] else { return nil }
    guard case .number(let number) = value else {
      throw ModelError(field: full(name), reason: "is not a number")
    }
    return try checked(number, full(name), range)
  }

  mutating func numbers(_ name: String, _ range: ClosedRange<Double>) throws(ModelError) -> [Double]
  {
    asked.insert(name)
    guard case .list(let list)? = values[name], !list.isEmpty else {
      throw ModelError(field: full(name), reason: "is not a list of numbers")
    }
    var numbers: [Double] = []
    for (index, value) in list.enumerated() {
      guard case .number(let number) = value else {
        throw ModelError(field: "\(full(name))[\(index)]", reason: "is not a number")
      }
      numbers.append(try checked(number, "\(full(name))[\(index)]", range))
    }
    return numbers
  }

  private func checked(_ number: Double, _ field: String, _ range: ClosedRange<Double>)
    throws(ModelError) -> Double
  {
    guard range.contains(number) else {
      throw ModelError(
        field: field,
        reason: "is \(number); it must be from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// Reads an object inside this one, if it is there.
  mutating func group<Result>(
    _ name: String, _ read: (inout ModelFields) throws(ModelError) -> Result
  ) throws(ModelError) -> Result? {
    asked.insert(name)
    guard let value = values[name] else { return nil }
    return try Self.read(value, full(name), read)
  }

  /// Reads a list of objects; none where it is not there.
  mutating func list<Result>(
    _ name: String, _ read: (inout ModelFields) throws(ModelError) -> Result
  ) throws(ModelError) -> [Result] {
    asked.insert(name)
    guard let value = values[name] else { return [] }
    guard case .list(let list) = value else {
      throw ModelError(field: full(name), reason: "is not a list")
    }
    var results: [Result] = []
    for (index, value) in list.enumerated() {
      results.append(try Self.read(value, "\(full(name))[\(index)]", read))
    }
    return results
  }

  private static func read<Result>(
    _ value: Value, _ field: String, _ read: (inout ModelFields) throws(ModelError) -> Result
  ) throws(ModelError) -> Result {
    guard case .object(let values) = value else {
      throw ModelError(field: field, reason: "is not an object")
    }
    var fields = ModelFields(path: field, values: values)
    let result = try read(&fields)
    try fields.finish()
    return result
  }

  /// Fails when a field was there that nobody asked for.
  func finish() throws(ModelError) {
    guard let unknown = values.keys.filter({ !asked.contains($0) }).min() else { return }
    // Models come from strangers, too: their names must not act on a terminal.
    throw ModelError(field: full(unknown.asASCII(60)), reason: "is unknown")
  }
}
