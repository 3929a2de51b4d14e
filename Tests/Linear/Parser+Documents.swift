import Foundation
@testable import History
@testable import OCI
@testable import Registry
@testable import Simulation
@testable import Store
@testable import Transfer
@testable import Tuning

extension Parser {
  private static let blob =
    #""mediaType":"a","digest":"sha256:\#(String(repeating: "a", count: 64))","size":1"#
  private static let manifests: [Frame] = [
    .init(#"{"schemaVersion":2,"config":{\#(blob)},"layers":[],"annotations":{""#, #"":"b"}}"#),
    .init(#"{"schemaVersion":2,"layers":[],"config":{\#(blob),"artifactType":""#, #""}}"#),
    .init(#"{"schemaVersion":2,"layers":[],"config":{\#(blob)},""#, #"":1}"#),
    .init(#"{"schemaVersion":2,"config":{\#(blob)},"layers":["#, "{}]}"),
    .init(#"{"schemaVersion":2,"layers":[],"config":{\#(blob)},"#, #""z":1}"#),
    .init(#"{"schemaVersion":2,"manifests":[{\#(blob),"urls":["#, #""a"]}]}"#),
    .init(
      #"{"schemaVersion":2,"manifests":[{\#(blob),"platform":{"os":""#, #"","architecture":"b"}}]}"#
    ),
  ]

  /// JSON of registries, files and other machines.
  static let documents: [Parser] = [
    Parser("document", .json + manifests) { bytes in
      let data = Data(bytes)
      switch try? ImageDocument.parse(data, contentType: nil) {
      case .manifest(let manifest):
        _ = OCIForm.manifest(data, manifest, isImage: true) { _ in .gzip }
      case .index(let index): _ = index.platforms
      case nil: break
      }
    },
    Parser("json", .json) { _ = JSONTree($0).map { JSONTree($0.data) == $0 } },
    Parser("config", .json + [.init("{\"os\":\"", "\",\"architecture\":\"a\"}")]) {
      _ = ImageConfig(json: Data($0))?.platform?.description
    },
    Parser("layout", .json + manifests) {
      _ = try? LayoutIndex(json: Data($0))?.encoded()
    },
    Parser("error", .json) { bytes in
      _ = ErrorBody(bytes, contentType: "text/plain", hiding: Secrets())
    },
    Parser("tags", .json + [.init("{\"tags\":[\"", "\"]}"), .init("{\"tags\":[", "1]}")]) {
      var pages = TagPages()
      _ = TagPages.Page($0, HTTPFields()).map { pages.take($0) }
    },
    Parser("page", .json) { bytes in
      let response = TransferResponse(head: ResponseHead(status: 200), body: bytes)
      _ = RepositoryClient.Page(response, with: "manifests")
    },
    Parser("token", .json) { _ = Token($0, now: 0) },
    Parser(
      "auths",
      .json + [
        .init("{\"auths\":{\"", "\":{\"auth\":\"YTpi\"}}}"),
        .init("{\"auths\":{\"a.b\":{\"auth\":\"", "\"}}}"),
      ]
    ) {
      _ = try? AuthFile(Data($0)).answers(registry: "docker.io", repository: "library/a")
    },
    Parser("export", .json + [.init("{\"paths\":[{\"registry\":\"", "\"}]}")]) {
      _ = try? History.parse(Data($0))
    },
    Parser("link model", .json) { _ = try? LinkModel(json: Data($0)) },
    Parser("image model", .json + [.init("{\"blobs\":[", "1]}")]) {
      _ = try? ImageModel(json: Data($0))
    },
    Parser("trace", .json) { _ = try? Replay.read(Data($0)) },
  ]
}
