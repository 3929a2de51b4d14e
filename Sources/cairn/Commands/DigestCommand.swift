import ArgumentParser
import OCI
import Progress
import Pull
import Registry

/// `cairn digest`.
struct DigestCommand: AsyncParsableCommand, RegistryCommand {
  static let configuration = CommandConfiguration(
    commandName: "digest",
    abstract: "Print the digest of what a name means in its registry now.",
    discussion: """
      Of a multi-platform image it is the index's, as "cairn pull --quiet" prints it; with \
      --platform it is the digest of that platform's manifest. A registry that says the digest \
      without sending the document, and has one of that digest and size, is believed; else the \
      document is fetched and hashed.
      """)

  @Argument(help: "The image.", completion: .images)
  var reference: String

  @Option(
    help: ArgumentHelp("Print the digest of the image for it.", valueName: "os/arch[/variant]"),
    completion: .platforms)
  var platform: String?

  @OptionGroup var registryOptions: RegistryOptions

  private func announced(_ client: RepositoryClient) async throws -> Digest? {
    do throws(RegistryError) {
      return try await client.announcedDigest()
    } catch {
      throw CommandFailure(PullError(error))
    }
  }

  func run() async throws {
    let wanted = try platform.map { text in
      try parsed { () throws(OCIError) in try Platform(text) }
    }
    let reference = try await registryOptions.reference(self.reference)
    let registryOptions = try registryOptions.own(reference.registry)
    let engine = try registryOptions.engine()
    defer { engine.stop() }
    let logger = registryOptions.logger
    let client = try registryOptions.client(for: reference, engine: engine) { event in
      if let line = PlainRenderer.words(event) { logger.warning("\(line)") }
    }
    if wanted == nil, let digest = try await announced(client) {
      print(digest)
      return
    }
    let resolver = ImageResolver(client: client, memory: DocumentMemory())
    do throws(PullError) {
      guard let wanted else {
        print(try await resolver.rootDocument().descriptor.digest)
        return
      }
      let resolution = try await client.followingTag(
        warn: { logger.warning("\($0)") }
      ) { () async throws(PullError) in
        try await resolver.resolve(.one(wanted, isExplicit: true))
      }
      for note in resolution.notes { logger.warning("\(note)") }
      if let words = try await resolver.mismatch(resolution, wanted) { logger.warning("\(words)") }
      let image = resolution.manifests.first ?? resolution.root
      print(image.descriptor.digest)
    } catch {
      throw CommandFailure(error)
    }
  }
}
