/// What a plot is drawn with: each is what SVG takes as a colour.
package struct Palette: Sendable {
  /// Behind everything; nil: nothing is drawn there.
  package var paper: String?
  /// Titles and numbers.
  package var ink: String
  /// What explains.
  package var faint: String
  /// Lines behind the data.
  package var grid: String
  /// One for each series; then they begin again.
  package var series: [String]

  /// Dark on white, for a file of its own.
  package static let paper = Palette(
    paper: "white", ink: "#222222", faint: "#555555", grid: "#dddddd",
    series: ["#1f5fa8", "#c2571a", "#2c8a4b", "#8a3fa0", "#77716a", "#b8a21f"])

  /// The properties `--ink`, `--faint`, `--grid` and `--series-1` to `--series-6` of the page that
  /// it stands in.
  package static let page = Palette(
    paper: nil, ink: "var(--ink)", faint: "var(--faint)", grid: "var(--grid)",
    series: (1...6).map { "var(--series-\($0))" })
}
