import OCI

/// Draws a snapshot as lines for a terminal: one for each active blob, the last for the whole image.
public struct BarRenderer: Sendable {
  /// Columns of the terminal.
  public var columns: Int
  /// Rows of the terminal.
  public var rows: Int

  /// Lines of blobs that are shown at most.
  private static let blobLines = 12
  private static let barWidth = 24
  private static let narrow = 60

  /// Makes a renderer for a terminal's size.
  public init(columns: Int, rows: Int) {
    self.columns = max(20, columns)
    self.rows = max(3, rows)
  }

  /// The lines, none wider than the terminal.
  ///
  /// - Parameter snapshot: how the pull stands.
  public func lines(_ snapshot: PullSnapshot) -> [String] {
    let room = min(Self.blobLines, rows - 2)
    let active = snapshot.blobs.filter {
      $0.state == .fetching || $0.state == .verifying || $0.state == .elsewhere
    }
    var lines = active.prefix(active.count > room ? room - 1 : room).map { line(of: $0) }
    if active.count > room { lines.append("  … and \(active.count - room + 1) more") }
    lines.append(total(snapshot))
    // One column stays free, so that no terminal wraps the line.
    return lines.map { String($0.prefix(columns - 1)) }
  }

  private func line(of blob: PullSnapshot.Blob) -> String {
    let name = "  " + pad("\(blob.label) \(blob.digest.short)", to: 22)
    switch blob.state {
    case .fetching:
      return name + " " + bar(blob.done, of: blob.size) + Wording.percent(blob.done, of: blob.size)
        + " of " + ByteCount.text(blob.size)
    default:
      return name + " " + pad(ByteCount.text(blob.size), to: 9) + " " + Wording.state(blob.state)
    }
  }

  private func total(_ snapshot: PullSnapshot) -> String {
    let left = snapshot.secondsLeft.map { " ETA " + Wording.clock($0) } ?? ""
    let numbers =
      "\(ByteCount.text(snapshot.done))/\(ByteCount.text(snapshot.size)) "
      + "\(Wording.rate(snapshot.bytesPerSecond))\(left)"
    let pool = "\(snapshot.open)/\(Wording.workers(snapshot.poolSize))"
    let layers = "\(snapshot.blobsDone)/\(snapshot.blobs.count) blobs"
    return Wording.percent(snapshot.done, of: snapshot.size) + " "
      + bar(snapshot.done, of: snapshot.size) + " \(numbers), \(pool), \(layers)"
  }

  private func bar(_ done: Int64, of size: Int64) -> String {
    guard columns >= Self.narrow else { return "" }
    let share = size > 0 ? max(0, min(1, Double(done) / Double(size))) : 1
    let filled = Int(clamping: share * Double(Self.barWidth))
    return "[" + String(repeating: "=", count: filled)
      + (filled < Self.barWidth ? ">" : "")
      + String(repeating: " ", count: max(0, Self.barWidth - filled - 1)) + "]"
  }

  private func pad(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
