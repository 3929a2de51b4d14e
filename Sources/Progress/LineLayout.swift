/// Fits pieces of text into a line by what matters most: a piece is there as a whole, or not at all.
struct LineLayout {
  /// A piece of a line.
  struct Piece {
    /// What it says, in the order in which that is preferred: the longest first.
    let forms: [String]
    /// What stands before it where it is not the first one.
    let separator: String
    /// The smallest number matters most.
    let rank: Int

    init(_ forms: [String], rank: Int, separator: String = " ") {
      self.forms = forms
      self.rank = rank
      self.separator = separator
    }
  }

  /// The line.
  ///
  /// - Parameters:
  ///   - pieces: in the order in which they stand.
  ///   - width: columns that there are.
  static func line(_ pieces: [Piece], width: Int) -> String {
    var chosen: [Int: Int] = [:]
    let byRank = pieces.indices.sorted { pieces[$0].rank < pieces[$1].rank }
    // First as many pieces as can be, each as short as it gets; then longer forms, in the same order.
    for index in byRank {
      let shortest = pieces[index].forms.count - 1
      guard shortest >= 0 else { continue }
      var trial = chosen
      trial[index] = shortest
      if joined(pieces, trial).count <= width { chosen = trial }
    }
    for index in byRank {
      guard let shortest = chosen[index] else { continue }
      for form in 0..<shortest {
        var trial = chosen
        trial[index] = form
        if joined(pieces, trial).count <= width {
          chosen = trial
          break
        }
      }
    }
    return joined(pieces, chosen)
  }

  private static func joined(_ pieces: [Piece], _ chosen: [Int: Int]) -> String {
    var line = ""
    for index in pieces.indices {
      guard let form = chosen[index] else { continue }
      line += (line.isEmpty ? "" : pieces[index].separator) + pieces[index].forms[form]
    }
    return line
  }
}
