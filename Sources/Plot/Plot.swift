/// A plot of one quantity against another, drawn as SVG text.
public struct Plot: Sendable {
  /// A point with its spread.
  public struct Point: Sendable {
    /// Where it stands.
    public var x: Double
    /// How high.
    public var y: Double
    /// From and to where its spread reaches; nil: none is known.
    public var spread: ClosedRange<Double>?

    /// Makes a point.
    public init(x: Double, y: Double, spread: ClosedRange<Double>? = nil) {
      self.x = x
      self.y = y
      self.spread = spread
    }
  }

  /// Points that belong together.
  public struct Series: Sendable {
    /// How they are drawn.
    public enum Style: Sendable {
      /// Marks, with bars for their spread.
      case points
      /// A line through them.
      case line
    }

    /// What the legend says.
    public var name: String
    /// How they are drawn.
    public var style: Style
    /// The points, by `x`.
    public var points: [Point]

    /// Makes a series.
    public init(name: String, style: Style, points: [Point]) {
      self.name = name
      self.style = style
      self.points = points
    }
  }

  /// A vertical line that marks a place on the `x` axis.
  public struct Mark: Sendable {
    /// Where it stands.
    public var x: Double
    /// What is written beside it.
    public var label: String

    /// Makes a mark.
    public init(x: Double, label: String) {
      self.x = x
      self.label = label
    }
  }

  /// What is written above it.
  public var title: String
  /// What is written below the `x` axis.
  public var xLabel: String
  /// What is written beside the `y` axis.
  public var yLabel: String
  /// What is drawn.
  public var series: [Series]
  /// Places that are marked.
  public var marks: [Mark] = []
  /// Names of the places 1, 2, … on the `x` axis; empty: they are numbers.
  public var names: [String] = []

  /// Makes a plot.
  public init(
    title: String, xLabel: String, yLabel: String, series: [Series], marks: [Mark] = [],
    names: [String] = []
  ) {
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.series = series
    self.marks = marks
    self.names = names
  }

  // MARK: Drawing

  static let width = 760.0
  static let height = 440.0
  private static let left = 70.0
  private static let right = 24.0
  private static let top = 62.0
  private static let bottom = 56.0
  private static let colours = ["#1f5fa8", "#c2571a", "#2c8a4b", "#8a3fa0", "#77716a", "#b8a21f"]

  /// The whole drawing.
  public var svg: String {
    let all = series.flatMap(\.points)
    let xTicks =
      names.isEmpty ? Ticks(all.map(\.x) + marks.map(\.x)) : Ticks(places: names.count)
    let yTicks = Ticks(all.flatMap { [$0.y, $0.spread?.upperBound ?? $0.y] } + [0])
    var parts = [
      #"<svg xmlns="http://www.w3.org/2000/svg" width="\#(Int(Self.width))" height="\#(Int(Self.height))" "#
        + #"viewBox="0 0 \#(Int(Self.width)) \#(Int(Self.height))" font-family="sans-serif" font-size="13">"#,
      #"<rect width="100%" height="100%" fill="white"/>"#,
      text(title, x: Self.left, y: 24, anchor: "start", size: 16),
    ]
    parts += axes(xTicks, yTicks)
    parts += marks.enumerated().map { mark($1, row: $0, xTicks) }
    for (index, one) in series.enumerated() {
      parts.append(draw(one, Self.colours[index % Self.colours.count], xTicks, yTicks))
    }
    parts += legend()
    return parts.joined(separator: "\n") + "\n</svg>\n"
  }

  private func x(_ value: Double, _ ticks: Ticks) -> Double {
    Self.left + ticks.share(of: value) * (Self.width - Self.left - Self.right)
  }

  private func y(_ value: Double, _ ticks: Ticks) -> Double {
    Self.height - Self.bottom - ticks.share(of: value) * (Self.height - Self.top - Self.bottom)
  }

  private func axes(_ xTicks: Ticks, _ yTicks: Ticks) -> [String] {
    var parts: [String] = []
    let floor = Self.height - Self.bottom
    for value in yTicks.values {
      let at = y(value, yTicks)
      parts.append(line(Self.left, at, Self.width - Self.right, at, "#dddddd"))
      parts.append(text(yTicks.label(value), x: Self.left - 8, y: at + 4, anchor: "end"))
    }
    for value in xTicks.values {
      let at = x(value, xTicks)
      parts.append(line(at, floor, at, floor + 5, "#555555"))
      guard !names.isEmpty else {
        parts.append(text(xTicks.label(value), x: at, y: floor + 20, anchor: "middle"))
        continue
      }
      // Two rows, so that neighbours do not touch.
      let index = Int(value) - 1
      let row = floor + 18 + (names.count > 8 && index % 2 == 1 ? 15 : 0)
      parts.append(text(names[index], x: at, y: row, anchor: "middle", size: 12))
    }
    parts.append(line(Self.left, floor, Self.width - Self.right, floor, "#555555"))
    parts.append(line(Self.left, Self.top, Self.left, floor, "#555555"))
    parts.append(
      text(
        xLabel, x: (Self.left + Self.width - Self.right) / 2, y: Self.height - 14, anchor: "middle")
    )
    let middle = number((Self.top + floor) / 2)
    parts.append(
      #"<text x="18" y="\#(middle)" text-anchor="middle" transform="rotate(-90 18 \#(middle))">"#
        + escaped(yLabel) + "</text>")
    return parts
  }

  private func mark(_ mark: Mark, row: Int, _ ticks: Ticks) -> String {
    let at = x(mark.x, ticks)
    let isRight = at > Self.width - 160
    return #"<path d="M\#(number(at)) \#(number(Self.top))V\#(number(Self.height - Self.bottom))" "#
      + ##"stroke="#999999" stroke-dasharray="5 4" fill="none"/>"##
      + text(
        mark.label, x: at + (isRight ? -5 : 5), y: Self.top + 12 + 16 * Double(row),
        anchor: isRight ? "end" : "start", colour: "#555555")
  }

  private func draw(_ series: Series, _ colour: String, _ xTicks: Ticks, _ yTicks: Ticks) -> String
  {
    switch series.style {
    case .line:
      let path = series.points.enumerated().map { index, point in
        "\(index == 0 ? "M" : "L")\(number(x(point.x, xTicks))) \(number(y(point.y, yTicks)))"
      }
      return #"<path d="\#(path.joined())" fill="none" stroke="\#(colour)" stroke-width="2"/>"#
    case .points:
      return series.points.map { point in
        let (px, py) = (x(point.x, xTicks), y(point.y, yTicks))
        var parts = ""
        if let spread = point.spread {
          // Seconds below zero mean nothing, and nothing is drawn outside the frame.
          let (bottom, top) = (yTicks.values.first ?? 0, yTicks.values.last ?? 0)
          let low = y(min(top, max(bottom, spread.lowerBound)), yTicks)
          let high = y(min(top, max(bottom, spread.upperBound)), yTicks)
          parts += line(px, low, px, high, colour)
          parts += line(px - 4, low, px + 4, low, colour)
          parts += line(px - 4, high, px + 4, high, colour)
        }
        return parts
          + #"<circle cx="\#(number(px))" cy="\#(number(py))" r="4" fill="\#(colour)"/>"#
      }.joined(separator: "\n")
    }
  }

  private func legend() -> [String] {
    guard series.count > 1 else { return [] }
    // In the band under the title, side by side, where nothing is drawn.
    var x = Self.left
    let y = 30.0
    var parts: [String] = []
    for (index, one) in series.enumerated() {
      let at = y + 16
      let colour = Self.colours[index % Self.colours.count]
      parts.append(
        one.style == .line
          ? line(x, at - 4, x + 18, at - 4, colour, width: 2)
          : #"<circle cx="\#(number(x + 9))" cy="\#(number(at - 4))" r="4" fill="\#(colour)"/>"#)
      parts.append(text(one.name, x: x + 26, y: at, anchor: "start"))
      x += 46 + 7.2 * Double(one.name.count)
    }
    return parts
  }

  // MARK: Elements

  private func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ colour: String, width: Double = 1
  ) -> String {
    #"<path d="M\#(number(x1)) \#(number(y1))L\#(number(x2)) \#(number(y2))" stroke="\#(colour)" "#
      + #"stroke-width="\#(number(width))" fill="none"/>"#
  }

  private func text(
    _ content: String, x: Double, y: Double, anchor: String, size: Double = 13,
    colour: String = "#222222"
  ) -> String {
    #"<text x="\#(number(x))" y="\#(number(y))" text-anchor="\#(anchor)" font-size="\#(number(size))" "#
      + #"fill="\#(colour)">\#(escaped(content))</text>"#
  }

  private func number(_ value: Double) -> String {
    let tenths = (value * 10).rounded() / 10
    return tenths == tenths.rounded() ? "\(Int(tenths))" : "\(tenths)"
  }

  private func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}
