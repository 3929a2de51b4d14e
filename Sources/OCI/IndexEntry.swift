/// What an index says of a manifest: its digest is enough to find it, so a size that no document
/// has, nothing included, counts as not said.
struct IndexEntry: Decodable {
  let descriptor: Descriptor

  init(from decoder: any Decoder) throws {
    descriptor = try Descriptor(from: decoder, anySize: true)
  }
}
