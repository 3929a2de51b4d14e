import ArgumentParser

extension TuneCommand {
  /// What says more of some modes, and nothing of others.
  ///
  /// It is asked for what was typed: what is set is for whenever it fits.
  private static let places: [(options: [String], modes: Set<Mode>)] = [
    (["workers", "repeat"], [.sweep]), (["plot"], [.report, .sweep]),
    (["registry"], [.report, .reset, .export]), (["machine"], [.report, .reset]),
  ]

  private enum Mode: String, CaseIterable {
    case report, reset, sweep, export, importing = "import"
  }

  private var mode: Mode {
    if reset { return .reset }
    if sweep != nil { return .sweep }
    if export != nil { return .export }
    return importing != nil ? .importing : .report
  }

  /// - Throws: `ValidationError`: something was typed that the mode has no use for.
  func checkPlaces() throws {
    for (options, modes) in Self.places where !modes.contains(mode) {
      for option in options where Invocation.current.hasTyped(option) {
        let homes = Mode.allCases.filter(modes.contains).map { "--\($0.rawValue)" }
        throw ValidationError("--\(option) belongs to \(homes.joined(separator: ", "))")
      }
    }
  }
}
