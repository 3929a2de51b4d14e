/// A text that is the same as another only where every byte is.
///
/// Swift takes texts for equal that only look the same: "é" as one letter and as two, "K" and the sign of
/// kelvin. Names of files, and of what others find by its name, are bytes.
package struct ExactText: Hashable, Comparable, Sendable {
  /// The text.
  package let text: String

  /// - Parameter text: the text.
  package init(_ text: some StringProtocol) { self.text = String(text) }

  package static func == (one: ExactText, other: ExactText) -> Bool {
    one.text.utf8.elementsEqual(other.text.utf8)
  }

  package static func < (one: ExactText, other: ExactText) -> Bool {
    one.text.utf8.lexicographicallyPrecedes(other.text.utf8)
  }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    hasher.combine(0xFF as UInt8)
  }
}

extension StringProtocol {
  /// The text, compared byte by byte.
  package var exact: ExactText { ExactText(self) }
}
