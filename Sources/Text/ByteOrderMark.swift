extension Collection where Element == UInt8 {
  /// The text without UTF-8's mark of byte order, which some editors and shells write before it.
  package var withoutByteOrderMark: SubSequence {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    return dropFirst(starts(with: mark) ? mark.count : 0)
  }
}
