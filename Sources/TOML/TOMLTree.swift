/// A document while it is read: tables by number, so that a line is put where it belongs without a
/// walk through what came before.
///
/// What stands between braces or brackets is whole where it ends, as TOML has it: no later line adds to it.
struct TOMLTree {
  /// Why a key or a head cannot stand where it does.
  enum Obstacle: Error {
    /// The same is there already.
    case isThere
    /// Something else is in its place, or on the way to it.
    case isOther
  }

  private enum Node {
    case value(TOMLValue)
    case table(Int)
    /// An array of tables, by its number.
    case tables(Int)
  }

  private struct Table {
    var keys: [(name: String, line: Int)] = []
    var nodes: [String: Node] = [:]
    var hasHead = false
  }

  /// The number of the document's own table.
  static let root = 0
  private var tables = [Table()]
  private var arrays: [[Int]] = []

  /// Puts a value at a path of keys below a table.
  mutating func put(
    _ value: TOMLValue, at path: [String], in table: Int, line: Int
  ) throws(Obstacle) {
    guard let key = path.last, let table = walk(path.dropLast(), from: table, line) else {
      throw .isOther
    }
    guard tables[table].nodes[key] == nil else { throw .isThere }
    add(.value(value), key, to: table, line)
  }

  /// Opens a table, or the next of an array of tables; its number.
  mutating func head(_ path: [String], isOfArray: Bool, line: Int) throws(Obstacle) -> Int {
    guard let key = path.last, let outer = walk(path.dropLast(), from: Self.root, line) else {
      throw .isOther
    }
    switch tables[outer].nodes[key] {
    case nil:
      let made = makeHeaded()
      if isOfArray { arrays.append([made]) }
      add(isOfArray ? .tables(arrays.count - 1) : .table(made), key, to: outer, line)
      return made
    case .tables(let array)? where isOfArray:
      let made = makeHeaded()
      arrays[array].append(made)
      return made
    case .table(let found)? where !isOfArray && !tables[found].hasHead:
      tables[found].hasHead = true
      return found
    case .table, .tables: throw isOfArray ? .isOther : .isThere
    case .value: throw .isOther
    }
  }

  /// What was read, as a value.
  func table() -> TOMLTable { table(Self.root) }

  private func table(_ number: Int) -> TOMLTable {
    var made = TOMLTable()
    for (key, line) in tables[number].keys {
      switch tables[number].nodes[key] {
      case .value(let value)?: made.append(key, value, line: line)
      case .table(let inner)?: made.append(key, .table(table(inner)), line: line)
      case .tables(let array)?:
        made.append(key, .array(arrays[array].map { .table(table($0)) }), line: line)
      case nil: break
      }
    }
    return made
  }

  /// The table at the end of a path, the last one of an array; those that are not there are made.
  private mutating func walk(_ path: ArraySlice<String>, from table: Int, _ line: Int) -> Int? {
    var table = table
    for key in path {
      switch tables[table].nodes[key] {
      case nil:
        let made = make()
        add(.table(made), key, to: table, line)
        table = made
      case .table(let inner)?: table = inner
      case .tables(let array)?:
        guard let last = arrays[array].last else { return nil }
        table = last
      case .value?: return nil
      }
    }
    return table
  }

  private mutating func make() -> Int {
    tables.append(Table())
    return tables.count - 1
  }

  private mutating func makeHeaded() -> Int {
    let made = make()
    tables[made].hasHead = true
    return made
  }

  private mutating func add(_ node: Node, _ key: String, to table: Int, _ line: Int) {
    tables[table].nodes[key] = node
    tables[table].keys.append((name: key, line: line))
  }
}
