import ArgumentParser
import Disk
import FoundationEssentials
import Simulation

/// Which links and images are simulated.
struct ModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A link model: a file, the name of one that is built in, draw:SEED:COUNT for random ones, or all.",
      valueName: "model"), completion: .models(ShippedModels.linkNames, in: ""))
  var model = "all"

  @Option(
    help: ArgumentHelp(
      "An image: a file, the name of one that is built in, or all.", valueName: "image"),
    completion: .models(ShippedModels.imageNames, in: "/images"))
  var image = "all"

  @Option(
    help: ArgumentHelp(
      "A folder of models in place of those that are built in.", valueName: "folder"),
    completion: .directory)
  var models: String?

  @Option(
    help: ArgumentHelp("Noise of every timing, in place of the models' own.", valueName: "ms"))
  var timingNoise: Double?

  func validate() throws {
    guard timingNoise.map({ (0...10_000).contains($0) }) ?? true else {
      throw ValidationError("--timing-noise takes milliseconds from 0 to 10000")
    }
  }

  /// The most bytes of a model.
  private static let sizeLimit = 16 << 20

  /// The links that are meant.
  func links() throws -> [LinkModel] {
    var links: [LinkModel]
    if let drawn = try drawn() {
      links = drawn
    } else {
      let texts = try texts(
        model, in: models, names: ShippedModels.linkNames, ShippedModels.link, kind: "link")
      links = try texts.map { text in
        try parsed(text) { (data: Data) throws(ModelError) in try LinkModel(json: data) }
      }
    }
    if let timingNoise {
      for index in links.indices { links[index].timingNoise = timingNoise / 1e3 }
    }
    return links
  }

  /// The images that are meant.
  func images() throws -> [ImageModel] {
    let folder = models.map { $0 + "/images" }
    let texts = try texts(
      image, in: folder, names: ShippedModels.imageNames, ShippedModels.image, kind: "image")
    return try texts.map { text in
      try parsed(text) { (data: Data) throws(ModelError) in try ImageModel(json: data) }
    }
  }

  private func drawn() throws -> [LinkModel]? {
    let words = model.split(separator: ":")
    guard words.first == "draw" else { return nil }
    guard words.count == 3, let seed = UInt64(words[1]), let count = Int(words[2]),
      (1...1_000).contains(count)
    else { throw ValidationError("random links are draw:SEED:COUNT, for example draw:7:24") }
    return LinkDraw.links(count, seed: seed)
  }

  /// A model's text, and where it comes from.
  private typealias Text = (source: String, data: Data)

  /// The texts of the models that a choice means.
  ///
  /// - Parameters:
  ///   - folder: nil: the models that are built in.
  ///   - names: of those.
  ///   - shipped: the text of one of them.
  private func texts(
    _ choice: String, in folder: String?, names: [String], _ shipped: (String) -> Data?,
    kind: String
  ) throws -> [Text] {
    if choice.hasSuffix(".json") { return [try text(of: choice)] }
    if let folder {
      guard choice == "all" else { return [try text(of: "\(folder)/\(choice).json")] }
      let files = Files.list(folder).filter { $0.hasSuffix(".json") }.map { "\(folder)/\($0)" }
      guard !files.isEmpty else {
        throw CommandFailure(
          message: "there are no models in \(folder.shownSafely(limit: 1_000))",
          hint: "name their folder with --models",
          kind: .notFound)
      }
      return try files.map { try text(of: $0) }
    }
    return try (choice == "all" ? names : [choice]).map { name in
      guard let data = shipped(name) else {
        throw CommandFailure(
          message:
            "there is no \(kind) \(name.shownSafely(limit: 200)) among those that are built in",
          hint: "there are: \(names.joined(separator: ", ")); a file's name ends with .json",
          kind: .notFound)
      }
      return (name, data)
    }
  }

  private func text(of file: String) throws -> Text {
    (file, Data(try readInput(file, what: "model", limit: Self.sizeLimit)))
  }

  private func parsed<Value>(_ text: Text, _ parse: (Data) throws(ModelError) -> Value) throws
    -> Value
  {
    do throws(ModelError) {
      return try parse(text.data)
    } catch {
      throw CommandFailure(
        message: "\(text.source.shownSafely(limit: 1_000)): \(error)", kind: .integrity)
    }
  }
}
