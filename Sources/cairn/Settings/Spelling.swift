/// How words differ.
enum Spelling {
  /// The word that was most likely meant; nil: none is near.
  static func nearest(to word: String, among words: some Sequence<String>) -> String? {
    let near = words.map { ($0, distance($0, word)) }.filter { $0.1 <= 2 }
    return near.min { $0.1 < $1.1 }?.0
  }

  /// Letters that must be put in, left out or exchanged to make one word of another (Levenshtein).
  static func distance(_ one: String, _ other: String) -> Int {
    let (one, other) = (Array(one), Array(other))
    // Whoever is so far off has written something else.
    guard one.count <= 60, other.count <= 60 else { return 60 }
    var row = Array(0...other.count)
    for (line, letter) in one.enumerated() {
      var diagonal = row[0]
      row[0] = line + 1
      for (column, candidate) in other.enumerated() {
        let exchanged = diagonal + (letter == candidate ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(exchanged, row[column] + 1, row[column + 1] + 1)
      }
    }
    return row[other.count]
  }
}
