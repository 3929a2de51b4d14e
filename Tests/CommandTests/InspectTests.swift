import Foundation
import OCI
import Support
import Testing

/// `cairn inspect`: what an image's configuration says.
@Suite("Inspecting", .timeLimit(.minutes(10)), .serialized)
struct InspectTests {
  let cairn: Command

  init() throws { cairn = try Command() }

  func run(_ arguments: String...) async throws -> Command.Outcome {
    try await Command.finish(cairn.process(arguments + ["--plain-http", "--retries", "1"]))
  }

  static var configuration: [String: Any] {
    [
      "os": "linux", "architecture": "amd64", "created": "2024-05-06T07:08:09Z", "author": "me",
      "rootfs": ["type": "layers", "diff_ids": ["sha256:a", "sha256:b"]],
      "config": [
        "Entrypoint": ["/bin/sh", "-c"], "Cmd": ["echo \"hi\""], "User": "www",
        "WorkingDir": "/srv",
        "Env": ["PATH=/bin", "ODD=a\nb", "LINE=a\r\nforged"],
        "Labels": ["z": "2", "a": "1\u{1B}[2J", "n": 7],
        "ExposedPorts": ["80/tcp": [:], "443/tcp": [:]], "Volumes": ["/data": [:]],
        "StopSignal": "SIGINT", "Healthcheck": ["Test": ["CMD", "true"]],
      ] as [String: Any],
      "history": [
        ["created": "2024-05-06T07:08:00Z", "created_by": "ADD base  \n /"],
        ["created_by": "CMD [\"sh\"]", "empty_layer": true],
        ["created_by": "RUN x", "comment": "c"],
      ],
    ]
  }

  /// An image with two layers and a configuration.
  static func image(_ configuration: Any) throws -> FakeImage {
    let bytes = Array(
      try JSONSerialization.data(withJSONObject: configuration, options: [.sortedKeys]))
    let digest = try Digest.of(bytes)
    var image = try FakeImage(layers: [
      Content.bytes(3_000, seed: 1), Content.bytes(70_000, seed: 2),
    ]) {
      $0["config"] = [
        "mediaType": MediaType.ociConfig.rawValue, "digest": "\(digest)", "size": bytes.count,
      ]
    }
    image.blobs[digest] = bytes
    return image
  }

  @Test("inspect shows the configuration and the history with sizes, each in a line of its own")
  func inspectsText() async throws {
    let registry = try FakeRegistry(Self.image(Self.configuration))
    let outcome = try await run("inspect", "\(registry.host)/o/n")
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    let lines = try #require(outcome.output.firstRange(of: "created "))
    #expect(
      outcome.output[lines.lowerBound...] == """
        created    2024-05-06T07:08:09Z
        author     me
        entrypoint ["/bin/sh","-c"]
        command    ["echo \\"hi\\""]
        user       www
        directory  /srv
        ports      443/tcp 80/tcp
        volumes    /data
        stopped by SIGINT
        health     ["CMD","true"]
        environment
          PATH=/bin
          ODD=a\\nb
          LINE=a\\r\\nforged
        labels
          a=1\\u001b[2J
          z=2
        history
          2.9 KiB   ADD base /
          -         CMD ["sh"]
          68.4 KiB  RUN x

        """)
  }

  @Test("as JSON it has all of it, and each step's layer")
  func inspectsJSON() async throws {
    let image = try Self.image(Self.configuration)
    let registry = try FakeRegistry(image)
    let outcome = try await run("inspect", "\(registry.host)/o/n", "--format", "json")
    let document = try #require(
      try JSONSerialization.jsonObject(with: outcome.bytes) as? [String: Any])
    let shown = try #require(
      (document["image"] as? [String: Any])?["configuration"] as? [String: Any])
    let expected: [String: Any] = [
      "created": "2024-05-06T07:08:09Z", "author": "me", "entrypoint": ["/bin/sh", "-c"],
      "command": ["echo \"hi\""], "environment": ["PATH=/bin", "ODD=a\nb", "LINE=a\r\nforged"],
      "labels": ["z": "2", "a": "1\u{1B}[2J"], "user": "www", "workingDirectory": "/srv",
      "ports": ["443/tcp", "80/tcp"], "volumes": ["/data"], "stopSignal": "SIGINT",
      "healthcheck": ["CMD", "true"],
      "history": [
        [
          "created": "2024-05-06T07:08:00Z", "createdBy": "ADD base  \n /", "size": 3_000,
          "layer": "\(image.layers[0])",
        ], ["createdBy": "CMD [\"sh\"]", "size": 0],
        ["createdBy": "RUN x", "comment": "c", "size": 70_000, "layer": "\(image.layers[1])"],
      ],
    ]
    #expect(shown as NSDictionary == expected as NSDictionary)
  }

  @Test(
    "a configuration that is odd, or is not to be had, leaves the rest as it is",
    arguments: [
      #"{}"#, #"[]"#, #"{"config":7,"history":{"a":1},"rootfs":{"diff_ids":[]}}"#,
      #"{"config":{"Env":"A=b","Cmd":{"x":1},"Labels":["a"],"ExposedPorts":null},"rootfs":{"diff_ids":[]}}"#,
      #"{"history":[7,null,{"empty_layer":"yes"},{"created_by":["x"]}],"rootfs":{"diff_ids":[]}}"#,
      "",
    ])
  func oddConfigurations(text: String) async throws {
    // `{}` is known, and nobody is asked for it.
    let written = text.isEmpty ? #"{"a":1}"# : text
    let value = try JSONSerialization.jsonObject(with: Data(written.utf8))
    var image = try Self.image(value)
    // Not even there.
    if text.isEmpty { image.blobs = image.blobs.filter { image.layers.contains($0.key) } }
    let registry = try FakeRegistry(image)
    let outcome = try await run("inspect", "\(registry.host)/o/n")
    #expect(outcome.status == 0 && outcome.output.contains("layer 2"), "\(outcome.errors)")
    #expect(outcome.errors.contains("cannot be shown") == text.isEmpty, "\(outcome.errors)")
  }

  @Test("steps that do not fit the layers are given no sizes")
  func oddHistory() async throws {
    var configuration = Self.configuration
    configuration["history"] = [["created_by": "one"], ["created_by": "two", "empty_layer": true]]
    let registry = try FakeRegistry(Self.image(configuration))
    let outcome = try await run("inspect", "\(registry.host)/o/n")
    #expect(outcome.output.hasSuffix("history\n  ?         one\n  -         two\n"))
  }
}
