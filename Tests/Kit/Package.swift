// swift-tools-version: 6.2
import PackageDescription

// A program of somebody else's: `tools/kit` builds and runs it, and CI does that.
let package = Package(
  name: "kit-example",
  dependencies: [.package(name: "cairn", path: "../..")],
  targets: [
    .executableTarget(
      name: "kit-example", dependencies: [.product(name: "CairnKit", package: "cairn")])
  ]
)
