package import FoundationEssentials

/// JSON that is the same for equal values: sorted keys, slashes as they are, no white space.
///
/// Digests are taken of some of it and tests compare the rest, so all of it is written here.
package enum StableJSON {
  /// The encoded value.
  ///
  /// - Parameter value: what to encode.
  /// - Throws: `EncodingError`.
  package static func encode(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value)
  }

  /// Decodes what this program has just written itself, without the looks that text of others gets.
  ///
  /// - Parameters:
  ///   - type: its type.
  ///   - data: UTF-8.
  /// - Throws: `DecodingError`.
  package static func decode<Value: Decodable>(_ type: Value.Type, from data: Data) throws -> Value
  {
    try JSONDecoder().decode(type, from: data)
  }
}
