extension Reference {
  /// A full name as people write it: without what is meant where nothing else is said.
  ///
  /// - Parameter name: for example `docker.io/library/ubuntu:22.04`, which is `ubuntu:22.04`.
  package static func familiar(_ name: String) -> String {
    for usual in ["docker.io/library/", "docker.io/"] where name.hasPrefix(usual) {
      let short = String(name.dropFirst(usual.count))
      if (try? Reference(short))?.description == name { return short }
    }
    return name
  }
}
