import Testing

@testable import Plot

@Suite("Plots")
struct PlotTests {
  @Test(
    "an axis of whole things has no fractions, whatever stands on it",
    arguments: [
      ([1], ["0", "1"]), ([4], ["0", "1", "2", "3", "4"]), ([3, 4], ["3", "4"]),
      ([1, 30], ["0", "5", "10", "15", "20", "25", "30"]), ([], ["0", "1"]),
    ] as [([Double], [String])])
  func whole(data: [Double], labels: [String]) {
    let ticks = Ticks(data, whole: true)
    #expect(ticks.values.map(ticks.label) == labels)
  }

  @Test("an axis of anything else has them where they are needed")
  func fractions() {
    let ticks = Ticks([0.2, 1])
    #expect(ticks.values.map(ticks.label) == ["0.2", "0.4", "0.6", "0.8", "1.0"])
  }

  static func plot(_ marks: [Plot.Mark], width: Double = 760) -> Plot {
    var plot = Plot(
      title: "", xLabel: "workers", yLabel: "MiB/s",
      series: [
        .init(name: "", style: .points, points: (1...30).map { .init(x: Double($0), y: 9) })
      ],
      marks: marks)
    plot.size.width = width
    return plot
  }

  @Test("a title is no markup, whatever letters stand beside its signs")
  func markup() {
    var plot = Self.plot([])
    plot.title = "\u{D4E}<script\u{301}>\u{301}\u{D4E}</script>\u{600}<b>&\u{301}\u{D4E}\"\u{301}"
    let svg = plot.svg.unicodeScalars.map(\.value)
    func has(_ text: String) -> Bool {
      !svg.ranges(of: text.unicodeScalars.map(\.value)).isEmpty
    }
    #expect(has("&lt;script") && has("&lt;b&gt;") && has("&amp;") && has("&quot;"))
    #expect(!has("<script") && !has("</script") && !has("<b>"))
  }

  @Test("labels of marks that would touch stand in rows above the frame, the left one higher")
  func rows() {
    let close = Self.plot([
      .init(x: 4, label: "2 x CPU: 4"), .init(x: 6, label: "best: 6 (5 to 8)"),
    ])
    #expect(close.markRows.rows == 2 && close.markRows.row == [1, 0])
    let far = Self.plot([.init(x: 4, label: "2 x CPU: 4"), .init(x: 24, label: "best: 24")])
    #expect(far.markRows.rows == 1 && far.markRows.row == [0, 0])
    #expect(Self.plot([]).markRows.rows == 0)
  }

  @Test(
    "no label of a mark stands where points are drawn, nor outside the picture",
    arguments: [1.0, 4, 15, 29, 30], [340.0, 440, 760])
  func aboveTheFrame(x: Double, width: Double) throws {
    let plot = Self.plot(
      [.init(x: x, label: "2 x CPU: 16"), .init(x: 30, label: "best: 30")], width: width)
    let labels = plot.svg.split(separator: "\n").filter {
      $0.contains("2 x CPU") || $0.contains("best:")
    }
    #expect(labels.count == 2)
    for label in labels {
      let text = try #require(
        label.firstMatch(of: /<text x="([\d.]+)" y="([\d.]+)" text-anchor="(\w+)"/))
      let at = try #require(Double(text.1))
      #expect(try #require(Double(text.2)) < plot.top)
      #expect(text.3 == "start" ? at + 60 < width : at - 60 > 0)
    }
  }

  @Test("one size alone is drawn with whole numbers below it")
  func single() {
    let plot = Plot(
      title: "", xLabel: "workers", yLabel: "MiB/s",
      series: [.init(name: "", style: .points, points: [.init(x: 1, y: 7.5)])])
    #expect(!plot.svg.contains(">0.2</text>"))
  }

  @Test(
    "a title that is too long for the picture has lines, and words that are, are cut",
    arguments: [(760.0, 1), (330.0, 2)])
  func titles(width: Double, lines: Int) {
    var plot = Self.plot([], width: width)
    plot.title = "registry.example.com from a-machine: best not known yet"
    #expect(plot.titleLines.joined(separator: " ").count == plot.title.count)
    #expect(plot.titleLines.count == lines)
    plot.title = String(repeating: "x", count: 200)
    #expect(plot.titleLines.count == 1 && plot.titleLines[0].hasSuffix("…"))
    #expect(8.6 * Double(plot.titleLines[0].count) <= width)
  }
}
