import Foundation

@testable import cairn

/// The schema of a file of settings, made from what can be set.
struct SettingSchema {
  let table: SettingTable

  /// As `docs/schema/config.json` has it.
  var text: String {
    get throws {
      var schema = Self.closed(Self.nested(table.general))
      schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
      schema["$id"] = "https://cairn.invalid/schema/config.json"
      schema["title"] = "A file of settings"
      schema["description"] =
        "config.toml as JSON; docs/configuration.md says where it is and what counts more."
      var properties = schema["properties"] as? [String: Any] ?? [:]
      properties["registry"] = [
        "type": "object",
        "additionalProperties": Self.closed(Self.nested(table.general.filter(\.isOfRegistry))),
      ]
      let commands = Dictionary(grouping: table.special) { $0.command ?? "" }
      properties["command"] = Self.closed(
        commands.mapValues { own in
          Self.closed(Self.nested(own, dropping: 2))
        })
      schema["properties"] = properties
      let data = try JSONSerialization.data(
        withJSONObject: schema, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
      return String(decoding: data, as: UTF8.self) + "\n"
    }
  }

  private static func closed(_ properties: [String: Any]) -> [String: Any] {
    ["type": "object", "additionalProperties": false, "properties": properties]
  }

  /// By the parts of their keys.
  private static func nested(_ settings: [Setting], dropping count: Int = 0) -> [String: Any] {
    var result: [String: Any] = [:]
    var inner: [String: [String: Any]] = [:]
    for setting in settings {
      let parts = setting.key.split(separator: ".").dropFirst(count).map(String.init)
      var value = schema(setting.kind)
      value["description"] = setting.option.help
      if parts.count == 1 {
        result[parts[0]] = value
      } else {
        inner[parts[0], default: [:]][parts[1]] = value
      }
    }
    for (name, own) in inner { result[name] = closed(own) }
    return result
  }

  private static func schema(_ kind: ValueKind) -> [String: Any] {
    switch kind {
    case .boolean: ["type": "boolean"]
    case .whole: ["type": "integer"]
    case .number: ["type": "number"]
    case .size, .wholeOrText: ["type": ["integer", "string"]]
    case .text, .path: ["type": "string", "minLength": 1]
    case .choice(let values): ["enum": values]
    }
  }
}
