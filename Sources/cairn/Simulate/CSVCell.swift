/// A text as a cell of a CSV file, which spreadsheets will not take for a formula.
///
/// Names of models, registries and machines come from outside. A spreadsheet executes a cell that
/// begins like a formula, and it may split cells at other places than commas (OWASP, "CSV
/// Injection"). So an apostrophe, which spreadsheets read as "this is text", goes before such a
/// beginning, wherever some program may see a cell begin.
enum CSVCell {
  /// What a formula begins with; the wide forms count in East Asian versions.
  private static let beginnings: Set<Unicode.Scalar> = [
    "=", "+", "-", "@", "＝", "＋", "－", "＠",
  ]
  /// What ends a cell in some program or other.
  private static let ends: Set<Unicode.Scalar> = [
    ",", ";", "|", "\t", "\r", "\n", "\u{0B}", "\u{0C}",
  ]
  /// What only a cell in quotes may have; a semicolon divides cells where commas divide digits.
  private static let quoted = ends.union(["\"", "'"])

  /// The cell, in quotes where it needs some.
  static func text(_ text: String) -> String {
    var shown = ""
    var begins = true
    for scalar in text.unicodeScalars {
      if begins, beginnings.contains(scalar) || (shown.isEmpty && ends.contains(scalar)) {
        shown.unicodeScalars.append("'")
      }
      if ends.contains(scalar) || scalar == "\"" {
        begins = true
      } else if !scalar.properties.isWhitespace {
        begins = false
      }
      if scalar == "\"" { shown.unicodeScalars.append("\"") }
      shown.unicodeScalars.append(scalar)
    }
    return shown.unicodeScalars.contains(where: quoted.contains) ? "\"\(shown)\"" : shown
  }
}
