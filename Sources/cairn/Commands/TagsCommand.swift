import ArgumentParser
import FoundationEssentials
import OCI
import Progress
import Pull
import Registry

/// `cairn tags`.
struct TagsCommand: AsyncParsableCommand, RegistryCommand {
  static let configuration = CommandConfiguration(
    commandName: "tags",
    abstract: "List the tags of a repository, in the registry's order.")

  @Argument(help: "The repository, for example alpine or ghcr.io/o/n.", completion: .repositories)
  var repository: String

  @Option(help: "Form of the output.")
  var format = OutputFormat.text

  @OptionGroup var registryOptions: RegistryOptions

  private struct Document: Encodable {
    var repository: String
    var tags: [String]
  }

  func run() async throws {
    let references = try registryOptions.references(repository)
    // With a tag of ours behind it, a repository is a reference, and a reference is none.
    guard (try? Reference(repository + ":latest")) != nil else {
      throw CommandFailure(
        message: "\(repository.shownSafely(limit: 300)) names more than a repository: leave out "
          + "the tag or digest", kind: .usage)
    }
    var last: CommandFailure?
    for reference in references {
      do {
        try await list(reference)
        return
      } catch let failure as CommandFailure { last = failure }
    }
    if let last { throw last }
  }

  private func list(_ reference: Reference) async throws {
    let registryOptions = try registryOptions.own(reference.registry)
    let engine = try registryOptions.engine()
    defer { engine.stop() }
    let logger = registryOptions.logger
    let client = try registryOptions.client(for: reference, engine: engine) { event in
      if let line = PlainRenderer.words(event) { logger.warning("\(line)") }
    }
    let list: RepositoryClient.TagList
    do throws(RegistryError) {
      list = try await client.tags()
    } catch {
      throw CommandFailure(PullError(error))
    }
    if let mirror = list.mirror {
      logger.warning(
        """
        this is the list of the mirror \(mirror.name), which may have no more than it was asked \
        for: \(mirror.reason)
        """)
    }
    if list.endsInItself {
      logger.warning("the last page of the list names itself as the next: there may be more tags")
    }
    if list.passedOver > 0 {
      logger.warning("\(list.passedOver) names in the list are no tags; they are passed over")
    }
    guard format == .json else {
      if !list.tags.isEmpty { print(list.tags.joined(separator: "\n")) }
      return
    }
    let document = Document(
      repository: "\(reference.registry)/\(reference.repository)", tags: list.tags)
    print(String(decoding: try StableJSON.encode(document), as: UTF8.self))
  }
}
