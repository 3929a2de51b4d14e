import Testing

@testable import Disk

@Suite("Folders of a user")
struct UserFoldersTests {
  @Test(
    "variables that begin at the root count, then the home, then the user database",
    arguments: [
      (["HOME": "/h"], ["/h", "/h/.config", "/h/.local/share", "/h/.local/state", "/h/.cache"]),
      ([:], ["/db", "/db/.config", "/db/.local/share", "/db/.local/state", "/db/.cache"]),
      (
        ["HOME": "h", "XDG_DATA_HOME": "x", "XDG_CACHE_HOME": ""],
        ["/db", "/db/.config", "/db/.local/share", "/db/.local/state", "/db/.cache"]
      ),
      (
        [
          "HOME": "/h", "XDG_CONFIG_HOME": "/1", "XDG_DATA_HOME": "/2", "XDG_STATE_HOME": "/3",
          "XDG_CACHE_HOME": "/4",
        ], ["/h", "/1", "/2", "/3", "/4"]
      ),
      (["HOME": "/"], ["/", "/.config", "/.local/share", "/.local/state", "/.cache"]),
    ] as [([String: String], [String])])
  func folders(environment: [String: String], expected: [String]) {
    let folders = UserFolders(environment, homeOfUser: "/db")
    #expect(
      [folders.home, folders.config, folders.data, folders.state, folders.cache] == expected)
  }
}
