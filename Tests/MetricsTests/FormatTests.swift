import Testing

@testable import Metrics

@Suite("Metrics as text")
struct FormatTests {
  static let family = MetricFamily(
    "a_total", unit: "bytes", "Of \"a\",\n a \\.", .counter,
    [
      .init(value: 3), .init(labels: [("k", "x")], value: 0.5),
      .init(labels: [("k", "\"\\\n}\u{1B}"), ("l", "é")], value: .infinity),
      .init(suffix: "_sum", value: -.infinity), .init(value: .nan),
      .init(value: 9_007_199_254_740_992),
    ])

  static let values = """
    a_total 3
    a_total{k="x"} 0.5
    a_total{k="\\"\\\\\\n}",l="é"} +Inf
    a_total_sum -Inf
    a_total NaN
    a_total 9007199254740992

    """

  @Test(
    "the text is exactly this, whatever labels hold",
    arguments: [
      (.prometheus, "# HELP a_total Of \"a\",\\n a \\\\.\n# TYPE a_total counter\n" + values),
      (
        .openMetrics,
        "# TYPE a counter\n# UNIT a bytes\n# HELP a Of \\\"a\\\",\\n a \\\\.\n" + values + "# EOF\n"
      ),
    ] as [(MetricFormat, String)])
  func isExact(format: MetricFormat, text: String) {
    #expect(format.text([Self.family]) == text)
  }

  @Test("a family without values is named, and what is not finite is not added")
  func empty() {
    var family = MetricFamily("b", "B.", .gauge)
    for value in [Double.nan, .infinity, -.infinity] { family.add(value) }
    #expect(MetricFormat.prometheus.text([family]) == "# HELP b B.\n# TYPE b gauge\n")
    family.add(1, ["k": "v"])
    #expect(
      MetricFormat.openMetrics.text([family])
        == "# TYPE b gauge\n# HELP b B.\nb{k=\"v\"} 1\n# EOF\n")
  }
}
