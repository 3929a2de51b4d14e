/// Names a shared download; those that began first come first.
struct DownloadID: Hashable, Comparable, Sendable {
  let number: Int

  static func < (left: DownloadID, right: DownloadID) -> Bool { left.number < right.number }
}

/// Names somebody who wants a blob; those who came first come first.
struct WanterID: Hashable, Comparable, Sendable {
  let number: Int

  static func < (left: WanterID, right: WanterID) -> Bool { left.number < right.number }
}
