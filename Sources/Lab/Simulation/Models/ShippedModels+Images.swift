// Written by `CAIRN_WRITE_MODELS=1 swift test --filter ShippedModelTests`: the texts of models/images/*.json.
// swift-format-ignore-file

extension ShippedModels {
  static let images: [(name: String, json: String)] = [
    (
      "heavy-tail",
      #"""
      {
        "name": "heavy-tail",
        "about": "40 layers whose sizes follow a Pareto law.",
        "layersKB": [
          428.2,
          348.1,
          781.0,
          321.2,
          602.8,
          453.8,
          316.7,
          571.1,
          310.6,
          503.0,
          320.4,
          327.1,
          495.8,
          1477.3,
          338.3,
          377.5,
          736.1,
          4387.2,
          656.0,
          474.9,
          8992.4,
          313.3,
          1774.5,
          409.4,
          345.6,
          336.2,
          419.5,
          1398.7,
          359.6,
          662.4,
          757.3,
          458.2,
          617.2,
          318.2,
          317.2,
          370.0,
          846.2,
          498.2,
          422.7,
          668.2
        ]
      }
      """#
    ),
    (
      "large-3g",
      #"""
      {
        "name": "large-3g",
        "about": "A 3 GB machine-learning image of 25 layers; one of 1.2 GB is 40 % of it.",
        "layersKB": [
          1200000,
          288000,
          216000,
          180000,
          162000,
          144000,
          126000,
          108000,
          90000,
          90000,
          72000,
          63000,
          54000,
          45000,
          36000,
          32400,
          25200,
          18000,
          14400,
          10800,
          7200,
          3600,
          1800,
          1080,
          720
        ]
      }
      """#
    ),
    (
      "one-big",
      #"""
      {
        "name": "one-big",
        "about": "A single layer of 500 MB.",
        "layersKB": [
          500000
        ]
      }
      """#
    ),
    (
      "sixty-small",
      #"""
      {
        "name": "sixty-small",
        "about": "60 layers of half a megabyte.",
        "layersKB": [
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524,
          524
        ]
      }
      """#
    ),
    (
      "ubuntu-2017",
      #"""
      {
        "name": "ubuntu-2017",
        "about": "The five layers of ubuntu:latest of April 2017, the image that started this project.",
        "layersKB": [
          46500,
          0.85,
          0.62,
          0.47,
          0.17
        ]
      }
      """#
    ),
  ]
}
