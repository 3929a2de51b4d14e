import Text

/// The title, in as many lines as the picture's width makes of it.
extension Plot {
  /// Pixels that a character of it takes.
  private static let character = 8.6

  /// Its lines; a word that is wider than the picture is cut.
  var titleLines: [String] {
    let most = max(8, Int((size.width - Self.left) / Self.character))
    var lines: [String] = []
    for word in title.parts(at: " ") {
      let shown = word.count > most ? word.prefix(most - 1) + "…" : word
      if let last = lines.last, last.count + 1 + shown.count <= most {
        lines[lines.count - 1] = "\(last) \(shown)"
      } else {
        lines.append(String(shown))
      }
    }
    return lines
  }

  /// Where its last line stands.
  var titleEnd: Double { 24 + 20 * Double(max(1, titleLines.count) - 1) }
}
