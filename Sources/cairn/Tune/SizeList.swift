import ArgumentParser

/// `--workers` of a sweep: `1-8,12,16`.
struct SizeList: ExpressibleByArgument {
  let sizes: [Int]

  init(sizes: [Int]) { self.sizes = sizes }

  init?(argument: String) {
    var sizes: Set<Int> = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard (1...2).contains(ends.count), let low = ends[0], let high = ends[ends.count - 1],
        (1...1_024).contains(low), (low...1_024).contains(high)
      else { return nil }
      sizes.formUnion(low...high)
    }
    self.sizes = sizes.sorted()
  }

  var defaultValueDescription: String {
    sizes.count > 1 ? "\(sizes[0])-\(sizes[sizes.count - 1])" : sizes.map { "\($0)" }.joined()
  }
}
