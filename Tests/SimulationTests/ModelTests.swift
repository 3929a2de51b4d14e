import Foundation
import Testing

@testable import Simulation

@Suite("Models")
struct ModelTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "models")

  static func files(_ folder: URL) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "json" }.sorted { $0.path < $1.path }
  }

  @Test("every link model of the project is read, and named like its file")
  func readsLinks() throws {
    let files = try Self.files(Self.folder)
    #expect(files.count >= 12)
    for file in files {
      let model = try LinkModel(json: Data(contentsOf: file))
      #expect(model.name == file.deletingPathExtension().lastPathComponent)
      #expect(!model.about.isEmpty)
    }
  }

  @Test("every image model of the project is read, and named like its file")
  func readsImages() throws {
    let files = try Self.files(Self.folder.appending(path: "images"))
    #expect(files.count >= 5)
    for file in files {
      let image = try ImageModel(json: Data(contentsOf: file))
      #expect(image.name == file.deletingPathExtension().lastPathComponent)
    }
  }

  static let good = #""name":"n","about":"a","bandwidthMbit":10,"roundTripMs":20,"bufferKiB":64"#

  @Test(
    "a wrong model is refused, and the error names the field",
    arguments: [
      (#"{"name":"n","about":"a","roundTripMs":20,"bufferKiB":64}"#, "bandwidthMbit"),
      ("{\(good),\"los\":0.1}", "los"), ("{\(good),\"loss\":0.5}", "loss"),
      ("{\(good),\"loss\":\"much\"}", "loss"),
      ("{\(good),\"server\":{\"overloadSlop\":1}}", "server.overloadSlop"),
      ("{\(good),\"server\":[]}", "server"),
      ("{\(good),\"tls\":{\"cpuMs\":1}}", "tls.roundTrips"),
      ("{\(good),\"changes\":[{\"bandwidthMbit\":5}]}", "changes[0].atSeconds"),
      ("{\(good),\"changes\":[{\"atSeconds\":5},{\"atSeconds\":2}]}", "changes[1].atSeconds"),
      (
        "{\(good),\"crossTraffic\":[{\"flows\":0,\"fromSeconds\":1,\"untilSeconds\":2}]}",
        "crossTraffic[0].flows"
      ),
      ("[]", ""), ("nonsense", ""), (#"{"name":1}"#, "name"),
    ])
  func namesTheField(text: String, field: String) {
    do throws(ModelError) {
      _ = try LinkModel(json: Data(text.utf8))
      Issue.record("taken: \(text)")
    } catch {
      #expect(error.field == field, "\(error)")
    }
  }

  @Test("units are turned into bytes and seconds")
  func convertsUnits() throws {
    let model = try LinkModel(
      json: Data(
        "{\(Self.good),\"perConnectionMbit\":2,\"server\":{\"rateMbit\":5,\"responseMs\":3}}".utf8))
    #expect(model.bandwidth == 1_250_000 && model.roundTrip == 0.02 && model.buffer == 65_536)
    #expect(model.perConnection == 250_000 && model.server.rate == 625_000)
    #expect(model.server.responseSeconds == 0.003)
  }

  @Test("scaling an image keeps its shape")
  func scales() {
    let image = ImageModel(name: "i", blobs: [1_000, 3_000, 6_000]).scaled(to: 1e6)
    #expect(image.blobs == [100_000, 300_000, 600_000])
  }

  @Test("random links are the same for the same seed, and others for another")
  func drawsLinks() {
    #expect(LinkDraw.links(12, seed: 3) == LinkDraw.links(12, seed: 3))
    #expect(LinkDraw.links(12, seed: 3) != LinkDraw.links(12, seed: 4))
    #expect(Set(LinkDraw.links(24, seed: 1).map(\.kind)) == Set(LinkModel.Kind.allCases))
  }
}
