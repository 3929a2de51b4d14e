extension String {
  /// A host, and what may stand below it, with the host in lower case: names of hosts have no case,
  /// and paths do.
  var withPlainHost: String {
    let host = prefix { $0 != "/" }
    return host.lowercased() + dropFirst(host.count)
  }
}
