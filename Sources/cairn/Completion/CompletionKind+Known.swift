import ArgumentParser
import Disk
import FoundationEssentials
import History
import OCI
import Store

/// What shells offer for values that are this machine's own. Nothing is made or changed for that,
/// and nobody is asked.
extension CompletionKind {
  /// Images in the store, and the registries of the history with a slash behind them.
  static let images = known { word in
    let stored = images(word)
    // Zsh would put a space behind the slash.
    let hosts = word.shell == .zsh ? [] : names(word).registries.map { "\($0)/" }
    return stored + hosts
  }

  /// Images in the store.
  static let storedImages = known(images)

  /// Repositories of images in the store.
  static let repositories = known { word in
    images(word).compactMap { name in
      let end = name.lastIndex { $0 == ":" || $0 == "/" } ?? name.startIndex
      return name.contains("@") ? nil : name[end...].hasPrefix(":") ? String(name[..<end]) : name
    }
  }

  /// Registries in the history.
  static let registries = known { names($0).registries }

  /// Machines in the history, and `all`.
  static let machines = known { ["all"] + names($0).machines }

  /// Platforms that images are usually for; others are typed.
  static let platforms = list([
    "linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v6", "linux/386", "linux/ppc64le",
    "linux/s390x", "linux/riscv64", "windows/amd64",
  ])

  /// `--output`: a transport, and behind it what is on the disk.
  static let outputs = known { word in
    guard let colon = word.text.firstIndex(of: ":") else {
      return OutputTarget.transports
    }
    let transport = word.text[...colon]
    let start = String(word.text[word.text.index(after: colon)...])
    return paths(beginning: start, withFiles: transport.hasSuffix("archive:")).map {
      transport + $0
    }
  }

  /// Models that are built in, or those in a folder.
  ///
  /// - Parameters:
  ///   - names: of those that are built in.
  ///   - folder: below that of `--models`.
  static func models(_ names: [String], in folder: String) -> CompletionKind {
    known { word in
      guard let models = word.value(of: "--models") else { return ["all"] + names }
      let files = Files.list(models + folder)
      return ["all"] + files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }
    }
  }

  private static func known(
    _ candidates: @escaping @Sendable (CompletedWord) -> [String]
  ) -> CompletionKind {
    .custom { words, index, _ in
      let word = CompletedWord(words, at: index, shell: CompletionShell.requesting)
      return word.answer(candidates(word))
    }
  }

  // MARK: What there is

  /// Names of images, without `docker.io/library/` where the word begins without it, too.
  private static func images(_ word: CompletedWord) -> [String] {
    let path = StoreOptions.place(value(of: "store", word)).path
    guard let store = try? ContentStore.reading(path) else { return [] }
    return store.imageNames().map { name in
      [name, Reference.familiar(name)].last { $0.hasPrefix(word.text) } ?? name
    }
  }

  private static func names(_ word: CompletedWord) -> History.Names {
    History.names(in: HistoryOptions.path(value(of: "history", word)))
  }

  /// What an option of the command is: as it was typed, else as variables and files of settings have it.
  private static func value(of option: String, _ word: CompletedWord) -> String? {
    word.value(of: "--\(option)")
      ?? Invocation.current.value(of: option, in: Array(word.before.dropFirst()))
  }

  /// Paths on the disk.
  ///
  /// - Parameters:
  ///   - start: what they begin with.
  ///   - withFiles: not only directories, which have a slash behind them.
  private static func paths(beginning start: String, withFiles: Bool) -> [String] {
    let folder = start.lastIndex(of: "/").map { String(start[...$0]) } ?? ""
    return Files.list(folder.isEmpty ? "." : folder).compactMap { name in
      let path = folder + name
      guard path.hasPrefix(start), !name.hasPrefix(".") || start.dropFirst(folder.count) != ""
      else {
        return nil
      }
      let isFolder = (try? Files.target(path))?.kind == .directory
      return isFolder ? path + "/" : withFiles ? path : nil
    }
  }
}
