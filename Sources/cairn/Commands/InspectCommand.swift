import ArgumentParser
import CairnKit
import FoundationEssentials
import OCI
import Progress
import Pull

/// `cairn inspect`.
struct InspectCommand: AsyncParsableCommand, RegistryCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show an image's platforms, layers, configuration and history without pulling it.")

  @Argument(help: "The image.", completion: .images)
  var reference: String

  @Flag(help: "Print the manifest or index as it is served.")
  var raw = false

  @Flag(
    help: "Ask nobody; print who would be asked, in which order, with what, and which file says so."
  )
  var explainEndpoints = false

  @Option(help: "Form of the output.")
  var format = OutputFormat.text

  @Option(
    help: ArgumentHelp("The platform whose layers are shown.", valueName: "os/arch[/variant]"),
    completion: .platforms)
  var platform: String?

  @OptionGroup var registryOptions: RegistryOptions

  func validate() throws {
    if explainEndpoints, raw {
      throw ValidationError("--explain-endpoints and --raw exclude each other")
    }
  }

  func run() async throws {
    if explainEndpoints {
      try explain()
      return
    }
    let reference = try await registryOptions.reference(self.reference)
    let registryOptions = try registryOptions.own(reference.registry)
    let wanted = try platform.map { text in
      try parsed { () throws(OCIError) in try Platform(text) }
    }
    let engine = try registryOptions.engine()
    defer { engine.stop() }
    let logger = registryOptions.logger
    let client = try registryOptions.client(for: reference, engine: engine) { event in
      if let line = PlainRenderer.words(event) { logger.warning("\(line)") }
    }
    let resolver = ImageResolver(client: client, memory: DocumentMemory())
    if raw {
      Printing.document(try await document(resolver))
      return
    }
    do throws(PullError) {
      let report: InspectReport
      do throws(PullError) {
        let choice = ImageResolver.PlatformChoice.one(wanted ?? .host, isExplicit: wanted != nil)
        let resolution = try await client.followingTag(
          warn: { logger.warning("\($0)") }
        ) { () async throws(PullError) in try await resolver.resolve(choice) }
        let image = resolution.manifests.first
        var details: ImageDetails?
        do throws(PullError) {
          if let image, case .manifest(let manifest) = image.content {
            details = try await resolver.details(of: manifest)
          }
        } catch {
          if case .interrupted = error { throw error }
          // The rest is true without it.
          logger.warning("the configuration cannot be shown: \(error)")
        }
        report = InspectReport(reference, root: resolution.root, image: image, details: details)
      } catch {
        switch error {
        case .noPlatform where wanted == nil, .noImage:
          report = InspectReport(reference, root: try await resolver.rootDocument(), image: nil)
        default: throw error
        }
      }
      print(format == .json ? report.json : report.text)
    } catch {
      throw CommandFailure(error)
    }
  }

  /// Says who would be asked; of several images that a short name may mean, for each.
  private func explain() throws {
    let logger = registryOptions.logger
    let references = try registryOptions.references(reference)
    let reports = try references.map { reference in
      let registryOptions = try registryOptions.own(reference.registry)
      var access = registryOptions.accessWithoutLogin
      // That there is one is all that is said of it: nobody has to type a password for that.
      access.login = registryOptions.creds.map { RegistryLogin(user: $0, password: "") }
      return try orFailure { [access] () throws(CairnError) in
        let plan = try access.plan(for: reference)
        for warning in plan.warnings { logger.warning("\(warning)") }
        let credentials = access.credentials(for: reference) { logger.warning("\($0)") }
        return EndpointReport(reference, plan, credentials, access.transferSettings)
      }
    }
    print(
      format == .json
        ? EndpointReport.json(reports) : reports.map(\.text).joined(separator: "\n\n"))
  }

  /// The image's document as it was served.
  private func document(_ resolver: ImageResolver) async throws -> Data {
    do throws(PullError) {
      return try await resolver.rootDocument().data
    } catch {
      throw CommandFailure(error)
    }
  }
}
