/// Tells requests that this very service has made from those of others, by whatever name and way they come back.
///
/// A registry, a token service or a mirror can send the service to where it is asked itself. It would wait for its own answer, or ask
/// itself until its connections end; and a request of its own is one of its owner's, for whom `--own-credentials` is.
///
/// - Source: RFC 9110, 7.6.3: `Via` is there to find such loops.
package struct LoopMark: Sendable, Equatable {
  /// The field's value: our protocol's version and a name of this process's own.
  let text: String

  /// Makes one that no other process has.
  package init() { text = "1.1 cairn-" + String(UInt64.random(in: .min ... .max), radix: 16) }

  /// Whether a request that shows these was made here.
  ///
  /// - Parameter fields: every `Via` of its head.
  func isIn(_ fields: [String]) -> Bool {
    fields.contains { field in
      field.utf8.split(separator: UInt8(ascii: ",")).contains {
        $0.drop { $0 == 0x20 || $0 == 0x09 }.elementsEqual(text.utf8)
      }
    }
  }
}
