package import FoundationEssentials

/// What an image's configuration tells people: how it was made, and how it runs.
///
/// What cannot be read counts as not said.
///
/// - Source: OCI image specification 1.1, `config.md`; Docker's further members.
package struct ImageDetails: Sendable, Equatable, Codable {
  /// A step in which the image was made.
  package struct Step: Sendable, Equatable, Codable {
    /// When, as it is written there.
    package var created: String?
    /// By which command.
    package var createdBy: String?
    /// What its author says of it.
    package var comment: String?
    /// Whether it made no layer.
    package var isEmpty: Bool
  }

  /// When the image was made, as it is written there: RFC 3339.
  package var created: String?
  /// Who made it.
  package var author: String?
  /// What is run.
  package var entrypoint: [String]?
  /// Arguments of it, or what is run where there is no entrypoint.
  package var command: [String]?
  /// The shell of commands that are strings.
  package var shell: [String]?
  /// `NAME=value`, in order.
  package var environment: [String]?
  /// Notes of its author, by name.
  package var labels: [String: String]?
  /// Who runs it.
  package var user: String?
  /// Where it runs.
  package var workingDirectory: String?
  /// For example `80/tcp`, sorted.
  package var ports: [String]?
  /// Places of data that outlives it, sorted.
  package var volumes: [String]?
  /// What ends it.
  package var stopSignal: String?
  /// What is run to see whether it is well.
  package var healthcheck: [String]?
  /// How it was made, first step first.
  package var history: [Step]

  /// Steps that are kept: an image has no more layers.
  private static let stepLimit = ImageDocument.entryLimit

  /// Reads a configuration.
  ///
  /// - Parameter data: the blob that a manifest names as its `config`; nil when it is no JSON object.
  package init?(json data: Data) {
    guard let tree = JSONTree(data), tree.values != nil else { return nil }
    created = tree.text("created")
    author = tree.text("author")
    let config = tree["config"]
    entrypoint = config?.texts("Entrypoint")
    command = config?.texts("Cmd")
    shell = config?.texts("Shell")
    environment = config?.texts("Env")
    labels = config?.notes("Labels")
    user = config?.text("User")
    workingDirectory = config?.text("WorkingDir")
    ports = config?["ExposedPorts"]?.sortedNames
    volumes = config?["Volumes"]?.sortedNames
    stopSignal = config?.text("StopSignal")
    healthcheck = config?["Healthcheck"]?.texts("Test")
    history = (tree["history"]?.elements ?? []).prefix(Self.stepLimit).map { step in
      Step(
        created: step.text("created"), createdBy: step.text("created_by"),
        comment: step.text("comment"), isEmpty: step["empty_layer"]?.isTrue ?? false)
    }
  }
}

extension JSONTree {
  fileprivate var isTrue: Bool { self == .scalar(Array("true".utf8)) }

  /// A member that is a string and not an empty one.
  fileprivate func text(_ name: String) -> String? {
    self[name]?.string.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The strings of a member that is a list, or the one that is in its place; nil where there are none.
  fileprivate func texts(_ name: String) -> [String]? {
    guard let value = self[name] else { return nil }
    let found = value.elements?.compactMap(\.string) ?? value.string.map { [$0] } ?? []
    return found.isEmpty ? nil : found
  }

  fileprivate func notes(_ name: String) -> [String: String]? {
    guard let value = self[name], let names = value.names, let values = value.values else {
      return nil
    }
    let pairs = zip(names, values).compactMap { name, value in value.string.map { (name, $0) } }
    return pairs.isEmpty ? nil : Dictionary(pairs) { first, _ in first }
  }

  /// Names of an object's members; nil where there are none.
  fileprivate var sortedNames: [String]? {
    names.flatMap { $0.isEmpty ? nil : Set($0).sorted() }
  }
}
