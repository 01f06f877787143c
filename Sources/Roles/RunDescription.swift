import Configurations
import Datasets
import Foundation
import Hashes
import TrainingProtocol

/// What fixes a run and travels in its welcome: the configuration and the index of the data set.
///
/// As text: one line of canonical JSON each. Its SHA-256 is the run's configuration hash.
public struct RunDescription: Sendable {
    /// Every key, with defaults and overrides applied.
    public let configuration: Configuration
    /// Nil where batches come from a recording.
    public let dataset: DatasetIndex?
    /// Class names in index order.
    public let classNames: [String]

    init(configuration: Configuration, dataset: DatasetIndex?, classNames: [String]) {
        self.configuration = configuration
        self.dataset = dataset
        self.classNames = classNames
    }

    /// The two lines of text.
    var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body = Body(dataset: dataset, classNames: classNames)
        guard let json = try? encoder.encode(body) else {
            preconditionFailure("the index of \(classNames.count) classes cannot be encoded")
        }
        return configuration.canonicalJSON + "\n" + String(decoding: json, as: UTF8.self) + "\n"
    }

    /// Reads what `text` wrote.
    ///
    /// Throws `RoleError.description` for anything else.
    init(text: String) throws {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
        guard lines.count == 2 else {
            throw RoleError.description("it has \(lines.count) lines instead of 2")
        }
        configuration = try Configuration(canonicalJSON: String(lines[0]))
        do {
            let body = try JSONDecoder().decode(Body.self, from: Data(lines[1].utf8))
            (dataset, classNames) = (body.dataset, body.classNames)
        } catch {
            throw RoleError.description("\(error)")
        }
    }

    init(frame: Frame) throws {
        try self.init(text: String(decoding: frame.bytes, as: UTF8.self))
    }

    var frame: Frame { Frame(copying: Array(text.utf8)) }

    var hash: ContentHash { ContentHash(SHA256.bytes(of: text.utf8)) }

    private struct Body: Codable {
        var dataset: DatasetIndex?
        var classNames: [String]
    }
}

extension ContentHash {
    /// Reads the 64 digits of a SHA-256 of our own making.
    init(hexadecimal text: String) {
        let digits = Array(text.utf8)
        precondition(digits.count == 64, "\(text) is no SHA-256")
        self.init(
            stride(from: 0, to: 64, by: 2).map { index in
                guard
                    let byte = UInt8(
                        String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16)
                else { preconditionFailure("\(text) is no SHA-256") }
                return byte
            })
    }
}
