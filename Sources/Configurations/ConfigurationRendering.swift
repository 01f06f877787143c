extension ResolvedConfiguration {
    /// The configuration as YAML that reads back to itself, with each value's origin as a comment.
    public var yaml: String {
        let separator: Character = "\u{1}"
        let fields = ConfigurationField.all.map { field in
            let value = field.read(configuration)
            return (field.key, "\(value)\(separator)\(origin(of: field.key))")
        }
        let rows = ConfigurationTree(fields).yamlLines().map {
            $0.split(separator: separator, maxSplits: 1).map(String.init)
        }
        let width = rows.lazy.filter { $0.count == 2 }.map(\.[0].count).max() ?? 0
        return rows.map { row in
            guard row.count == 2 else { return row[0] + "\n" }
            let padding = String(repeating: " ", count: width - row[0].count)
            return "\(row[0])\(padding)  # \(row[1])\n"
        }.joined()
    }

    /// One JSON object: each dotted key with its `value` and `origin`, and the `sha256`.
    public var json: String {
        let members = ConfigurationField.all.map { field in
            let origin = ConfigurationValue.string(origin(of: field.key).description)
            let value = field.read(configuration)
            return "\"\(field.key)\":{\"value\":\(value),\"origin\":\(origin)}"
        }
        return "{\"sha256\":\"\(configuration.sha256)\",\"values\":{"
            + members.joined(separator: ",") + "}}"
    }
}
