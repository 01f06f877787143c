import Foundation

/// What one line of a ledger says.
package enum LedgerContent: Equatable, Sendable {
    /// The first line, and no other.
    case header(LedgerHeader)
    case entry(LedgerEntry)
    case rollBack(RollBack)

    /// The state of the run went back: entries of steps from `to` on no longer count.
    package struct RollBack: Equatable, Sendable, Decodable {
        /// The version that the ledger had come to.
        package var from: UInt64
        /// The version that the run goes on from; less than `from`.
        package var to: UInt64

        package init(from: UInt64, to: UInt64) {
            self.from = from
            self.to = to
        }
    }

    /// The line up to its hashes, and the part of it that the chain covers.
    var text: (body: String, chained: String?) {
        switch self {
        case .header(let header):
            let training = header.trainingText
            return ("{\"training\":\(training),\"run\":\(quoted(header.run))", training)
        case .entry(let entry):
            let result = entry.resultText
            return ("{\"result\":\(result),\"account\":\(entry.accountText)", result)
        case .rollBack(let rollBack):
            return ("{\"roll_back\":{\"from\":\(rollBack.from),\"to\":\(rollBack.to)}", nil)
        }
    }
}

extension LedgerContent {
    private struct RollBackRow: Decodable { var rollBack: RollBack }

    /// Reads a line whole.
    ///
    /// Throws `MalformedLine` unless writing it again gives the same bytes.
    init(_ line: LedgerLine) throws(MalformedLine) {
        do {
            let json = Data(line.body + Array("}".utf8))
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            self =
                switch line.kind {
                case .header: .header(try decoder.decode(LedgerHeader.self, from: json))
                case .entry: .entry(try decoder.decode(LedgerEntry.self, from: json))
                case .rollBack:
                    .rollBack(try decoder.decode(RollBackRow.self, from: json).rollBack)
                }
        } catch let error as MalformedLine {
            throw error
        } catch {
            throw MalformedLine("\(error)")
        }
        guard Array(text.body.utf8) == line.body else {
            throw MalformedLine("it is not in the form in which ledgers are written")
        }
    }
}
