import CairnKit

/// kit-example IMAGE STORE: pulls an image and says what came of it.
@main
struct Example {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3 else { return print("kit-example IMAGE STORE") }
    do {
      let image = try await Cairn.pull(arguments[1], into: StorePlace(arguments[2])) { event in
        if case .progress(let now) = event { print("\(now.bytesDone) of \(now.bytes) bytes") }
      }
      print("\(image.digest): \(image.blobs) blobs, \(image.bytesFetched) bytes fetched")
    } catch let error as CairnError where error.kind == .notFound {
      print("there is no such image: \(error)")
    }
  }
}
