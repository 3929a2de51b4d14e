import FoundationEssentials
import OCI

/// Rows of figures under named columns, as aligned text, JSON or CSV.
struct Table {
  /// What stands in one place.
  enum Cell {
    case text(String)
    /// What is not known is no number: `-`, nothing in CSV, null in JSON.
    case number(Double, digits: Int)
    /// What there is not: as a number that is not known.
    case missing
    /// `yes` or `no`, true or false in JSON.
    case flag(Bool)
    /// Several figures by name each; in a line of text what `shown` makes of them.
    case list([[String: Double]], shown: String)

    var shown: String {
      switch self {
      case .text(let text): text
      case .number(let value, _) where value.isNaN: "-"
      case .number(let value, let digits): String(figures: "%.\(digits)f", value)
      case .missing: "-"
      case .flag(let isSo): isSo ? "yes" : "no"
      case .list(_, let shown): shown
      }
    }
  }

  var columns: [String]
  var rows: [[Cell]] = []

  func text(_ format: TableFormat) throws -> String {
    switch format {
    case .text: aligned
    case .csv: csv
    case .json: try json
    }
  }

  private var aligned: String {
    let shown = [columns] + rows.map { $0.map(\.shown) }
    let widths = columns.indices.map { column in shown.map { $0[column].count }.max() ?? 0 }
    return shown.enumerated().map { index, row in
      let cells = row.indices.map { column -> String in
        let space = String(repeating: " ", count: widths[column] - row[column].count)
        return isNumber(column) ? space + row[column] : row[column] + space
      }
      let line = cells.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
    }.joined()
  }

  private func isNumber(_ column: Int) -> Bool {
    rows.contains { if case .number = $0[column] { true } else { false } }
  }

  /// Numbers are not texts: a minus sign begins no formula there.
  private var csv: String {
    let heads = columns.map(CSVCell.text)
    let lines = rows.map { row in
      row.map { cell in
        switch cell {
        case .text(let text), .list(_, let text): CSVCell.text(text)
        case .number(let value, _) where value.isNaN: ""
        case .missing: ""
        case .number, .flag: cell.shown
        }
      }
    }
    return ([heads] + lines).map { $0.joined(separator: ",") + "\n" }.joined()
  }

  /// What is infinite, or no number, is null: JSON has no word for it.
  private enum Value: Encodable {
    case text(String)
    case number(Double)
    case flag(Bool)
    case list([[String: Double]])

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .text(let text): try container.encode(text)
      case .number(let number) where number.isFinite: try container.encode(number)
      case .number: try container.encodeNil()
      case .flag(let isSo): try container.encode(isSo)
      case .list(let rows): try container.encode(rows)
      }
    }
  }

  private var json: String {
    get throws {
      let objects = rows.map { row in
        Dictionary(
          uniqueKeysWithValues: zip(columns, row).map { name, cell -> (String, Value) in
            switch cell {
            case .text(let text): (name, .text(text))
            case .missing: (name, .number(.nan))
            case .flag(let isSo): (name, .flag(isSo))
            case .list(let rows, _): (name, .list(rows))
            case .number(let value, let digits):
              (name, .number(Double(String(figures: "%.\(digits)f", value)) ?? value))
            }
          })
      }
      return String(decoding: try StableJSON.encode(objects), as: UTF8.self) + "\n"
    }
  }
}
