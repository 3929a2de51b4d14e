import FoundationEssentials
import Glibc
import History
import OCI
import Plot
import Text
import Tuning

/// The report as one page that needs nothing else: no script, no font, no picture from anywhere.
struct ReportPage {
  let paths: [KnownWay]

  /// Pulls of a path whose decisions are listed.
  private static let shownPulls = 5
  /// Widths and heights of its plots, by the class that a screen shows: none of them is made
  /// smaller than its words can be read.
  private static let plotSizes = [
    (name: "broad", width: 640.0, height: 340.0), (name: "narrow", width: 330.0, height: 300.0),
  ]

  var html: String {
    let parts = [overview, machines] + paths.map(section)
    return """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
      <title>Cairn: what was learned</title>
      <style>\(Self.style)</style></head>
      <body><h1>What Cairn learned</h1>
      \(parts.filter { !$0.isEmpty }.joined(separator: "\n"))
      </body></html>

      """
  }

  // MARK: All paths

  private var overview: String {
    guard !paths.isEmpty else {
      return "<p>Nothing yet; every pull with a tuned pool adds to it.</p>"
    }
    let rows = paths.enumerated().map { index, way in
      "<tr><td><a href=\"#path-\(index)\">\(Self.escaped(way.path.registry))</a></td>"
        + "<td>\(Self.escaped(way.machineWords))</td><td>\(Self.escaped(way.bestWords))</td></tr>"
    }
    return
      "<div class=\"wide\"><table><thead><tr><th>registry</th><th>machine</th><th>best</th></tr></thead>"
      + "<tbody>\(rows.joined())</tbody></table></div>"
  }

  /// A picture for each registry that several machines reached, or one with several CPU counts.
  private var machines: String {
    var registries: [String] = []
    for way in paths where !registries.contains(way.path.registry) {
      registries.append(way.path.registry)
    }
    return registries.compactMap { registry in
      let same = paths.filter { $0.path.registry == registry && !$0.points.isEmpty }
      guard same.count > 1 else { return nil }
      return "<section><h2>\(Self.escaped(registry)): machines side by side</h2>"
        + drawn(PathPlots.compared(same)) + "</section>"
    }.joined(separator: "\n")
  }

  // MARK: One path

  private func section(_ way: KnownWay) -> String {
    let index = paths.firstIndex { $0.path == way.path && $0.machine == way.machine } ?? 0
    var parts = [
      "<h2>\(Self.escaped(way.path.registry)) <small>from \(Self.escaped(way.machineWords))</small></h2>",
      "<p class=\"\(way.isKnown ? "best" : "open")\">\(Self.escaped(way.bestWords))</p>",
    ]
    let words =
      way.evidenceWords + way.comparedWords + [way.startWords, way.usedWords].compactMap { $0 }
    let host = way.path.blobHost == way.path.registry ? [] : ["blobs from \(way.path.blobHost)"]
    let facts = words + host + ["network \(way.path.network)"]
    parts.append("<ul>" + facts.map { "<li>\(Self.escaped($0))</li>" }.joined() + "</ul>")
    if !way.points.isEmpty { parts.append(drawn(PathPlots.single(way))) }
    parts.append(pulls(way))
    return "<section id=\"path-\(index)\">" + parts.joined(separator: "\n") + "</section>"
  }

  private func pulls(_ way: KnownWay) -> String {
    let recent = way.report.recent.filter { $0.bytes > 0 && $0.seconds > 0 }
    guard !recent.isEmpty else { return "" }
    var parts: [String] = []
    if recent.count > 1 {
      let points = recent.enumerated().map { index, pull in
        Plot.Point(x: Double(-index), y: Double(pull.bytes) / pull.seconds / 1_048_576)
      }
      parts.append(
        drawn(
          Plot(
            title: "Pulls over time", xLabel: "pulls before the last one", yLabel: "MiB/s in all",
            series: [Plot.Series(name: "", style: .points, points: points)])))
    }
    parts.append("<h3>Decisions of the last pulls</h3>")
    parts += recent.prefix(Self.shownPulls).map(decisions)
    return parts.joined(separator: "\n")
  }

  private func decisions(_ pull: History.RecentPull) -> String {
    let limit = pull.limitedBy.map { ", limited by \($0.words)" } ?? ""
    let title =
      Self.day(pull.at) + ": "
      + String(figures: "%.1f MiB in %.1f s", Double(pull.bytes) / 1_048_576, pull.seconds)
      + limit
    let steps = pull.epochs.sorted { $0.startedAt < $1.startedAt }.prefix(100).map { epoch in
      "<tr><td class=\"n\">\(String(figures: "%.1f s", epoch.startedAt))</td>"
        + "<td class=\"n\">\(epoch.poolSize)</td>"
        + "<td class=\"n\">\(epoch.isAppLimited ? "at least " : "")\(KnownWay.mebibytes(epoch.rate))</td>"
        + "<td>\(Self.escaped(epoch.reason))</td></tr>"
    }
    return
      "<details><summary>\(Self.escaped(title))</summary><table class=\"steps\"><thead><tr>"
      + "<th>at</th><th>workers</th><th>brought</th><th>why so many</th></tr></thead><tbody>"
      + steps.joined() + "</tbody></table></details>"
  }

  // MARK: Elements

  private func drawn(_ plot: Plot) -> String {
    var plot = plot
    plot.palette = .page
    return Self.plotSizes.map { size in
      plot.size = (size.width, size.height)
      return "<figure class=\"\(size.name)\">\(plot.svg)</figure>"
    }.joined()
  }

  private static func day(_ seconds: Double) -> String {
    var time = time_t(max(0, min(seconds, 1e11)))
    var parts = tm()
    localtime_r(&time, &parts)
    return String(
      figures: "%d-%02d-%02d %02d:%02d", Int(parts.tm_year) + 1_900, Int(parts.tm_mon) + 1,
      Int(parts.tm_mday), Int(parts.tm_hour), Int(parts.tm_min))
  }

  /// Names in a history are data from outside: neither a page's markup nor anything that acts.
  private static func escaped(_ text: String) -> String {
    text.shownSafely(limit: 1_000).escapedForMarkup
  }

  private static let style = """
    :root { color-scheme: light dark; --back: #ffffff; --card: #f6f6f3; --ink: #222222; --faint: #5c5c5c;
      --grid: #dddddd; --series-1: #1f5fa8; --series-2: #c2571a; --series-3: #2c8a4b; --series-4: #8a3fa0;
      --series-5: #77716a; --series-6: #9a8412; }
    @media (prefers-color-scheme: dark) { :root { --back: #16181b; --card: #1f2226; --ink: #e8e6e3;
      --faint: #a8a5a0; --grid: #3a3d42; --series-1: #6ea8ec; --series-2: #f0935a; --series-3: #6cc98c;
      --series-4: #cf8fe2; --series-5: #b8b1a8; --series-6: #dcc75a; } }
    * { box-sizing: border-box; }
    body { margin: 0 auto; padding: 1rem; max-width: 60rem; background: var(--back); color: var(--ink);
      font: 16px/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
    h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 0 0 .3rem; } h3 { font-size: 1rem; }
    h2 small { font-weight: normal; color: var(--faint); }
    a { color: var(--series-1); }
    section { background: var(--card); border-radius: .5rem; padding: 1rem; margin: 1rem 0; }
    figure { margin: .5rem 0; } svg { display: block; max-width: 100%; height: auto; }
    .narrow { display: none; }
    @media (max-width: 720px) { .broad { display: none; } .narrow { display: block; }
      .narrow svg { width: 100%; max-width: 440px; } }
    .best { font-weight: 600; } .open { font-weight: 600; color: var(--series-2); }
    ul { padding-left: 1.2rem; margin: .3rem 0; color: var(--faint); }
    .wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .875rem; width: 100%; }
    th, td { text-align: left; padding: .25rem .5rem; border-bottom: 1px solid var(--grid); vertical-align: top;
      overflow-wrap: normal; }
    .n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
    summary { cursor: pointer; padding: .25rem 0; }
    /* Where there is no room beside the figures, the reason stands below them. */
    @media (max-width: 720px) { .steps tr { display: grid; grid-template-columns: 4rem 4.5rem 1fr;
        border-bottom: 1px solid var(--grid); }
      .steps th, .steps td { border: 0; padding: .1rem .5rem .1rem 0; text-align: left; }
      .steps :last-child:is(th, td) { grid-column: 1 / -1; } }
    """
}
