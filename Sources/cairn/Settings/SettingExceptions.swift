/// Options that are no settings, each with its reason; a test holds that there are no others, and
/// that all of these exist.
enum SettingExceptions {
  /// Whatever the command.
  static let general: [String: String] = [
    "help": "it is asked for",
    "version": "it is asked for",
    "creds": "credentials belong in an auth file or a credential helper",
    "output": "it says what one run is to write",
    "from": "it says what one run is to pull",
    "overwrite": "what replaces files is said each time",
    "trace": "it says what one run is to write",
    "plot": "it says what one run is to write",
  ]

  /// Of single commands.
  static let ofCommands: [String: [String: String]] = [
    "serve": ["print-config": doesOther],
    "inspect": ["raw": doesOther, "explain-endpoints": doesOther],
    "simulate": [
      "arrivals": doesOther, "clients": doesOther, "estimates": doesOther, "replay": doesOther,
      "verdicts": doesOther, "workers": doesOther,
    ],
    "store-prune": [
      "older-than": removes, "keep-bytes": removes, "dry-run": doesOther,
    ],
    "store-verify": ["repair": removes],
    "store-remove": ["platform": removes],
    "tune": [
      "report": doesOther, "reset": doesOther, "sweep": doesOther, "export": doesOther,
      "import": doesOther, "merge": doesOther, "all": removes, "yes": removes, "registry": selects,
      "machine": selects,
    ],
    "config-path": ["system": doesOther],
  ]

  private static let doesOther = "it makes the command do something else"
  private static let removes = "what removes something is said each time"
  private static let selects = "it says what one run is about"

  /// Why an option is no setting; nil: it is one.
  static func reason(_ option: String, of command: String) -> String? {
    general[option] ?? ofCommands[command]?[option]
  }
}
