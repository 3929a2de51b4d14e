import Glibc

extension OpenFile {
  /// Linux's `SEEK_DATA` and `SEEK_HOLE`, which Glibc has for GNU's own dialect of C alone.
  private static let (seekContent, seekHole): (Int32, Int32) = (3, 4)

  /// Whether more than half of the file is holes: zeros that it only claims to have.
  ///
  /// Costs no more than what is on the disk of it. Where the file system does not tell, all is content.
  package var isMostlyHoles: Bool {
    guard let size = info?.st_size, size > 0 else { return false }
    var position: off_t = 0
    var content: off_t = 0
    defer { lseek(descriptor, 0, SEEK_SET) }
    while position < size, content < size - size / 2 {
      let start = lseek(descriptor, position, Self.seekContent)
      guard start >= 0 else {
        // Nothing but a hole up to the end.
        guard errno == ENXIO else { return false }
        break
      }
      let end = lseek(descriptor, start, Self.seekHole)
      guard end > start else { return false }
      content += end - start
      position = end
    }
    return content < size - size / 2
  }
}
