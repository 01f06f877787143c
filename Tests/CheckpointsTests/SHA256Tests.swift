import Hashes
import Testing

@Suite struct SHA256Tests {
    private func digest(
        _ bytes: [UInt8], inPiecesOf length: Int, by engine: SHA256.Engine
    ) -> String {
        var hash = SHA256(engine)
        var start = 0
        while start < bytes.count {
            let end = min(start + length, bytes.count)
            bytes[start..<end].withUnsafeBytes { hash.update($0) }
            start = end
        }
        return hash.finish()
    }

    @Test func `The empty text and abc hash as the standard says`() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(SHA256.hash([]) == empty)
        #expect(SHA256.hash("abc".utf8) == abc)
    }

    @Test(.enabled(if: SHA256.Engine.best == .processor, "no SHA-256 instructions here"))
    func `The processor's instructions agree with libsodium at every length and cut`() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 37 + $0 >> 3) }
        for count in Array(0...200) + [511, 512, 513, 1000] {
            let content = Array(bytes[..<count])
            let expected = digest(content, inPiecesOf: 1000, by: .libsodium)
            for length in [1, 3, 63, 64, 65, 1000] {
                #expect(digest(content, inPiecesOf: length, by: .processor) == expected)
            }
        }
    }
}
