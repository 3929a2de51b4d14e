// swift-tools-version: 6.2
import PackageDescription

/// Warnings are errors in our own targets; dependencies build with their own settings.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Optimised in debug builds, too.
///
/// The tests run hundreds of hours of simulated pulls, read large documents, and make images by the byte. What
/// `assert` checks is still checked.
let busy =
  strict + [
    .unsafeFlags(["-O", "-assert-config", "Debug"], .when(configuration: .debug))
  ]

let package = Package(
  name: "cairn",
  products: [
    .executable(name: "cairn", targets: ["cairn"]),
    .executable(name: "link-emulator", targets: ["link-emulator"]),
    .library(name: "CairnKit", targets: ["CairnKit"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
    .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2", traits: []),
  ],
  targets: [
    // MARK: C
    .target(
      name: "CCurl",
      linkerSettings: [.linkedLibrary("curl"), .linkedLibrary("ssl"), .linkedLibrary("crypto")]),
    .target(name: "CCrypto", linkerSettings: [.linkedLibrary("crypto")]),
    .target(name: "CSSL", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
    .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),
    .target(name: "CStart"),
    .target(name: "CSQLite", linkerSettings: [.linkedLibrary("sqlite3")]),

    // MARK: Pure
    .target(name: "Text", swiftSettings: busy),
    .target(name: "OCI", dependencies: ["Text"], swiftSettings: busy),
    .target(name: "Tuning", swiftSettings: busy),
    .target(name: "Scheduling", dependencies: ["Tuning"], swiftSettings: busy),
    .target(name: "Plot", dependencies: ["Text"], swiftSettings: strict),
    .target(name: "Metrics", swiftSettings: strict),
    .target(name: "TOML", dependencies: ["Text"], swiftSettings: strict),

    // MARK: Effects
    .target(name: "Disk", dependencies: ["Text"], swiftSettings: strict),
    .target(name: "Threads", swiftSettings: strict),
    .target(name: "Progress", dependencies: ["OCI", "Threads"], swiftSettings: strict),
    .target(name: "Transfer", dependencies: ["CZlib", "Disk", "Text"], swiftSettings: strict),
    .target(name: "Hashing", dependencies: ["OCI", "CCrypto"], swiftSettings: strict),
    .target(
      name: "CurlTransfer", dependencies: ["Text", "Transfer", "Threads", "CCurl"],
      swiftSettings: strict),
    .target(
      name: "Registry",
      dependencies: [
        "OCI", "Hashing", "Text", "Transfer", "Threads", "Disk", "TOML",
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: strict),
    .target(
      name: "Store", dependencies: ["OCI", "Hashing", "Text", "Disk", "Threads"],
      swiftSettings: strict),
    .target(name: "SQLite", dependencies: ["CSQLite"], swiftSettings: strict),
    .target(
      name: "History", dependencies: ["Text", "Tuning", "SQLite", "Disk"], swiftSettings: strict),
    .target(
      name: "Downloads",
      dependencies: ["OCI", "Tuning", "Scheduling", "Transfer", "Registry", "Store"],
      swiftSettings: strict),
    .target(
      name: "Pull",
      dependencies: [
        "OCI", "Tuning", "Scheduling", "Registry", "Store", "Progress", "Disk", "Downloads",
      ],
      swiftSettings: strict),
    .target(
      name: "Serve",
      dependencies: [
        "OCI", "Hashing", "Text", "Disk", "Threads", "Transfer", "Registry", "Store", "Downloads",
        "Metrics", "CSSL",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ],
      swiftSettings: strict),
    .target(
      name: "CairnKit",
      dependencies: [
        "OCI", "Tuning", "Scheduling", "Transfer", "Registry", "Store", "Progress", "History",
        "Downloads", "Pull", "CurlTransfer", "Disk",
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "cairn",
      dependencies: [
        "OCI", "Tuning", "Rivals", "Simulation", "Transfer", "Registry", "Store", "Progress",
        "Plot", "History", "Downloads", "Pull", "Serve", "CairnKit", "CurlTransfer", "Disk",
        "Threads", "TOML", "Metrics", "Text", "Hashing", "CStart",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),

    // MARK: Lab
    .target(
      name: "Rivals", dependencies: ["Tuning"], path: "Sources/Lab/Rivals", swiftSettings: busy),
    .target(
      name: "Simulation", dependencies: ["Text", "Tuning", "Rivals", "Scheduling"],
      path: "Sources/Lab/Simulation", swiftSettings: busy),
    .target(
      name: "Emulation", dependencies: ["Simulation", "Tuning"], path: "Sources/Lab/Emulation",
      swiftSettings: strict),
    .executableTarget(
      name: "link-emulator",
      dependencies: [
        "Emulation", "Simulation",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/Lab/link-emulator", swiftSettings: strict),

    // MARK: Tests
    .target(
      name: "Support", dependencies: ["OCI", "Store"], path: "Tests/Support", swiftSettings: busy),
    .target(
      name: "PullSupport",
      dependencies: ["Downloads", "OCI", "Progress", "Pull", "Scheduling", "Tuning"],
      path: "Tests/PullSupport", swiftSettings: strict),
    .testTarget(name: "ArchitectureTests", swiftSettings: strict),
    .testTarget(name: "TextTests", dependencies: ["Text"], swiftSettings: strict),
    .testTarget(name: "OCITests", dependencies: ["OCI"], swiftSettings: strict),
    .testTarget(
      name: "SchedulingTests", dependencies: ["Scheduling", "Tuning"], swiftSettings: strict),
    .testTarget(
      name: "TransferTests", dependencies: ["CCurl", "Transfer", "CurlTransfer", "Support"],
      swiftSettings: strict),
    .testTarget(
      name: "RegistryTests", dependencies: ["Registry", "CurlTransfer", "Support"],
      swiftSettings: strict),
    .testTarget(name: "TOMLTests", dependencies: ["TOML"], swiftSettings: strict),
    .testTarget(
      name: "DiskTests", dependencies: ["Disk", "Support", "Text"], swiftSettings: strict),
    .testTarget(
      name: "StoreTests", dependencies: ["Store", "Disk", "Support"], swiftSettings: strict),
    .testTarget(
      name: "HistoryTests",
      dependencies: ["History", "SQLite", "Support", "Tuning"], exclude: ["Fixtures"],
      swiftSettings: strict),
    .testTarget(name: "PlotTests", dependencies: ["Plot"], swiftSettings: strict),
    .testTarget(name: "MetricsTests", dependencies: ["Metrics"], swiftSettings: strict),
    .testTarget(name: "TuningTests", dependencies: ["Rivals", "Tuning"], swiftSettings: strict),
    .testTarget(
      name: "SimulationTests", dependencies: ["Rivals", "Simulation", "Tuning"],
      swiftSettings: strict),
    .testTarget(
      name: "EmulationTests", dependencies: ["Emulation", "Simulation"], swiftSettings: strict),
    .testTarget(
      name: "ProgressTests", dependencies: ["Progress", "Support"], swiftSettings: strict),
    .testTarget(
      name: "DownloadsTests",
      dependencies: ["Downloads", "CurlTransfer", "Support"], swiftSettings: strict),
    .testTarget(
      name: "PullTests",
      dependencies: ["Downloads", "Pull", "CurlTransfer", "PullSupport", "Support", "Tuning"],
      swiftSettings: strict),
    .testTarget(
      name: "ServeTests",
      dependencies: [
        "CurlTransfer", "Downloads", "Hashing", "OCI", "Registry", "Serve", "Store", "Support",
        "Transfer", "Tuning", "Scheduling", "Metrics",
      ],
      exclude: ["Fixtures"],
      swiftSettings: strict),
    .testTarget(
      name: "ZooTests",
      dependencies: [
        "Downloads", "Pull", "CurlTransfer", "PullSupport", "Scheduling", "Serve", "Support",
        "Tuning",
      ],
      path: "Tests/Zoo", swiftSettings: strict),
    .testTarget(
      name: "CairnKitTests", dependencies: ["CairnKit", "OCI", "Support", "Tuning"],
      swiftSettings: strict),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "cairn", "Disk", "History", "OCI", "Progress", "Registry", "SQLite", "Simulation", "Store",
        "Support",
        "TOML", "Transfer", "Tuning",
      ],
      exclude: ["Help"],
      swiftSettings: strict),
  ]
)

// What only its tool builds: `tools/fuzz` (libFuzzer's driver is there with its sanitizer alone),
// `tools/linear`, `tools/soak` and `tools/sanitize`.
switch Context.environment["CAIRN_EXTRA"] {
case "fuzz":
  package.targets.append(
    .executableTarget(
      name: "Fuzz",
      dependencies: ["History", "OCI", "Registry", "Simulation", "Store", "Transfer", "Tuning"],
      path: "Tests/Fuzz"))
case "linear":
  package.targets.append(
    .executableTarget(
      name: "Linear",
      dependencies: [
        "Downloads", "History", "OCI", "Progress", "Registry", "Scheduling", "Serve", "Simulation",
        "Store", "TOML", "Text", "Transfer", "Tuning",
      ],
      path: "Tests/Linear"))
case "soak":
  package.targets.append(
    .executableTarget(
      name: "Soak",
      dependencies: [
        "CurlTransfer", "PullSupport", "OCI", "Progress", "Pull", "Registry", "Scheduling", "Store",
        "Transfer", "Tuning",
      ], path: "Tests/Soak"))
case "thread":
  // In place of a `Mutex` that the thread sanitizer does not see into; `tools/sanitize` changes the imports.
  package.targets.append(.target(name: "PthreadMutex", path: "Tests/ThreadSanitizer"))
  for target in package.targets where target.name != "PthreadMutex" {
    target.dependencies.append("PthreadMutex")
  }
default: break
}
