import Hashes

/// How far a ledger has come: the hashes that its next line continues.
///
/// The *chain* runs over what the steps came to and is equal on every cluster; after a roll-back it
/// goes on from the version that the run went back to. The *seal* runs over every byte of every line.
struct LedgerTrail {
    /// The chain's hash at each version of the run, from version 0 on; empty before the header.
    private(set) var chains: [String] = []
    private(set) var seal = ""

    /// The version that the entries so far have come to.
    var version: UInt64 {
        precondition(!chains.isEmpty, "a ledger without a header has no version")
        return UInt64(chains.count - 1)
    }

    /// The line that says `content` next, without a line feed.
    mutating func line(_ content: LedgerContent) -> String {
        let (body, chained) = content.text
        let chain: String
        switch content {
        case .header: precondition(chains.isEmpty, "a ledger has one header")
        case .entry(let entry):
            precondition(entry.step == version, "step \(entry.step) after version \(version)")
        case .rollBack(let rollBack):
            precondition(
                rollBack.from == version && rollBack.to < version,
                "a roll-back from \(rollBack.from) to \(rollBack.to) at version \(version)")
            chains.removeLast(chains.count - 1 - Int(rollBack.to))
        }
        if let chained {
            chain = Self.hash(chains.last ?? "", chained.utf8)
            chains.append(chain)
        } else {
            chain = chains[chains.count - 1]
        }
        seal = Self.seal(after: seal, body.utf8, chain: chain)
        return LedgerLine.text(body, chain: chain, seal: seal)
    }

    /// Follows a line that was read.
    ///
    /// Throws `LedgerViolation` of the rules `seal`, `form`, `steps` and `chain`.
    mutating func follow(_ line: LedgerLine, number: Int) throws(LedgerViolation) {
        guard line.seal == Self.seal(after: seal, line.body, chain: line.chain) else {
            throw LedgerViolation(
                .seal, line: number,
                "its seal does not follow from the line before: a line was changed, removed, moved "
                    + "or repeated here")
        }
        switch line.kind {
        case .header:
            guard chains.isEmpty else {
                throw LedgerViolation(.form, line: number, "a second header")
            }
        case .entry, .rollBack:
            guard !chains.isEmpty else {
                throw LedgerViolation(.form, line: number, "the first line is no header")
            }
            try step(line, number: number)
        }
        if let chained = line.chained { chains.append(Self.hash(chains.last ?? "", chained)) }
        guard line.chain == chains.last else {
            throw LedgerViolation(
                .chain, line: number, step: line.kind == .entry ? version - 1 : nil,
                "its chain does not follow from the chain before")
        }
        seal = line.seal
    }

    private mutating func step(_ line: LedgerLine, number: Int) throws(LedgerViolation) {
        guard line.kind == .rollBack else {
            guard line.isEntry(of: version) else {
                throw LedgerViolation(
                    .steps, line: number, step: version, "the entry of another step stands here")
            }
            return
        }
        guard case .rollBack(let rollBack) = try content(of: line, number: number) else {
            preconditionFailure("line \(number) is a roll-back")
        }
        guard rollBack.from == version, rollBack.to < version else {
            throw LedgerViolation(
                .steps, line: number, step: version,
                "a roll-back from version \(rollBack.from) to \(rollBack.to) stands here")
        }
        chains.removeLast(chains.count - 1 - Int(rollBack.to))
    }

    /// Reads a line whole; throws `LedgerViolation` of the rule `form`.
    func content(of line: LedgerLine, number: Int) throws(LedgerViolation) -> LedgerContent {
        do {
            return try LedgerContent(line)
        } catch {
            throw LedgerViolation(.form, line: number, error.description)
        }
    }

    private static func hash(_ previous: String, _ text: some Collection<UInt8>) -> String {
        SHA256.hash(Array(previous.utf8) + Array(text))
    }

    private static func seal(
        after previous: String, _ body: some Collection<UInt8>, chain: String
    ) -> String {
        hash(previous, Array(body) + Array(",\"chain\":\"\(chain)\"".utf8))
    }
}
