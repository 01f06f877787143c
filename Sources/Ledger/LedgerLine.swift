/// A line as it stands in the file: what it says, unread, and its two hashes.
///
/// `{"result":{…},"account":{…},"chain":"…","seal":"…"}`: what the chain covers comes first and the
/// hashes last, so that a ledger of a long run is opened without reading JSON.
struct LedgerLine {
    enum Kind: String, CaseIterable {
        case header = "training"
        case entry = "result"
        case rollBack = "roll_back"

        fileprivate var opening: [UInt8] { Array("{\"\(rawValue)\":".utf8) }

        /// What follows the part that the chain covers.
        fileprivate var separator: [UInt8]? {
            switch self {
            case .header: Array(",\"run\":".utf8)
            case .entry: Array(",\"account\":".utf8)
            case .rollBack: nil
            }
        }
    }

    let kind: Kind
    /// The line up to its hashes.
    let body: [UInt8]
    /// The part of the body that the chain covers; nil for a roll-back.
    let chained: ArraySlice<UInt8>?
    let chain: String
    let seal: String

    /// Takes a line apart, without its line feed; throws `MalformedLine`.
    init(_ bytes: [UInt8]) throws(MalformedLine) {
        guard let kind = Kind.allCases.first(where: { bytes.starts(with: $0.opening) }) else {
            throw MalformedLine("it begins with none of training, result and roll_back")
        }
        let tail = bytes.suffix(Self.tail(chain: Self.noHash, seal: Self.noHash).utf8.count)
        let chain = String(decoding: tail.dropFirst(10).prefix(64), as: UTF8.self)
        let seal = String(decoding: tail.dropLast(2).suffix(64), as: UTF8.self)
        guard Array(Self.tail(chain: chain, seal: seal).utf8) == Array(tail) else {
            throw MalformedLine("it does not end with a chain and a seal")
        }
        self.kind = kind
        self.chain = chain
        self.seal = seal
        let body = Array(bytes.dropLast(tail.count))
        self.body = body
        guard let separator = kind.separator else {
            chained = nil
            return
        }
        guard let end = Self.place(of: separator, in: body) else {
            throw MalformedLine("it lacks a member")
        }
        chained = body[kind.opening.count..<end]
    }

    /// Whether the line is of the entry of a step, as far as its first bytes tell.
    func isEntry(of step: UInt64) -> Bool {
        body.starts(with: Kind.entry.opening + Array("{\"step\":\(step),".utf8))
    }

    static func text(_ body: String, chain: String, seal: String) -> String {
        body + tail(chain: chain, seal: seal)
    }

    private static let noHash = String(repeating: "0", count: 64)

    private static func tail(chain: String, seal: String) -> String {
        ",\"chain\":\"\(chain)\",\"seal\":\"\(seal)\"}"
    }

    private static func place(of text: [UInt8], in bytes: [UInt8]) -> Int? {
        guard let first = text.first, bytes.count >= text.count else { return nil }
        return (0...bytes.count - text.count).first {
            bytes[$0] == first && bytes[$0..<$0 + text.count].elementsEqual(text)
        }
    }
}
