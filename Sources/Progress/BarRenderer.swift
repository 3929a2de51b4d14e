import OCI

/// Draws a snapshot as lines for a terminal: one for each active blob, the last for the whole image.
package struct BarRenderer: Sendable {
  /// Columns of the terminal.
  package var columns: Int
  /// Rows of the terminal.
  package var rows: Int

  /// Lines of blobs that are shown at most.
  private static let blobLines = 12
  /// Columns of a bar, with its brackets.
  private static let barWidths = [42, 26, 18, 12]

  /// Makes a renderer for a terminal's size.
  package init(columns: Int, rows: Int) {
    self.columns = max(20, columns)
    self.rows = max(3, rows)
  }

  /// One column stays free, so that no terminal wraps the line.
  private var width: Int { columns - 1 }

  /// The lines, none wider than the terminal; where there is no room, what matters least is not there.
  ///
  /// - Parameter snapshot: how the pull stands.
  package func lines(_ snapshot: PullSnapshot) -> [String] {
    let room = min(Self.blobLines, rows - 2)
    let under = snapshot.blobs.filter { $0.isActive || $0.isBegun }
    let shown = under.count > room ? Self.first(room - 1, of: under) : under
    let isOfSeveral = Set(snapshot.blobs.map(\.image)).count > 1
    var lines = shown.map { line(of: $0, isOfSeveral: isOfSeveral) }
    if under.count > room { lines.append("  … and \(under.count - shown.count) more") }
    lines.append(total(snapshot))
    return lines.map { String($0.prefix(width)) }
  }

  /// The first blobs, in their order; what waits for a worker gives way to what is worked at.
  private static func first(_ count: Int, of blobs: [PullSnapshot.Blob]) -> [PullSnapshot.Blob] {
    let room = max(0, count - blobs.count(where: \.isActive))
    let waiting = Set(blobs.filter { !$0.isActive }.prefix(room).map(\.digest))
    return Array(blobs.filter { $0.isActive || waiting.contains($0.digest) }.prefix(max(0, count)))
  }

  private func line(of blob: PullSnapshot.Blob, isOfSeveral: Bool) -> String {
    let label = "  " + pad(blob.label, to: 9)
    let short = blob.digest.short
    // The bars of all lines begin in the same column, whatever the lines have besides.
    let name = LineLayout.Piece([pad("  \(blob.label) \(short)", to: 24), label], rank: 1)
    let state = Wording.state(blob)
    let image = LineLayout.Piece(
      (isOfSeveral ? blob.image : nil).map { [$0] } ?? [], rank: 4, separator: "  ")
    guard blob.state == .fetching || blob.isBegun else {
      let size = LineLayout.Piece([pad(ByteCount.text(blob.size), to: 9)], rank: 2)
      let brief = Wording.briefState(blob.state)
      return LineLayout.line([name, size, .init([state, brief], rank: 0), image], width: width)
    }
    let percent = Wording.percent(blob.done, of: blob.size)
    let size = "of " + ByteCount.text(blob.size)
    // The widest that may be, so that the lines do not differ.
    let room = width - 24 - " ".count - " 100 % of 1023 MiB".count
    return LineLayout.line(
      [
        name, .init(bars(blob.done, of: blob.size, room: room), rank: 3),
        .init([percent], rank: 0), .init([size], rank: 2), image,
      ], width: width)
  }

  private func total(_ snapshot: PullSnapshot) -> String {
    let (done, size) = (ByteCount.text(snapshot.done), ByteCount.text(snapshot.size))
    let left = snapshot.secondsLeft.map { ["ETA " + Wording.clock($0)] } ?? []
    let blobs = "\(snapshot.blobsDone)/\(snapshot.blobs.count)"
    return LineLayout.line(
      [
        .init([Wording.percent(snapshot.done, of: snapshot.size)], rank: 0),
        .init(bars(snapshot.done, of: snapshot.size, room: width), rank: 6),
        .init(["\(done)/\(size)", "of \(size)"], rank: 3),
        .init([Wording.rate(snapshot.bytesPerSecond)], rank: 1), .init(left, rank: 2),
        .init([Wording.pool(snapshot)], rank: 4, separator: ", "),
        .init(["\(blobs) blobs"], rank: 5, separator: ", "),
      ], width: width)
  }

  /// Bars of all widths that fit.
  private func bars(_ done: Int64, of size: Int64, room: Int) -> [String] {
    Self.barWidths.filter { $0 <= room }.map { bar(done, of: size, width: $0 - 2) }
  }

  private func bar(_ done: Int64, of size: Int64, width: Int) -> String {
    let share = size > 0 ? max(0, min(1, Double(done) / Double(size))) : 1
    let filled = Int(clamping: share * Double(width))
    return "[" + String(repeating: "=", count: filled)
      + (filled < width ? ">" : "")
      + String(repeating: " ", count: max(0, width - filled - 1)) + "]"
  }

  private func pad(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}

extension PullSnapshot.Blob {
  /// Whether something is done with it now.
  fileprivate var isActive: Bool { [.fetching, .verifying, .elsewhere].contains(state) }
  /// Whether some of it is here and the rest waits for a worker.
  fileprivate var isBegun: Bool { state == .waiting && done > 0 }
}
