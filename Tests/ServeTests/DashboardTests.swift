import Foundation
import OCI
import Testing

@testable import Serve

@Suite("The dashboard of what serve measures")
struct DashboardTests {
  struct Dashboard: Decodable {
    struct Panel: Decodable {
      struct Place: Decodable {
        var x, y, w, h: Int
      }
      struct Target: Decodable {
        var expr: String
      }
      var id: Int
      var title: String
      var gridPos: Place
      var targets: [Target]
    }
    struct Templating: Decodable {
      struct Variable: Decodable {
        var name: String
      }
      var list: [Variable]
    }
    var panels: [Panel]
    var templating: Templating
  }

  static func dashboard() throws -> Dashboard {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "docs/serve/grafana.json")
    return try JSONDecoder().decode(Dashboard.self, from: Data(contentsOf: file))
  }

  /// Names of metrics as they are exported, those of a summary's parts too.
  static func exported() -> Set<String> {
    let metrics = ServeMetrics(.init(version: "1", maxWorkers: 1, limitRate: 1, maxConnections: 1))
    metrics.cache { $0.limit = 1 }
    return metrics.text.split(separator: "\n").reduce(into: []) { names, line in
      let words = line.split(separator: " ")
      guard words.starts(with: ["#", "TYPE"]), words.count == 4 else { return }
      let parts = words[3] == "summary" ? ["_sum", "_count"] : [""]
      names.formUnion(parts.map { words[2] + $0 })
    }
  }

  @Test("it shows everything that is exported, and nothing else")
  func names() throws {
    let shown = try Self.dashboard().panels.flatMap(\.targets).reduce(into: Set<String>()) {
      $0.formUnion($1.expr.matches(of: /cairn_[a-z_]+/).map { String($0.output) })
    }
    #expect(shown == Self.exported())
  }

  @Test("panels stand beside each other on Grafana's 24 columns, each once, and variables exist")
  func places() throws {
    let dashboard = try Self.dashboard()
    #expect(Set(dashboard.panels.map(\.id)).count == dashboard.panels.count)
    var taken: Set<[Int]> = []
    for panel in dashboard.panels {
      let place = panel.gridPos
      #expect(place.x >= 0 && place.x + place.w <= 24, "\(panel.title)")
      for x in place.x..<(place.x + place.w) {
        for y in place.y..<(place.y + place.h) {
          #expect(taken.insert([x, y]).inserted, "\(panel.title)")
        }
      }
    }
    let known = Set(dashboard.templating.list.map(\.name))
    let used = dashboard.panels.flatMap(\.targets).flatMap {
      $0.expr.matches(of: /\$([a-z]+)/).map { String($0.output.1) }
    }
    #expect(known.isSuperset(of: used) && known.contains("datasource"))
  }
}
