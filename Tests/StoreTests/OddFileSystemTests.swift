import Disk
import Glibc
import Support
import Testing

@testable import OCI
@testable import Store

/// What file systems say that are not the usual ones; `OddDiskTests` has the program meet them.
@Suite("Odd file systems")
struct OddFileSystemTests {
  @Test(
    "room is what is said of it, and unknown where that makes no sense",
    arguments: [
      (1000, 10, 4096, 4096, 40_960), (1000, 0, 4096, 4096, 0), (1000, 1000, 1, 4096, 1000),
      // Zeros [rclone#2356]; less than nothing [NFS of a BSD], in 64 bits and in 32.
      (0, 0, 4096, 4096, nil), (0, 0, 0, 0, nil), (0, 5, 4096, 4096, nil),
      (1000, .max, 4096, 4096, nil), (1000, .max - 5, 4096, 4096, nil),
      (1000, 0xFFFF_FFFF, 4096, 4096, nil), (1000, 1 << 63, 4096, 4096, nil),
      (.max, 1 << 63, 1, 1, .max),
      // Without a size of its fragments, and without any.
      (1000, 10, 0, 512, 5120), (1000, 10, 0, 0, nil),
      // Without an end.
      (.max, .max, .max, .max, .max), (1 << 60, 1 << 60, 4096, 4096, .max),
      (.max, 3, .max, 1, .max),
    ] as [(UInt64, UInt64, UInt64, UInt64, Int64?)])
  func freeSpace(blocks: UInt64, available: UInt64, fragment: UInt64, block: UInt64, bytes: Int64?)
  {
    let found = FreeSpace.bytes(
      blocks: blocks, available: available, fragment: fragment, block: block)
    #expect(found == bytes)
  }

  @Test("room that nobody knows is not mentioned")
  func unknownRoom() {
    let error = StoreError.noSpace(path: "/s", needed: 2048, free: nil)
    #expect(error.description == "not enough space in /s: 2.0 KiB needed")
  }

  @Test(
    "where no inodes are left, that is said, and not that the disk is full",
    .enabled(if: getuid() == 0))
  func noInodes() throws {
    guard let disk = try SmallDisk("nr_inodes=20") else {
      try Test.cancel("nothing can be mounted here")
    }
    defer { withExtendedLifetime(disk) {} }
    let path = disk.path
    #expect(!FreeSpace.isOutOfFiles(at: path))
    for number in 0..<20 { _ = creat("\(path)/\(number)", 0o600) }
    #expect(FreeSpace.isOutOfFiles(at: "\(path)/not/there"))
    let error = StoreError(DiskError("make directory", "\(path)/not/there", ENOSPC))
    #expect(error.lack == .files)
    #expect(error.description.contains("no inodes are left"))
    #expect(StoreError(DiskError("write", "/dev/full", ENOSPC)).lack == .space)
  }

  @Test(
    "where not a byte is left, images can be removed all the same", .enabled(if: getuid() == 0),
    arguments: [true, false])
  func fullDisk(isPrune: Bool) throws {
    guard let disk = try SmallDisk("size=256k") else {
      try Test.cancel("nothing can be mounted here")
    }
    defer { withExtendedLifetime(disk) {} }
    let path = disk.path
    let store = try ContentStore(root: "\(path)/store")
    for (name, seed) in [("ex.am/a:1", 1), ("ex.am/b:1", 2)] as [(String, UInt64)] {
      let image = try OutputTests.stored(
        FakeImage(layers: [Content.bytes(20_000, seed: seed)]), in: store)
      try store.updateIndex { (index: inout LayoutIndex) throws(StoreError) in
        try index.set(name, image.root)
      }
    }
    let maintenance = StoreMaintenance(store: store)
    _ = try maintenance.prune(olderThan: nil, keepBytes: nil, now: 0)
    let filler = open("\(path)/fill", O_CREAT | O_WRONLY, 0o600)
    let bytes = [UInt8](repeating: 1, count: 512)
    while Glibc.write(filler, bytes, bytes.count) > 0 {}
    close(filler)
    let removal =
      if isPrune {
        try maintenance.prune(olderThan: nil, keepBytes: 0, now: 0)
      } else {
        try maintenance.remove { $0.name == "ex.am/a:1" }
      }
    #expect(removal?.images.count == (isPrune ? 2 : 1) && removal?.bytes ?? 0 > 20_000)
    let left = try maintenance.images()
    #expect(left.map(\.name) == (isPrune ? [] : ["ex.am/b:1"]))
    #expect(!left.contains { !$0.isComplete })
  }

  @Test("sums of sizes from outside have an end")
  func sums() {
    #expect([Int64.max, 1].clampedSum == .max && [Int64.min, -1].clampedSum == .min)
    #expect([1, 2, 3].clampedSum == 6 && [Int64]().clampedSum == 0)
    var info = stat()
    info.st_blocks = .max
    #expect(info.allocatedBytes == .max)
    info.st_blocks = -1
    #expect(info.allocatedBytes == 0)
  }

  @Test(
    "what a file system cannot do is told from what is broken",
    arguments: [
      (.directorySync, [EINVAL, ENOTSUP, EOPNOTSUPP, ENOSYS, EBADF, EACCES, EPERM, EISDIR], true),
      (.directorySync, [EIO, ENOSPC, EDQUOT, EROFS, ESTALE, ENOENT, EMFILE], false),
      (.fileSync, [EINVAL, ENOTSUP, EOPNOTSUPP, ENOSYS], true),
      (.fileSync, [EIO, ENOSPC, EDQUOT, EROFS, ESTALE, EBADF, EACCES], false),
      (.locks, [ENOLCK, ENOSYS, ENOTSUP, EOPNOTSUPP, EINVAL, EBADF], true),
      (.locks, [EIO, ESTALE, EWOULDBLOCK, EACCES], false),
    ] as [(Shortcoming, [Int32], Bool)])
  func shortcomings(one: Shortcoming, codes: [Int32], isOne: Bool) {
    for code in codes {
      #expect(one.isMeant(by: code) == isOne, "\(String(cString: strerror(code)))")
    }
  }

  @Test("each is said once, whatever the number of files")
  func saidOnce() {
    let notes = FileSystemNotes()
    for path in ["/a", "/b"] {
      for one in Shortcoming.allCases { notes.add(one, at: path) }
    }
    let said = notes.take()
    #expect(said.count == Shortcoming.allCases.count && said.allSatisfy { $0.contains("/a") })
    notes.add(.locks, at: "/c")
    #expect(notes.take().isEmpty)
  }

  @Test("an image whose index claims impossible sizes can be listed and pruned")
  func impossibleSizes() throws {
    let folder = try TemporaryFolder()
    let store = try ContentStore(root: folder("store"))
    try store.updateIndex { (index) throws(StoreError) in
      for name in ["a", "b"] {
        guard let digest = try? Digest.of(Array(name.utf8)) else { continue }
        try index.set(name, Descriptor(mediaType: .ociConfig, digest: digest, size: .max))
      }
    }
    let maintenance = StoreMaintenance(store: store)
    #expect(try maintenance.images().map(\.size) == [.max, .max])
    _ = try? maintenance.prune(olderThan: nil, keepBytes: 1, now: 0)
  }
}
