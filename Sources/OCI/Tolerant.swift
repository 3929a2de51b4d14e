/// A value that others wrote: what cannot be read is no error until somebody needs it.
struct Tolerant<Value: Decodable>: Decodable {
  /// The value; nil where it cannot be read.
  let value: Value?

  init(from decoder: any Decoder) {
    value = try? Value(from: decoder)
  }
}

extension KeyedDecodingContainer {
  /// The value of a key; nil where there is none, where it is null, and where it is of another type.
  func readable<Value: Decodable>(_ type: Value.Type, _ key: Key) -> Value? {
    (try? decodeIfPresent(type, forKey: key)) ?? nil
  }

  /// The strings of a list; what else is in it is left out; nil where there is no list.
  func readableStrings(_ key: Key) -> [String]? {
    readable([Tolerant<String>].self, key)?.compactMap(\.value)
  }

  /// The strings of a dictionary; what else is in it is left out; nil where there is none.
  func readableNotes(_ key: Key) -> [String: String]? {
    readable([String: Tolerant<String>].self, key)?.compactMapValues(\.value)
  }
}
