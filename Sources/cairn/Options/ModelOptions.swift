import ArgumentParser
import Disk
import FoundationEssentials
import Simulation

/// Which links and images are simulated.
struct ModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A link model: a file, a name in the folder of models, draw:SEED:COUNT for random ones, or all.",
      valueName: "model"), completion: .models(in: ""))
  var model = "all"

  @Option(
    help: ArgumentHelp(
      "An image: a file, a name in the folder of models, or all.", valueName: "image"),
    completion: .models(in: "/images"))
  var image = "all"

  @Option(help: ArgumentHelp("The folder of models.", valueName: "folder"), completion: .directory)
  var models = "models"

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
    var links =
      try drawn()
      ?? files(model, in: models).map { file in
        try reading(file) { (data: Data) throws(ModelError) in try LinkModel(json: data) }
      }
    if let timingNoise {
      for index in links.indices { links[index].timingNoise = timingNoise / 1e3 }
    }
    return links
  }

  /// The images that are meant.
  func images() throws -> [ImageModel] {
    try files(image, in: models + "/images").map { file in
      try reading(file) { (data: Data) throws(ModelError) in try ImageModel(json: data) }
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

  private func files(_ choice: String, in folder: String) throws -> [String] {
    if choice == "all" {
      let files = Files.list(folder).filter { $0.hasSuffix(".json") }.map { "\(folder)/\($0)" }
      guard !files.isEmpty else {
        throw CommandFailure(
          message: "there are no models in \(folder)", hint: "name their folder with --models",
          exitCode: 66)
      }
      return files
    }
    return [choice.hasSuffix(".json") ? choice : "\(folder)/\(choice).json"]
  }

  private func reading<Value>(_ file: String, _ parse: (Data) throws(ModelError) -> Value) throws
    -> Value
  {
    let bytes = try readInput(file, what: "model", limit: Self.sizeLimit)
    do throws(ModelError) {
      return try parse(Data(bytes))
    } catch {
      throw CommandFailure(message: "\(file): \(error)", exitCode: 65)
    }
  }
}
