import Disk
import FoundationEssentials
package import Store

/// The folder of a store: an OCI image layout, which skopeo, umoci and others read as it is.
///
/// Several processes may use one at the same time. It is made where there is none.
public struct StorePlace: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
  /// The folder, from the root.
  public let path: String

  /// Names a folder.
  ///
  /// - Parameter path: where it is; what does not begin at the root begins at the process's directory.
  public init(_ path: String) { self.path = URL(filePath: path).path }

  /// Names a folder.
  public init(stringLiteral path: String) { self.init(path) }

  /// The command's own: `$CAIRN_STORE`, else `$XDG_DATA_HOME/cairn/store`, below `~/.local/share`
  /// where that is not set.
  public static var standard: StorePlace {
    let named = ProcessInfo.processInfo.environment["CAIRN_STORE"] ?? ""
    return named.isEmpty ? ofUser : StorePlace(named)
  }

  /// Where it is when nothing names one.
  package static var ofUser: StorePlace {
    StorePlace(UserFolders(ProcessInfo.processInfo.environment).data + "/cairn/store")
  }

  /// The path.
  public var description: String { path }

  /// Opens the store, making it where there is none.
  ///
  /// - Parameters:
  ///   - reading: whether one that cannot be written will do, to be read.
  ///   - tell: told what takes long: somebody else's lock that is waited for.
  package func open(
    orReading reading: Bool = false, tell: @escaping @Sendable (String) -> Void
  ) throws(CairnError) -> ContentStore {
    do throws(StoreError) {
      do throws(StoreError) {
        return try ContentStore(root: path, tell: tell)
      } catch {
        guard reading, error.isUnwritable, let store = try ContentStore.reading(path, tell: tell)
        else {
          throw error
        }
        return store
      }
    } catch {
      throw CairnError(error)
    }
  }
}
