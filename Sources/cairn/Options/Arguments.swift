import ArgumentParser
import OCI
package import Rivals
import Simulation

/// A number of bytes on the command line: `10M`, `512k`, `4096`.
struct ByteSize: ExpressibleByArgument {
  let bytes: Int64

  init(bytes: Int64) { self.bytes = bytes }

  var defaultValueDescription: String { "\(bytes)" }

  init?(argument: String) {
    guard let bytes = ByteCount.parse(argument) else { return nil }
    self.bytes = bytes
  }
}

/// A stretch of time on the command line: `30d`, `12h`, `45m`, `90s`.
struct TimeSpan: ExpressibleByArgument {
  let seconds: Double

  init?(argument: String) {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
    guard let last = argument.last, let unit = units[last],
      let number = Double(argument.dropLast()), number >= 0, number.isFinite
    else { return nil }
    seconds = number * unit
  }
}

/// `--workers`: a number, or `auto`.
enum WorkerChoice: ExpressibleByArgument, Equatable {
  case auto
  case fixed(Int)

  init?(argument: String) {
    if argument == "auto" {
      self = .auto
    } else if let number = Int(argument), number >= 1 {
      self = .fixed(number)
    } else {
      return nil
    }
  }

  var defaultValueDescription: String { "auto" }
}

/// `--policy`.
extension PolicyName: ExpressibleByArgument {}

/// `--format`.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json
}

/// `--format` of tables.
enum TableFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json, csv
}

/// `--by` of a simulation.
enum Grouping: String, ExpressibleByArgument, CaseIterable {
  case all, kind, link

  /// The group that a link belongs to.
  func name(of link: LinkModel) -> String {
    switch self {
    case .all: "all"
    case .kind: link.kind.rawValue
    case .link: link.name
    }
  }
}

/// `--progress`.
enum ProgressStyle: String, ExpressibleByArgument, CaseIterable {
  case auto, bar, plain, json, none
}

/// `--log-level`.
enum LogLevel: String, ExpressibleByArgument, CaseIterable {
  case debug, info, warning, error
}
