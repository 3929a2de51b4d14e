/// What an index says of a manifest: its digest decides whether the manifest is the right one, so its size need not be right.
struct IndexEntry: Decodable {
  let descriptor: Descriptor

  init(from decoder: any Decoder) throws {
    descriptor = try Descriptor(from: decoder, anySize: true)
  }
}
