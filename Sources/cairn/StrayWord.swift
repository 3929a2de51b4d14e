import ArgumentParser

/// A word in the place of a command's that is no command.
struct StrayWord {
  /// Words after `cairn` that are commands, and lead to the place: `store`.
  let path: [String]
  let word: String
  /// Commands that could stand there.
  private let names: [String]

  /// What other tools call what this one has, by command.
  private static let known: [String: [String: String]] = [
    "": [
      "images": "store list", "list": "store list", "ls": "store list", "rm": "store remove",
      "rmi": "store remove", "remove": "store remove", "prune": "store prune",
      "gc": "store prune", "verify": "store verify", "fsck": "store verify", "get": "pull",
      "fetch": "pull", "download": "pull", "copy": "pull --output", "cp": "pull --output",
      "save": "pull --output", "export": "pull --output", "manifest": "inspect --raw",
      "list-tags": "tags", "report": "tune", "settings": "config", "proxy": "serve",
      "daemon": "serve",
    ],
    "store": [
      "ls": "list", "images": "list", "rm": "remove", "delete": "remove", "gc": "prune",
      "clean": "prune", "check": "verify", "fsck": "verify",
    ],
    "config": ["list": "show", "get": "show", "file": "path"],
  ]

  /// What is said of words that nothing here does.
  private static let others: [String: String] = [
    "login": logins, "logout": logins, "push": "cairn only downloads",
    "run": "cairn only downloads: see --output for what takes an image to docker or podman",
    "load": "cairn only downloads: see pull --output docker-archive:- and docker load",
  ]
  private static let logins =
    "cairn uses the logins of docker, podman and skopeo: log in with one of them, or give --creds"

  /// Nil: the command line names a command, or nothing yet.
  ///
  /// - Parameters:
  ///   - arguments: of the process.
  ///   - root: the command that has all others.
  init?(in arguments: [String], of root: any ParsableCommand.Type) {
    var command = root
    var path: [String] = []
    for word in arguments {
      let inner = command.configuration.subcommands
      guard !inner.isEmpty, !word.hasPrefix("-"), word != "help" else { return nil }
      guard let next = inner.first(where: { $0._commandName == word }) else {
        self.path = path
        self.word = word
        names = inner.map { $0._commandName }
        return
      }
      command = next
      path.append(word)
    }
    return nil
  }

  /// What is wrong, and what may be meant.
  var failure: CommandFailure {
    let parent = (["cairn"] + path).joined(separator: " ")
    let list = "see \"\(parent) --help\""
    return CommandFailure(
      message: "\(parent) has no command \"\(word.shownSafely(limit: 100))\"",
      hint: meant.map { "is \"\(parent) \($0)\" meant?" } ?? other ?? list, kind: .usage)
  }

  private var meant: String? {
    if let name = Self.known[path.joined(separator: " ")]?[word] { return name }
    return Spelling.nearest(to: word, among: names)
  }

  private var other: String? {
    guard path.isEmpty else { return nil }
    if let words = Self.others[word] { return words }
    // An image's name and nothing before it.
    guard word.contains(where: { ":/@.".contains($0) }) else { return nil }
    return "to download an image: cairn pull \(word.shownSafely(limit: 200))"
  }
}
