import Foundation
import Testing

/// glibc's exp, log, pow and sin differ with the processor; bits that reach a parameter must not.
@Suite("Functions of the C library")
struct LibmTests {
    /// Targets whose results reach a parameter.
    static let targets = [
        "CKernels", "Tensors", "Networks", "SelfCorrection", "Datasets", "Training", "Optimizers",
        "Roles",
    ]

    /// What libm computes in another way on each processor; also with the endings f and l.
    static let functions: Set<String> = [
        "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "pow", "sin", "cos", "tan", "sinh",
        "cosh", "tanh", "asin", "acos", "atan", "atan2", "cbrt", "hypot", "erf", "erfc", "tgamma",
        "lgamma", "fmod", "remainder", "round",
    ]

    /// The first call of such a function in the code of a line.
    static func call(in line: Substring) -> String? {
        let code = Array(line.utf8)
        var name: [UInt8] = []
        var isMember = false
        for (index, byte) in code.enumerated() {
            let isLetter = (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z")
            let isDigit = byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
            if isLetter || isDigit || byte == UInt8(ascii: "_") {
                if name.isEmpty { isMember = index > 0 && code[index - 1] == UInt8(ascii: ".") }
                name.append(byte)
                continue
            }
            if byte == UInt8(ascii: "/"), index + 1 < code.count, code[index + 1] == byte {
                return nil
            }
            let word = String(decoding: name, as: UTF8.self)
            if byte == UInt8(ascii: "("), !isMember, isForbidden(word) { return word }
            name.removeAll(keepingCapacity: true)
        }
        return nil
    }

    private static func isForbidden(_ word: String) -> Bool {
        if functions.contains(word) { return true }
        return (word.hasSuffix("f") || word.hasSuffix("l"))
            && functions.contains(String(word.dropLast()))
    }

    @Test("Calls are found, and nothing else")
    func search() {
        #expect(Self.call(in: "    y = 1 / (1 + expf(-x));") == "expf")
        #expect(Self.call(in: "let s = a*pow(2, x)") == "pow")
        #expect(Self.call(in: "y = ck_exp_f64(x) + x.rounded() + fma(a, b, c)  // exp(x)") == nil)
        #expect(Self.call(in: "logger.log(level: level, text)") == nil)
    }

    @Test("None but fma, sqrt, floor and rint stands on a path to a parameter", arguments: targets)
    func absence(target: String) throws {
        let package = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let folder = package.appending(path: "Sources/\(target)")
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
            .filter { name in [".swift", ".c", ".h"].contains { name.hasSuffix($0) } }
        #expect(!files.isEmpty)
        for file in files {
            let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
            for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
                .enumerated()
            {
                if let call = Self.call(in: line) {
                    Issue.record("\(target)/\(file):\(index + 1) calls \(call)")
                }
            }
        }
    }
}
