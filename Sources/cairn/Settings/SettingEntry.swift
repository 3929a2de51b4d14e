/// A value that a variable or a file gives to a setting.
struct SettingEntry {
  /// Where it stands.
  enum Origin: Equatable {
    case variable(String)
    case file(SettingPlaces.Place, line: Int)

    var words: String {
      switch self {
      case .variable(let name): "$\(name)"
      case .file(let place, let line): "\(place.path):\(line)"
      }
    }

    /// How much it counts: the less the more.
    var rank: Int {
      switch self {
      case .variable: 0
      case .file(let place, _): place.isSystems ? 2 : 1
      }
    }
  }

  let setting: Setting
  /// The registry that it is for; nil: all.
  let registry: String?
  /// As an argument has it.
  let value: String
  let origin: Origin

  /// The key, with the registry's table.
  var key: String {
    registry.map { "registry.\"\($0)\".\(setting.key)" } ?? setting.key
  }

  /// How much it counts among those of the same origin: what is for one registry more than what is
  /// for one command.
  private var breadth: Int { registry != nil ? 0 : setting.command != nil ? 1 : 2 }

  /// Whether it counts more than another for the same option.
  func precedes(_ other: SettingEntry) -> Bool {
    (origin.rank, breadth) < (other.origin.rank, other.breadth)
  }

  /// On the command line; nil: a switch that is off.
  var argument: String? {
    guard setting.option.isFlag else { return "--\(setting.option.name)=\(value)" }
    return value == "true" ? "--\(setting.option.name)" : nil
  }
}
